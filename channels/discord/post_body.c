#include "channels/discord/post_body.h"

#include "base/own.h"
#include "channels/discord/message.h"

#include <string.h>

#define ACCENT 0x5865F2

/* "Message Flags", "Component Types", "Button Styles" */
#define SUPPRESS_EMBEDS (1 << 2)
#define EPHEMERAL (1 << 6)
#define SUPPRESS_NOTIFICATIONS (1 << 12)
#define COMPONENTS_V2 (1 << 15)
enum { ACTION_ROW = 1, BUTTON = 2, TEXT_DISPLAY = 10, CONTAINER = 17 };
enum { STYLE_SECONDARY = 2, STYLE_SUCCESS = 3, STYLE_DANGER = 4 };

void nf_discord_out_mentions(struct nf_json_out *o)
{
    nf_json_out_key(o, "allowed_mentions");
    nf_json_out_object(o);
    nf_json_out_key(o, "parse");
    nf_json_out_array(o);
    nf_json_out_end(o);
    nf_json_put_bool(o, "replied_user", false);
    nf_json_out_end(o);
}

static void out_button(struct nf_json_out *o, const struct nf_chat_button *b)
{
    nf_json_out_object(o);
    nf_json_put_i64(o, "type", BUTTON);
    nf_json_put_i64(o, "style",
                    b->look == NF_BUTTON_YES  ? STYLE_SUCCESS
                    : b->look == NF_BUTTON_NO ? STYLE_DANGER
                                              : STYLE_SECONDARY);
    nf_json_put_str(o, "label", b->label);
    nf_json_put_str(o, "custom_id", b->data);
    nf_json_out_end(o);
}

/* A container with the text, and the buttons in it. */
static void out_container(struct nf_json_out *o, const struct nf_chat_post *p, const char *text)
{
    nf_json_out_key(o, "components");
    nf_json_out_array(o);
    nf_json_out_object(o);
    nf_json_put_i64(o, "type", CONTAINER);
    nf_json_put_i64(o, "accent_color", ACCENT);
    nf_json_out_key(o, "components");
    nf_json_out_array(o);
    nf_json_out_object(o);
    nf_json_put_i64(o, "type", TEXT_DISPLAY);
    nf_json_put_str(o, "content", text);
    nf_json_out_end(o);
    if (p->buttons_n > 0) {
        nf_json_out_object(o);
        nf_json_put_i64(o, "type", ACTION_ROW);
        nf_json_out_key(o, "components");
        nf_json_out_array(o);
        for (size_t i = 0; i < p->buttons_n; i++)
            out_button(o, &p->buttons[i]);
        nf_json_out_end(o);
        nf_json_out_end(o);
    }
    nf_json_out_end(o);
    nf_json_out_end(o);
    nf_json_out_end(o);
}

bool nf_discord_is_id(const char *text)
{
    size_t n = strspn(text, "0123456789");
    return n > 0 && n <= NF_DISCORD_ID_MAX && text[n] == '\0';
}

/* The same message again is none. */
static void put_nonce(struct nf_json_out *o, const char *nonce)
{
    if (!nonce || !nonce[0])
        return;
    nf_json_put_str(o, "nonce", nonce);
    nf_json_put_bool(o, "enforce_nonce", true);
}

/* "Create Message". A thread cannot answer the message that it began from. */
void nf_discord_out_new(struct nf_json_out *o, const struct nf_chat_post *p, const char *nonce,
                        const char *text)
{
    int64_t flags = SUPPRESS_EMBEDS | (p->silent ? SUPPRESS_NOTIFICATIONS : 0);

    nf_json_out_object(o);
    if (p->buttons_n > 0) {
        flags |= COMPONENTS_V2;
        out_container(o, p, text);
    } else {
        nf_json_put_str(o, "content", text);
    }
    nf_json_put_i64(o, "flags", flags);
    nf_discord_out_mentions(o);
    put_nonce(o, nonce);
    if (p->reply_to && nf_discord_is_id(p->reply_to) && strcmp(p->reply_to, p->address) != 0) {
        nf_json_out_key(o, "message_reference");
        nf_json_out_object(o);
        nf_json_put_str(o, "message_id", p->reply_to);
        nf_json_put_bool(o, "fail_if_not_exists", false);
        nf_json_out_end(o);
    }
    nf_json_out_end(o);
}

void nf_discord_out_follow_up(struct nf_json_out *o, const char *text)
{
    nf_json_out_object(o);
    nf_json_put_str(o, "content", text);
    nf_json_put_i64(o, "flags", EPHEMERAL | SUPPRESS_EMBEDS);
    nf_discord_out_mentions(o);
    nf_json_out_end(o);
}

/* "Edit Message": what once was made of components stays so. */
void nf_discord_out_edit(struct nf_json_out *o, const struct nf_chat_post *p, const char *text,
                         bool v2)
{
    nf_json_out_object(o);
    if (v2) {
        out_container(o, p, text);
        nf_json_put_i64(o, "flags", COMPONENTS_V2);
    } else {
        nf_json_put_str(o, "content", text);
        nf_json_put_i64(o, "flags", SUPPRESS_EMBEDS);
    }
    nf_discord_out_mentions(o);
    nf_json_out_end(o);
}

/* --- files ------------------------------------------------------------------------------------ */

/* "Uploading Files": a part with the JSON, and one with the file. */
NF_RC nf_discord_write_form(const struct nf_chat_post *p, struct nf_str *to, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str json = { 0 };
    struct nf_json_out o;

    nf_json_begin_doc(&o, &json);
    nf_json_out_object(&o);
    nf_json_put_i64(&o, "flags", SUPPRESS_EMBEDS | (p->silent ? SUPPRESS_NOTIFICATIONS : 0));
    nf_discord_out_mentions(&o);
    put_nonce(&o, p->key);
    nf_json_out_key(&o, "attachments");
    nf_json_out_array(&o);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "id", "0");
    nf_json_put_str(&o, "filename", "answer.md");
    nf_json_out_end(&o);
    nf_json_out_end(&o);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    NF_TRY(nf_str_adds(to,
                       "--" NF_DISCORD_BOUNDARY
                       "\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n"
                       "Content-Type: application/json\r\n\r\n",
                       err));
    NF_TRY(nf_str_add(to, nf_str_c(&json), json.len, err));
    NF_TRY(nf_str_adds(to,
                       "\r\n--" NF_DISCORD_BOUNDARY
                       "\r\nContent-Disposition: form-data; name=\"files[0]\"; "
                       "filename=\"answer.md\"\r\nContent-Type: text/markdown; charset=utf-8"
                       "\r\n\r\n",
                       err));
    NF_TRY(nf_str_adds(to, p->markdown, err));
    return nf_str_adds(to, "\r\n--" NF_DISCORD_BOUNDARY "--\r\n", err);
}
