#include "channels/discord/attempt.h"

#include "base/own.h"
#include "channels/discord/markup_rules.h"
#include "channels/discord/post_body.h"
#include "observe/log.h"
#include "observe/metrics.h"

#include <stdio.h>
#include <string.h>

#define NONCE_MAX 25   /* "Create Message" */
#define PLAIN_MAX 1990 /* UTF-16 units of a text without markup */

void nf_discord_rendered_done(struct nf_discord_rendered *r)
{
    nf_str_done(&r->markdown);
    nf_discord_parts_done(&r->parts);
    *r = (struct nf_discord_rendered){ 0 };
}

NF_RC nf_discord_render(struct nf_discord *d, const char *markdown, struct nf_err *err)
{
    struct nf_discord_rendered *r = &d->rendered;
    if (r->valid && strcmp(nf_str_c(&r->markdown), markdown) == 0)
        return NF_OK;
    nf_discord_rendered_done(r);
    r->markdown.max = (size_t)4 * NF_REPLY_BYTES_MAX;
    NF_TRY(nf_str_set(&r->markdown, markdown, err));
    NF_TRY(nf_discord_parts_read(markdown, &r->parts, err));
    r->valid = true;
    return NF_OK;
}

/* The text of a part; Discord takes no empty one. */
static NF_RC nf_discord_write_part(struct nf_discord *d, const struct nf_chat_post *p, bool plain,
                                   struct nf_str *to, struct nf_err *err)
{
    NF_TRY(nf_discord_render(d, p->markdown, err));
    size_t n = nf_discord_parts_count(&d->rendered.parts), i = p->part < n ? p->part : n - 1;
    NF_TRY(plain ? nf_discord_parts_plain(&d->rendered.parts, i, to, err)
                 : nf_discord_parts_write(&d->rendered.parts, i, to, err));
    return to->len > 0 ? NF_OK : nf_str_adds(to, "\xE2\x80\xA6", err);
}

NF_RC nf_discord_call(struct nf_discord *d, struct nf_rest_call *c, struct nf_json_out *o,
                      struct nf_str *text, struct nf_rest_answer *a, struct nf_err *err)
{
    NF_TRY(nf_json_end_doc(o, err));
    c->body = nf_str_c(text);
    c->body_n = text->len;
    return nf_rest_do(d->rest, c, a, err);
}

void nf_discord_deleted(struct nf_discord *d, const char *address)
{
    for (size_t i = 0; i < NF_DISCORD_DELETED_MAX; i++)
        if (strcmp(d->deleted[i].address, address) == 0) {
            d->deleted[i].n = (d->deleted[i].n + 1) % 1000;
            return;
        }
    size_t at = d->deleted_at++ % NF_DISCORD_DELETED_MAX;
    (void)snprintf(d->deleted[at].address, sizeof(d->deleted[at].address), "%s", address);
    d->deleted[at].n = 1;
}

static unsigned count_deleted(const struct nf_discord *d, const char *address)
{
    for (size_t i = 0; i < NF_DISCORD_DELETED_MAX; i++)
        if (strcmp(d->deleted[i].address, address) == 0)
            return d->deleted[i].n;
    return 0;
}

/* An archived thread is opened again for us to write in: "Modify Channel". */
static NF_RC unarchive(struct nf_discord *d, const char *address, struct nf_err *err)
{
    NF_CLEANUP(nf_rest_answer_done) struct nf_rest_answer a = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    char path[NF_DISCORD_PATH_MAX];
    struct nf_json_out o;
    struct nf_rest_call c = {
        .route = NF_REST_CHANNEL_EDIT, .major = address, .path = path, .again = true
    };

    (void)snprintf(path, sizeof(path), "/channels/%s", address);
    nf_json_begin_doc(&o, &text);
    nf_json_out_object(&o);
    nf_json_put_bool(&o, "archived", false);
    nf_json_out_end(&o);
    return nf_discord_call(d, &c, &o, &text, &a, err);
}

/* What a person must do about it. */
void nf_discord_note_refusal(struct nf_discord *d, const struct nf_rest_answer *a,
                             const char *address)
{
    if (a->status == 401)
        nf_discord_token_refused(d);
    if (a->code == 50001 || a->code == 50013)
        nf_discord_may_not(d, address, NF_DISCORD_MAY_WRITE);
}

static void write_nonce(const struct nf_discord_attempt *t, char ret[NONCE_MAX + 1])
{
    unsigned n = count_deleted(t->d, t->post->address);
    const char *key = t->post->key ? t->post->key : "";
    if (key[0] && n > 0) /* the key is shorter than a nonce may be, or nearly */
        (void)snprintf(ret, NONCE_MAX + 1, "%.20s~%u", key, n % 1000);
    else
        (void)snprintf(ret, NONCE_MAX + 1, "%.25s", key);
}

/* Discord takes the blanks at both ends away. */
static bool is_same_text(const char *a, const char *b)
{
    struct nf_slice x = nf_slice_of(a), y = nf_slice_of(b);
    while (x.n > 0 && nf_markup_is_blank(x.p[0]))
        x = (struct nf_slice){ x.p + 1, x.n - 1 };
    while (y.n > 0 && nf_markup_is_blank(y.p[0]))
        y = (struct nf_slice){ y.p + 1, y.n - 1 };
    while (x.n > 0 && nf_markup_is_blank(x.p[x.n - 1]))
        x.n--;
    while (y.n > 0 && nf_markup_is_blank(y.p[y.n - 1]))
        y.n--;
    return x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
}

static NF_RC attempt_once(struct nf_discord_attempt *t, bool plain, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = 4 * PLAIN_MAX + 64 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    char nonce[NONCE_MAX + 1] = "";
    struct nf_json_out o;

    write_nonce(t, nonce);
    NF_TRY(nf_discord_write_part(t->d, t->post, plain, &text, err));
    nf_json_begin_doc(&o, &body);
    if (t->follow_up)
        nf_discord_out_follow_up(&o, nf_str_c(&text));
    else if (t->edit)
        nf_discord_out_edit(&o, t->post, nf_str_c(&text), t->v2);
    else
        nf_discord_out_new(&o, t->post, nonce, nf_str_c(&text));
    NF_TRY(nf_discord_call(t->d, &t->call, &o, &body, &t->answer, err));
    const char *there = nf_json_str(nf_json_get(t->answer.body, "content"));
    t->stale = !t->edit && there && there[0] && !is_same_text(there, nf_str_c(&text));
    return NF_OK;
}

/* We may not answer messages there, but write: 160002 of the "JSON Error Codes". */
static NF_RC attempt_without_reference(struct nf_discord_attempt *t, struct nf_err *err)
{
    const struct nf_chat_post *whole = t->post;
    struct nf_chat_post bare = *whole;
    bare.reply_to = "";
    t->post = &bare;
    enum nf_code rc = attempt_once(t, false, err);
    t->post = whole;
    t->unanswered = true;
    nf_discord_may_not(t->d, whole->address, NF_DISCORD_MAY_READ);
    return rc;
}

static void note_success(const struct nf_discord_attempt *t)
{
    nf_discord_may(t->d, t->post->address, NF_DISCORD_MAY_WRITE);
    if (t->post->reply_to && t->post->reply_to[0] && !t->unanswered)
        nf_discord_may(t->d, t->post->address, NF_DISCORD_MAY_READ);
}

NF_RC nf_discord_attempt(struct nf_discord_attempt *t, struct nf_err *err)
{
    enum nf_code rc = attempt_once(t, false, err);
    if (rc != NF_OK && t->answer.code == 50083 && unarchive(t->d, t->post->address, err) == NF_OK)
        rc = attempt_once(t, false, err);
    if (rc == NF_E_INVALID && t->answer.code == 50035) {
        nf_log_warn("discord.form.refused", "channel", t->d->chat.name, "err", err->msg, NULL);
        nf_metric_add(t->d->plain, 1);
        rc = attempt_once(t, true, err);
    }
    if (rc != NF_OK && t->answer.code == 160002)
        rc = attempt_without_reference(t, err);
    if (rc != NF_OK)
        nf_discord_note_refusal(t->d, &t->answer, t->post->address);
    else if (!t->edit && !t->follow_up)
        note_success(t);
    return rc;
}

NF_RC nf_discord_take_ref(const struct nf_rest_answer *a, bool v2, char ref[NF_CHAT_REF_MAX + 1],
                          struct nf_err *err)
{
    char id[NF_DISCORD_ID_MAX + 1];
    if (!nf_discord_id(nf_json_get(a->body, "id"), id))
        return nf_err_set(err, NF_E_UNAVAILABLE, "Discord's answer has no id of the message");
    (void)snprintf(ref, NF_CHAT_REF_MAX + 1, "%s%s", v2 ? "v" : "", id);
    return NF_OK;
}
