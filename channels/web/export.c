/* REST: a conversation as a file: Markdown to read, JSON to keep. */
#include "application/manage_sessions.h"
#include "base/time.h"
#include "channels/web/web_internal.h"

#include <stdio.h>
#include <string.h>

#define EXPORT_BYTES_MAX ((size_t)64 << 20)

/* Each page of messages from the first on. The store reads backwards: what lies before a page is
 * told by the seq it begins at. */
typedef NF_RC (*each_fn)(void *arg, const struct nf_message *m, struct nf_err *err);

static NF_RC for_each(struct nf_app *a, const struct nf_session *s, each_fn each, void *arg,
                      struct nf_err *err)
{
    for (int64_t done = 0; done < s->last_seq;) {
        NF_CLEANUP(nf_messages_done) struct nf_messages page = { 0 };
        const struct nf_user owner = { .id = s->user_id };
        int64_t end = done + NF_PAGE_MAX;
        NF_TRY(nf_session_messages(a, &owner, s->id, end + 1, NF_PAGE_MAX, &page, err));
        for (size_t i = 0; i < page.n; i++)
            if (page.v[i].seq > done)
                NF_TRY(each(arg, &page.v[i], err));
        done = end;
    }
    return NF_OK;
}

/* --- Markdown --------------------------------------------------------------------------------- */

/* A fence longer than any run of backquotes in the text. */
static NF_RC add_fenced(struct nf_str *to, const char *text, struct nf_err *err)
{
    size_t longest = 2, run = 0;
    for (const char *p = text; *p; p++) {
        run = *p == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    for (int end = 0; end < 2; end++) {
        for (size_t i = 0; i <= longest; i++)
            NF_TRY(nf_str_adds(to, "`", err));
        NF_TRY(nf_str_adds(to, "\n", err));
        if (!end) {
            NF_TRY(nf_str_adds(to, text, err));
            NF_TRY(nf_str_adds(to, "\n", err));
        }
    }
    return NF_OK;
}

static NF_RC add_calls(struct nf_str *to, const struct nf_message *m, struct nf_err *err)
{
    for (size_t i = 0; i < m->parts.n; i++) {
        const struct nf_part *p = &m->parts.v[i];
        if (p->type != NF_PART_TOOL_CALL)
            continue;
        NF_TRY(nf_str_addf(to, err, "**%s**\n\n", p->name ? p->name : "tool"));
        NF_TRY(add_fenced(to, p->args ? p->args : "{}", err));
        NF_TRY(nf_str_adds(to, "\n", err));
    }
    return NF_OK;
}

static NF_RC each_as_markdown(void *arg, const struct nf_message *m, struct nf_err *err)
{
    static const char *const names[] = { [NF_ROLE_USER] = "You",
                                         [NF_ROLE_ASSISTANT] = "Nexflow",
                                         [NF_ROLE_TOOL] = "Tool",
                                         [NF_ROLE_NOTICE] = "Notice" };
    struct nf_str *to = arg;
    struct nf_time_text at = nf_time_to_text(m->created_ms);
    const char *text = nf_web_message_text(m);
    NF_TRY(nf_str_addf(to, err, "## %s, %s%s%s\n\n", names[m->role], at.s, m->model[0] ? ", " : "",
                       m->model));
    if (m->role == NF_ROLE_TOOL)
        NF_TRY(add_fenced(to, text, err));
    else if (text[0])
        NF_TRY(nf_str_addf(to, err, "%s\n", text));
    NF_TRY(nf_str_adds(to, "\n", err));
    return add_calls(to, m, err);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static NF_RC each_as_json(void *arg, const struct nf_message *m, struct nf_err *err)
{
    (void)err;
    nf_web_put_message(arg, m);
    return NF_OK;
}

static NF_RC as_json(struct nf_app *a, const struct nf_session *s, struct nf_str *to,
                     struct nf_err *err)
{
    struct nf_json_out o;
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "format", "nexflow-session");
    nf_json_put_i64(&o, "version", 1);
    nf_web_put_time(&o, "exported_at", nf_app_now(a));
    nf_json_out_key(&o, "session");
    nf_web_put_session(&o, s);
    nf_json_out_key(&o, "messages");
    nf_json_out_array(&o);
    NF_TRY(for_each(a, s, each_as_json, &o, err));
    nf_json_out_end(&o);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

enum nf_code nf_web_export(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = EXPORT_BYTES_MAX };
    struct nf_slice format = nf_http_query(x, "format", NULL);
    bool json = nf_slice_eq(format, "json");
    struct nf_session s;
    char name[96];
    int64_t id;

    NF_TRY(nf_web_path_id(x, &id, err));
    if (!json && format.n > 0 && !nf_slice_eq(format, "md"))
        return nf_err_set(err, NF_E_INVALID, "format: not md or json");
    NF_TRY(nf_session_show(w->o.app, &nf_web_who(x)->user, id, &s, err));
    if (json) {
        NF_TRY(as_json(w->o.app, &s, &body, err));
    } else {
        NF_TRY(nf_str_addf(&body, err, "# %s\n\n", s.title[0] ? s.title : "Untitled"));
        NF_TRY(for_each(w->o.app, &s, each_as_markdown, &body, err));
    }
    (void)snprintf(name, sizeof(name), "attachment; filename=\"nexflow-%s.%s\"",
                   nf_id_to_text(id).s, json ? "json" : "md");
    NF_TRY(nf_http_add_header(x, "Content-Disposition", name, err));
    return nf_http_respond(x, 200, json ? "application/json" : "text/markdown; charset=utf-8",
                           nf_str_c(&body), body.len, err);
}
