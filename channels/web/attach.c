/* REST: files that come with a message, and looking at them again. */
#include "application/manage_sessions.h"
#include "channels/web/web_internal.h"

#include <stdio.h>
#include <string.h>

#define FILE_NAME_MAX 200

/* Decoded files, for as long as their message is written. */
struct files {
    struct nf_chat_file v[NF_MEDIA_FILES_MAX];
    struct nf_str data[NF_MEDIA_FILES_MAX];
    size_t n;
};

static void files_done(struct files *f)
{
    for (size_t i = 0; i < f->n; i++)
        nf_str_done(&f->data[i]);
    f->n = 0;
}

static NF_RC read_file(const struct nf_json *v, size_t i, struct files *to, struct nf_err *err)
{
    const char *name = nf_json_str(nf_json_get(v, "name"));
    const char *data = nf_json_str(nf_json_get(v, "data"));
    const char *type = nf_json_str(nf_json_get(v, "media_type"));
    if (!name || !data)
        return nf_err_set(err, NF_E_INVALID, "files[%zu]: name and data are needed", i);
    if (strlen(name) > FILE_NAME_MAX)
        return nf_err_set(err, NF_E_LIMIT, "files[%zu].name: more than %d bytes", i, FILE_NAME_MAX);
    struct nf_str *bytes = &to->data[to->n];
    bytes->max = NF_MEDIA_BYTES_MAX + 3;
    to->n++;
    if (nf_base64_decode(data, strlen(data), bytes, err) != NF_OK)
        return nf_err_wrap(err, err->code, "files[%zu].data", i);
    to->v[i] = (struct nf_chat_file){ .name = name,
                                      .media_type = type ? type : "",
                                      .data = (const unsigned char *)nf_str_c(bytes),
                                      .n = bytes->len };
    return NF_OK;
}

enum nf_code nf_web_attach(const struct nf_json *files, const char *text,
                           struct nf_chat_content *ret, struct nf_err *err)
{
    NF_CLEANUP(files_done) struct files all = { .n = 0 };
    enum nf_json_type type = nf_json_type(files);
    if (type == NF_JSON_ABSENT || type == NF_JSON_NULL || nf_json_count(files) == 0) {
        ret->text.max = NF_MESSAGE_BYTES_MAX + 1;
        return nf_str_set(&ret->text, text, err);
    }
    if (type != NF_JSON_ARRAY)
        return nf_err_set(err, NF_E_INVALID, "files: must be a list");
    if (nf_json_count(files) > NF_MEDIA_FILES_MAX)
        return nf_err_set(err, NF_E_LIMIT, "files: more than %d", NF_MEDIA_FILES_MAX);
    for (const struct nf_json *v = nf_json_first(files); v; v = nf_json_next(v))
        NF_TRY(read_file(v, all.n, &all, err));
    const struct nf_chat_said said = { .text = text, .files = all.v, .files_n = all.n };
    return nf_chat_write_content(&said, NULL, false, ret, err);
}

/* --- looking at them -------------------------------------------------------------------------- */

static const struct nf_part *find_file(const struct nf_messages *m, int64_t n)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->v[i].role != NF_ROLE_USER)
            continue;
        for (size_t k = 0; k < m->v[i].parts.n; k++) {
            const struct nf_part *p = &m->v[i].parts.v[k];
            bool file = p->type == NF_PART_IMAGE || p->type == NF_PART_DOCUMENT;
            if (file && p->data && n-- == 0)
                return p;
        }
    }
    return NULL;
}

/* What a browser may show in a page of ours; the rest it is told to save. */
static const char *shown_as(const struct nf_part *p)
{
    static const char *const types[] = { "image/png", "image/jpeg", "image/gif", "image/webp" };
    for (size_t i = 0; i < NF_COUNT(types); i++)
        if (p->media_type && strcmp(p->media_type, types[i]) == 0)
            return types[i];
    return NULL;
}

enum nf_code nf_web_file(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_messages_done) struct nf_messages said = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str bytes = { .max = NF_MEDIA_BYTES_MAX + 3 };
    struct nf_session_store *store = w->o.app->sessions;
    struct nf_slice run = nf_http_param(x, "run"), n_text = nf_http_param(x, "n");
    struct nf_session s;
    int64_t id, run_id, n;

    NF_TRY(nf_web_path_id(x, &id, err));
    if (!nf_id_from_text(run.p, run.n, &run_id) || !nf_slice_u63(n_text, &n))
        return nf_err_set(err, NF_E_NOT_FOUND, "there is nothing with this id");
    NF_TRY(nf_session_show(w->o.app, &nf_web_who(x)->user, id, &s, err));
    NF_TRY(store->ops->run_messages(store, id, run_id, &said, err));
    const struct nf_part *p = find_file(&said, n);
    if (!p)
        return nf_err_set(err, NF_E_NOT_FOUND, "this message has no such file");
    NF_TRY(nf_base64_decode(p->data, strlen(p->data), &bytes, err));
    const char *type = shown_as(p);
    NF_TRY(nf_http_add_header(x, "Content-Security-Policy", "default-src 'none'; sandbox", err));
    NF_TRY(nf_http_add_header(x, "Cache-Control", "private, max-age=31536000, immutable", err));
    if (!type)
        NF_TRY(nf_http_add_header(x, "Content-Disposition", "attachment", err));
    return nf_http_respond(x, 200, type ? type : "application/octet-stream", nf_str_c(&bytes),
                           bytes.len, err);
}
