/* REST: the bots of chat networks, and how they are. */
#include "application/manage_pairing.h"
#include "application/words.h"
#include "base/utf8.h"
#include "channels/web/web_internal.h"
#include "codec/qr.h"

#include <string.h>

#define BODY_MAX ((size_t)1 << 20)

bool nf_web_bot_at(const struct nf_web *w, size_t i, struct nf_web_bot *ret)
{
    return w->o.facts.bot && w->o.facts.bot(w->o.facts.arg, i, ret);
}

const char *nf_web_bot_state(const struct nf_web_bot *b)
{
    switch (b->health.state) {
    case NF_CHAT_STARTING:
        return "starting";
    case NF_CHAT_CONNECTED:
        return "connected";
    case NF_CHAT_RETRYING:
        return "retrying";
    case NF_CHAT_REFUSED:
        return "refused";
    case NF_CHAT_STANDBY:
        return "standby";
    }
    return "?";
}

/* What is wrong is for those who can mend it. */
static void put_bot(struct nf_json_out *o, const struct nf_web_bot *b, bool all, int64_t now_ms)
{
    const struct nf_chat_health *h = &b->health;
    nf_json_out_object(o);
    nf_json_put_str(o, "name", b->name);
    nf_json_put_str(o, "network", b->network);
    nf_json_put_str(o, "state", nf_web_bot_state(b));
    nf_json_put_bool(o, "deaf", nf_chat_is_deaf(h, now_ms));
    nf_json_put_str(o, "bot_name", h->bot_name);
    nf_json_put_str(o, "link", h->link);
    if (all) {
        nf_web_put_time(o, "alive_at", h->alive_ms);
        nf_web_put_time(o, "event_at", h->event_ms);
        nf_json_put_i64(o, "code", h->code);
        nf_json_put_i64(o, "queue", h->queue);
        nf_json_put_str(o, "problem", h->problem);
        (void)nf_web_put_said(o, "problem_code", "problem_values", &nf_bot_sayings,
                              nf_slice_of(h->problem));
        nf_json_put_str(o, "todo", h->todo);
        (void)nf_web_put_said(o, "todo_code", "todo_values", &nf_bot_sayings, nf_slice_of(h->todo));
    }
    nf_json_out_end(o);
}

static const char *const states[] = { "starting", "connected", "retrying", "refused", "standby" };

struct bots_ask {
    struct nf_web_names_ask names;
    struct nf_slice state, network; /* empty: any */
};

static NF_RC read_ask(const struct nf_http_exchange *x, struct bots_ask *a, struct nf_err *err)
{
    bool known = false;
    NF_TRY(nf_web_read_names(x, &a->names, err));
    a->state = nf_http_query(x, "state", NULL);
    a->network = nf_http_query(x, "network", NULL);
    for (size_t i = 0; i < NF_COUNT(states); i++)
        known = known || nf_slice_eq(a->state, states[i]);
    if (a->state.n > 0 && !known)
        return nf_err_set(err, NF_E_INVALID,
                          "state: not starting, connected, retrying, refused or standby");
    return NF_OK;
}

static bool is_asked(const struct bots_ask *a, const struct nf_web_bot *b)
{
    return (a->state.n == 0 || nf_slice_eq(a->state, nf_web_bot_state(b))) &&
           (a->network.n == 0 || nf_slice_eq(a->network, b->network)) &&
           nf_utf8_has(b->name, strlen(b->name), a->names.part.p, a->names.part.n);
}

/* In the configuration's order; what follows has the last one's name as its cursor. */
static void put_bots(struct nf_json_out *o, const struct nf_web *w, const struct bots_ask *a,
                     bool all)
{
    char last[NF_CHANNEL_MAX + 1] = "";
    bool begun = a->names.after.n == 0, more = false;
    size_t n = 0;
    struct nf_web_bot b;

    nf_json_out_key(o, "channels");
    nf_json_out_array(o);
    for (size_t i = 0; !more && nf_web_bot_at(w, i, &b); i++) {
        bool here = begun && is_asked(a, &b);
        begun = begun || nf_slice_eq(a->names.after, b.name);
        more = here && a->names.limit > 0 && n == a->names.limit;
        if (!here || more)
            continue;
        put_bot(o, &b, all, nf_app_now(w->o.app));
        memcpy(last, b.name, sizeof(last));
        n++;
    }
    nf_json_out_end(o);
    nf_json_out_key(o, "next_cursor");
    nf_json_out_str(o, more ? last : NULL);
}

enum nf_code nf_web_bots(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    const struct nf_web *w = arg;
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = BODY_MAX };
    struct bots_ask ask = { 0 };
    struct nf_json_out o;

    NF_TRY(read_ask(x, &ask, err));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    put_bots(&o, w, &ask, nf_web_who(x)->user.role != NF_USER_USER);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}

enum nf_code nf_web_bot_qr(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    const struct nf_web *w = arg;
    NF_CLEANUP(nf_str_done) struct nf_str svg = { .max = BODY_MAX };
    struct nf_slice name = nf_http_param(x, "name");
    struct nf_web_bot b;

    for (size_t i = 0; nf_web_bot_at(w, i, &b); i++) {
        if (!nf_slice_eq(name, b.name) || !b.health.link[0])
            continue;
        NF_TRY(nf_qr_svg(b.health.link, &svg, err));
        return nf_http_respond(x, 200, "image/svg+xml", nf_str_c(&svg), svg.len, err);
    }
    return nf_err_set(err, NF_E_NOT_FOUND,
                      "there is no such channel, or its bot's link is not known yet");
}

static NF_RC find_bot(const struct nf_web *w, struct nf_slice name, struct nf_web_bot *ret,
                      struct nf_err *err)
{
    for (size_t i = 0; nf_web_bot_at(w, i, ret); i++)
        if (nf_slice_eq(name, ret->name))
            return NF_OK;
    return nf_err_set(err, NF_E_NOT_FOUND, "there is no such channel");
}

/* One's own account of the network. */
static NF_RC own_account(const struct nf_web *w, const struct nf_user *u, const char *network,
                         char ret[NF_ADDRESS_MAX + 1], struct nf_err *err)
{
    NF_CLEANUP(nf_identities_done) struct nf_identities list = { 0 };
    NF_TRY(nf_account_list(w->o.app, u, u->id, &list, err));
    for (size_t i = 0; i < list.n; i++)
        if (strcmp(list.v[i].channel, network) == 0) {
            memcpy(ret, list.v[i].account, NF_ADDRESS_MAX + 1);
            return NF_OK;
        }
    return nf_err_set(err, NF_E_NOT_FOUND,
                      "you have no account of %s here yet: an invitation links it", network);
}

enum nf_code nf_web_bot_test(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    const struct nf_web *w = arg;
    const struct nf_user *u = &nf_web_who(x)->user;
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    char account[NF_ADDRESS_MAX + 1];
    struct nf_web_bot b;
    struct nf_json_out o;

    if (u->role == NF_USER_USER)
        return nf_err_set(err, NF_E_DENIED, "only an owner or admin may test channels");
    NF_TRY(find_bot(w, nf_http_param(x, "name"), &b, err));
    NF_TRY(own_account(w, u, b.network, account, err));
    NF_TRY(w->o.facts.say(w->o.facts.arg, b.name, account, nf_word(u->lang, NF_WORD_TEST), err));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_put_bool(&o, "sent", true);
    nf_json_put_str(&o, "account", account);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}
