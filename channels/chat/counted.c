/* A decorator of nf_chat: it counts the messages of which nobody knows whether they arrived. */
#include "base/own.h"
#include "channels/chat/chat_internal.h"

#include <string.h>

static const struct nf_chat_ops counted_ops;

static struct nf_counted_chat *counted(struct nf_chat *c)
{
    return nf_container_of(c, struct nf_counted_chat, port);
}

static enum nf_code count(struct nf_counted_chat *c, enum nf_code rc)
{
    if (rc == NF_E_CONFLICT)
        nf_metric_add(c->ambiguous, 1);
    return rc;
}

static void caps(struct nf_chat *c, const char *address, struct nf_chat_caps *ret)
{
    struct nf_chat *real = counted(c)->real;
    real->ops->caps(real, address, ret);
}

static enum nf_code parts(struct nf_chat *c, const char *markdown, size_t *ret, struct nf_err *err)
{
    struct nf_chat *real = counted(c)->real;
    return real->ops->parts(real, markdown, ret, err);
}

static enum nf_code send_message(struct nf_chat *c, const struct nf_chat_post *p,
                                 char ref[NF_CHAT_REF_MAX + 1], struct nf_err *err)
{
    struct nf_chat *real = counted(c)->real;
    return count(counted(c), real->ops->send(real, p, ref, err));
}

static enum nf_code edit(struct nf_chat *c, const struct nf_chat_post *p, const char *ref,
                         struct nf_err *err)
{
    struct nf_chat *real = counted(c)->real;
    return real->ops->edit(real, p, ref, err);
}

static enum nf_code remove_message(struct nf_chat *c, const char *address, const char *ref,
                                   struct nf_err *err)
{
    struct nf_chat *real = counted(c)->real;
    return real->ops->remove(real, address, ref, err);
}

static enum nf_code document(struct nf_chat *c, const struct nf_chat_post *p,
                             char ref[NF_CHAT_REF_MAX + 1], struct nf_err *err)
{
    struct nf_chat *real = counted(c)->real;
    return count(counted(c), real->ops->document(real, p, ref, err));
}

static enum nf_code typing(struct nf_chat *c, const char *address, struct nf_err *err)
{
    struct nf_chat *real = counted(c)->real;
    return real->ops->typing(real, address, err);
}

static void health(struct nf_chat *c, struct nf_chat_health *ret)
{
    struct nf_chat *real = counted(c)->real;
    *ret = (struct nf_chat_health){ .state = NF_CHAT_STARTING };
    if (real->ops->health)
        real->ops->health(real, ret);
}

static enum nf_code home(struct nf_chat *c, const char *account, char address[NF_ADDRESS_MAX + 1],
                         struct nf_err *err)
{
    struct nf_chat *real = counted(c)->real;
    if (real->ops->home)
        return real->ops->home(real, account, address, err);
    size_t n = strnlen(account, NF_ADDRESS_MAX);
    memcpy(address, account, n);
    address[n] = '\0';
    return NF_OK;
}

static enum nf_code title(struct nf_chat *c, const char *address, const char *text,
                          struct nf_err *err)
{
    struct nf_chat *real = counted(c)->real;
    return real->ops->title ? real->ops->title(real, address, text, err) : NF_OK;
}

static const struct nf_chat_ops counted_ops = { .caps = caps,
                                                .parts = parts,
                                                .send = send_message,
                                                .edit = edit,
                                                .remove = remove_message,
                                                .document = document,
                                                .typing = typing,
                                                .health = health,
                                                .home = home,
                                                .title = title };

void nf_counted_chat_init(struct nf_counted_chat *c, struct nf_chat *real, const char *channel)
{
    struct nf_str label = { 0 };
    struct nf_err ignored;

    /* A channel's name needs no escape: [a-z0-9-]. */
    bool labelled = nf_metric_label(&label, "channel", channel, &ignored) == NF_OK;
    *c = (struct nf_counted_chat){
        .port = { .ops = &counted_ops, .name = real->name },
        .real = real,
        .ambiguous = nf_counter("nexflow_chat_ambiguous_total",
                                "Messages of which nobody knows whether they arrived",
                                labelled ? nf_str_c(&label) : NULL),
    };
    nf_str_done(&label);
}
