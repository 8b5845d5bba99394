/* Telegram as an nf_chat: messages, edits, files, "is typing". */
#include "base/own.h"
#include "base/utf8.h"
#include "channels/telegram/out.h"
#include "codec/hash.h"
#include "codec/markdown.h"
#include "observe/log.h"

#include <stdlib.h>
#include <string.h>

#define EDIT_EVERY_MS 1000
#define GROUP_EDIT_EVERY_MS 4000 /* 20 a minute in a group, the answer itself included */
#define TYPING_EVERY_MS 4000     /* "sendChatAction": 5 seconds or less */
#define DRAFT_QUIET_MS 60000     /* a draft shows that we think, not that we go on */
#define PARTS_MAX 3
#define TOPIC_NAME_MAX 128 /* "editForumTopic" */
#define UPLOAD_MS 120000   /* a file, over a slow line */

/* --- what a text looks like ------------------------------------------------------------------- */

void nf_telegram_rendered_done(struct nf_telegram_rendered *r)
{
    nf_str_done(&r->markdown);
    nf_styled_done(&r->styled);
    nf_styled_ranges_done(&r->parts);
    *r = (struct nf_telegram_rendered){ 0 };
}

/* A message is never empty ("sendMessage": 1-4096). */
static NF_RC cut_text(struct nf_telegram *t, const char *markdown, size_t n,
                      struct nf_telegram_rendered *r, struct nf_err *err)
{
    static const char nothing[] = "\xE2\x80\xA6"; /* an ellipsis */
    r->markdown.max = r->styled.text.max = NF_MARKDOWN_MAX + 1;
    NF_TRY(nf_str_add(&r->markdown, markdown, n, err));
    NF_TRY(nf_markdown_read(markdown, n, &r->styled, err));
    NF_TRY(nf_telegram_split(&r->styled, t->part_max, &r->parts, err));
    if (r->parts.n > 0)
        return NF_OK;
    nf_styled_done(&r->styled);
    NF_TRY(nf_str_adds(&r->styled.text, nothing, err));
    return nf_telegram_split(&r->styled, t->part_max, &r->parts, err);
}

/* t->rendered becomes that of `markdown`. */
static NF_RC render(struct nf_telegram *t, const char *markdown, struct nf_err *err)
{
    struct nf_telegram_rendered *r = &t->rendered;
    size_t n = strlen(markdown);

    if (r->valid && r->markdown.len == n && memcmp(nf_str_c(&r->markdown), markdown, n) == 0)
        return NF_OK;
    nf_telegram_rendered_done(r);
    NF_TRY(cut_text(t, markdown, n, r, err));
    r->valid = true;
    return NF_OK;
}

static NF_RC render_part(struct nf_telegram *t, const struct nf_chat_post *p, struct nf_styled *ret,
                         struct nf_err *err)
{
    NF_TRY(render(t, p->markdown, err));
    const struct nf_styled_ranges *parts = &t->rendered.parts;
    if (p->part >= parts->n)
        return nf_err_set(err, NF_E_INVALID, "the text has %zu parts, no part %zu", parts->n,
                          p->part);
    return nf_styled_slice(&t->rendered.styled, parts->v[p->part].at, parts->v[p->part].end, ret,
                           err);
}

/* --- bodies ----------------------------------------------------------------------------------- */

static void put_buttons(struct nf_json_out *o, const struct nf_chat_post *p)
{
    static const char *const styles[] = { NULL, "success", "danger" };
    if (p->buttons_n == 0)
        return;
    nf_json_out_key(o, "reply_markup");
    nf_json_out_object(o);
    nf_json_out_key(o, "inline_keyboard");
    nf_json_out_array(o);
    nf_json_out_array(o);
    for (size_t i = 0; i < p->buttons_n && i < NF_CHAT_BUTTONS_MAX; i++) {
        nf_json_out_object(o);
        nf_json_put_str(o, "text", p->buttons[i].label);
        nf_json_put_str(o, "callback_data", p->buttons[i].data);
        nf_json_put_str(o, "style", styles[p->buttons[i].look]);
        nf_json_out_end(o);
    }
    nf_json_out_end(o);
    nf_json_out_end(o);
    nf_json_out_end(o);
}

/* A message may still be sent if the one that it answers is gone. */
static void put_reply(struct nf_json_out *o, const char *ref)
{
    int64_t id;
    if (!ref || !nf_slice_u63(nf_slice_of(ref), &id) || id == 0)
        return;
    nf_json_out_key(o, "reply_parameters");
    nf_json_out_object(o);
    nf_json_put_i64(o, "message_id", id);
    nf_json_put_bool(o, "allow_sending_without_reply", true);
    nf_json_out_end(o);
}

static enum nf_code build_message(struct nf_telegram_out *out, struct nf_err *err)
{
    struct nf_json_out o;
    int64_t id = 0;

    if (out->ref && !nf_slice_u63(nf_slice_of(out->ref), &id))
        return nf_err_set(err, NF_E_NOT_FOUND, "'%s' is no id of a message", out->ref);
    nf_json_begin_doc(&o, &out->body);
    nf_json_out_object(&o);
    nf_json_put_i64(&o, "chat_id", out->chat);
    if (out->ref) {
        nf_json_put_i64(&o, "message_id", id);
    } else {
        if (out->topic > 0)
            nf_json_put_i64(&o, "message_thread_id", out->topic);
        if (out->post->silent)
            nf_json_put_bool(&o, "disable_notification", true);
        put_reply(&o, out->post->reply_to);
    }
    NF_TRY(nf_telegram_put_text(&o, &out->text, out->plain, err));
    nf_json_out_key(&o, "link_preview_options");
    nf_json_out_object(&o);
    nf_json_put_bool(&o, "is_disabled", true);
    nf_json_out_end(&o);
    put_buttons(&o, out->post);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

static NF_RC take_ref(const struct nf_telegram_out *o, char ref[NF_CHAT_REF_MAX + 1],
                      struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = NF_CHAT_REF_MAX + 1 };
    int64_t id = nf_json_i64(nf_json_get(o->answer.result, "message_id"), 0);
    if (id <= 0) /* it was sent, but nobody knows as what */
        return nf_err_set(err, NF_E_CONFLICT, "%s: the answer has no message_id", o->method);
    NF_TRY(nf_str_addf(&text, err, "%lld", (long long)id));
    memcpy(ref, text.p, text.len + 1);
    return NF_OK;
}

/* --- the port --------------------------------------------------------------------------------- */

static struct nf_telegram *of(struct nf_chat *c)
{
    assert(c->ops == &nf_telegram_chat_ops);
    return nf_container_of(c, struct nf_telegram, chat);
}

static void caps(struct nf_chat *c, const char *address, struct nf_chat_caps *ret)
{
    (void)c;
    *ret = (struct nf_chat_caps){ .edit_every_ms =
                                      address[0] == '-' ? GROUP_EDIT_EVERY_MS : EDIT_EVERY_MS,
                                  .typing_every_ms = TYPING_EVERY_MS,
                                  .parts_max = PARTS_MAX };
}

static enum nf_code count_parts(struct nf_chat *c, const char *markdown, size_t *ret,
                                struct nf_err *err)
{
    NF_TRY(render(of(c), markdown, err));
    *ret = of(c)->rendered.parts.n;
    return NF_OK;
}

static enum nf_code send_message(struct nf_chat *c, const struct nf_chat_post *p,
                                 char ref[NF_CHAT_REF_MAX + 1], struct nf_err *err)
{
    NF_CLEANUP(nf_telegram_out_done) struct nf_telegram_out o = { 0 };

    NF_TRY(nf_telegram_out_init(&o, of(c), p, err));
    o.method = "sendMessage";
    o.once = true;
    NF_TRY(render_part(o.t, p, &o.text, err));
    NF_TRY(nf_telegram_deliver(&o, build_message, err));
    return take_ref(&o, ref, err);
}

static enum nf_code edit_message(struct nf_chat *c, const struct nf_chat_post *p, const char *ref,
                                 struct nf_err *err)
{
    NF_CLEANUP(nf_telegram_out_done) struct nf_telegram_out o = { 0 };

    NF_TRY(nf_telegram_out_init(&o, of(c), p, err));
    o.method = "editMessageText";
    o.ref = ref;
    NF_TRY(render_part(o.t, p, &o.text, err));
    return nf_telegram_deliver(&o, build_message, err);
}

static enum nf_code build_removal(struct nf_telegram_out *out, struct nf_err *err)
{
    struct nf_json_out o;
    int64_t id;

    if (!nf_slice_u63(nf_slice_of(out->ref), &id))
        return nf_err_set(err, NF_E_NOT_FOUND, "'%s' is no id of a message", out->ref);
    nf_json_begin_doc(&o, &out->body);
    nf_json_out_object(&o);
    nf_json_put_i64(&o, "chat_id", out->chat);
    nf_json_put_i64(&o, "message_id", id);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

static enum nf_code remove_message(struct nf_chat *c, const char *address, const char *ref,
                                   struct nf_err *err)
{
    const struct nf_chat_post p = { .address = address };
    NF_CLEANUP(nf_telegram_out_done) struct nf_telegram_out o = { 0 };

    NF_TRY(nf_telegram_out_init(&o, of(c), &p, err));
    o.method = "deleteMessage";
    o.uncounted = true;
    o.ref = ref;
    enum nf_code rc = nf_telegram_deliver(&o, build_removal, err);
    return rc == NF_E_NOT_FOUND ? NF_OK : rc;
}

/* --- files ------------------------------------------------------------------------------------ */

static NF_RC add_field(struct nf_telegram_out *o, const char *boundary, const char *name,
                       const char *value, struct nf_err *err)
{
    return nf_str_addf(&o->body, err,
                       "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n",
                       boundary, name, value);
}

static NF_RC add_reply_field(struct nf_telegram_out *o, const char *boundary, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str json = { 0 };
    int64_t id;

    if (!o->post->reply_to || !nf_slice_u63(nf_slice_of(o->post->reply_to), &id))
        return NF_OK;
    NF_TRY(nf_str_addf(&json, err, "{\"message_id\":%lld,\"allow_sending_without_reply\":true}",
                       (long long)id));
    return add_field(o, boundary, "reply_parameters", nf_str_c(&json), err);
}

/* RFC 7578. The boundary is random, so the text cannot contain it. */
static enum nf_code build_document(struct nf_telegram_out *o, struct nf_err *err)
{
    char boundary[NF_TOKEN_TEXT + 1];
    struct nf_num_buf number;

    nf_random_token(boundary);
    o->body.max = NF_MARKDOWN_MAX + 4096;
    nf_str_reset(&o->type);
    NF_TRY(nf_str_addf(&o->type, err, "multipart/form-data; boundary=%s", boundary));
    NF_TRY(add_field(o, boundary, "chat_id", nf_num(&number, o->chat), err));
    if (o->topic > 0)
        NF_TRY(add_field(o, boundary, "message_thread_id", nf_num(&number, o->topic), err));
    if (o->post->silent)
        NF_TRY(add_field(o, boundary, "disable_notification", "true", err));
    NF_TRY(add_reply_field(o, boundary, err));
    NF_TRY(nf_str_addf(&o->body, err,
                       "--%s\r\nContent-Disposition: form-data; name=\"document\"; "
                       "filename=\"answer.md\"\r\nContent-Type: text/markdown\r\n\r\n",
                       boundary));
    NF_TRY(nf_str_adds(&o->body, o->post->markdown, err));
    return nf_str_addf(&o->body, err, "\r\n--%s--\r\n", boundary);
}

static enum nf_code send_document(struct nf_chat *c, const struct nf_chat_post *p,
                                  char ref[NF_CHAT_REF_MAX + 1], struct nf_err *err)
{
    NF_CLEANUP(nf_telegram_out_done) struct nf_telegram_out o = { 0 };

    NF_TRY(nf_telegram_out_init(&o, of(c), p, err));
    o.method = "sendDocument";
    o.timeout_ms = UPLOAD_MS;
    o.once = true;
    NF_TRY(nf_telegram_deliver(&o, build_document, err));
    return take_ref(&o, ref, err);
}

/* --- signs of life ---------------------------------------------------------------------------- */

/* Telegram's preview of a message that is being thought of: with the button that stops it. */
static NF_RC show_draft(struct nf_telegram_out *o, struct nf_err *err)
{
    struct nf_json_out j;
    nf_json_begin_doc(&j, &o->body);
    nf_json_out_object(&j);
    nf_json_put_i64(&j, "chat_id", o->chat);
    if (o->topic > 0)
        nf_json_put_i64(&j, "message_thread_id", o->topic);
    nf_json_put_i64(&j, "draft_id", 1);
    nf_json_put_str(&j, "text", ""); /* "Thinking..." */
    nf_json_put_bool(&j, "can_stop", true);
    nf_json_out_end(&j);
    NF_TRY(nf_json_end_doc(&j, err));
    const struct nf_telegram_call c = { .method = "sendMessageDraft",
                                        .body = nf_str_c(&o->body),
                                        .body_n = o->body.len };
    return nf_telegram_call(o->t->api, &c, &o->answer, err);
}

static NF_RC show_typing(struct nf_telegram_out *o, struct nf_err *err)
{
    struct nf_json_out j;
    nf_str_reset(&o->body);
    nf_json_begin_doc(&j, &o->body);
    nf_json_out_object(&j);
    nf_json_put_i64(&j, "chat_id", o->chat);
    if (o->topic > 0)
        nf_json_put_i64(&j, "message_thread_id", o->topic);
    nf_json_put_str(&j, "action", "typing");
    nf_json_out_end(&j);
    NF_TRY(nf_json_end_doc(&j, err));
    const struct nf_telegram_call c = { .method = "sendChatAction",
                                        .body = nf_str_c(&o->body),
                                        .body_n = o->body.len };
    return nf_telegram_call(o->t->api, &c, &o->answer, err);
}

static enum nf_code typing(struct nf_chat *c, const char *address, struct nf_err *err)
{
    const struct nf_chat_post p = { .address = address, .interim = true };
    struct nf_telegram *t = of(c);
    NF_CLEANUP(nf_telegram_out_done) struct nf_telegram_out o = { 0 };

    NF_TRY(nf_telegram_out_init(&o, t, &p, err));
    int64_t last = nf_telegram_budget_last(&t->budget, o.chat);
    bool quiet = last == 0 || nf_telegram_mono(t) - last > DRAFT_QUIET_MS;
    if (t->settings->drafts && o.chat > 0 && quiet) {
        enum nf_code rc = show_draft(&o, err);
        if (rc == NF_OK || rc == NF_E_CANCELED)
            return rc;
    }
    return show_typing(&o, err);
}

static void health(struct nf_chat *c, struct nf_chat_health *ret)
{
    *ret = of(c)->health;
}

static enum nf_code build_title(struct nf_telegram_out *out, struct nf_err *err)
{
    const char *title = out->post->markdown;
    struct nf_json_out o;
    size_t n = nf_utf8_cut(title, strlen(title), TOPIC_NAME_MAX);

    nf_json_begin_doc(&o, &out->body);
    nf_json_out_object(&o);
    nf_json_put_i64(&o, "chat_id", out->chat);
    nf_json_put_i64(&o, "message_thread_id", out->topic);
    nf_json_out_key(&o, "name");
    nf_json_out_strn(&o, title, n);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

/* Only topics have names of their own. */
static enum nf_code name_topic(struct nf_chat *c, const char *address, const char *title,
                               struct nf_err *err)
{
    const struct nf_chat_post p = { .address = address, .markdown = title };
    NF_CLEANUP(nf_telegram_out_done) struct nf_telegram_out o = { 0 };

    NF_TRY(nf_telegram_out_init(&o, of(c), &p, err));
    o.method = "editForumTopic";
    o.uncounted = true;
    return o.topic > 0 && title[0] ? nf_telegram_deliver(&o, build_title, err) : NF_OK;
}

const struct nf_chat_ops nf_telegram_chat_ops = {
    .caps = caps,
    .parts = count_parts,
    .send = send_message,
    .edit = edit_message,
    .remove = remove_message,
    .document = send_document,
    .typing = typing,
    .health = health,
    .title = name_topic,
};
