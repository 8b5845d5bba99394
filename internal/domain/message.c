/* What may be said, and lists of it. */
#include "domain/message.h"

#include "base/own.h"
#include "base/utf8.h"
#include "domain/list.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

enum nf_code nf_message_check_content(const char *text, size_t n, struct nf_err *err)
{
    const int max = NF_MESSAGE_BYTES_MAX;
    size_t blank = 0;

    if (n > (size_t)max)
        return nf_err_set(err, NF_E_LIMIT,
                          "content has %zu bytes, and a message holds at most %d: send it in "
                          "several messages",
                          n, max);
    while (blank < n && is_blank(text[blank]))
        blank++;
    if (blank == n)
        return nf_err_set(err, NF_E_INVALID, "content is empty: write at least one character");
    if (memchr(text, '\0', n))
        return nf_err_set(err, NF_E_INVALID, "content contains a NUL character: remove it");
    if (!nf_utf8_valid(text, n))
        return nf_err_set(err, NF_E_INVALID, "content is not valid UTF-8: encode it as UTF-8");
    return NF_OK;
}

static bool is_id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == ':' || c == '-';
}

enum nf_code nf_message_check_client_id(const char *id, size_t n, struct nf_err *err)
{
    if (n == 0)
        return nf_err_set(err, NF_E_INVALID, "message_id is empty: give 1 to %d characters",
                          NF_CLIENT_ID_MAX);
    if (n > NF_CLIENT_ID_MAX)
        return nf_err_set(err, NF_E_LIMIT, "message_id has %zu characters: at most %d are allowed",
                          n, NF_CLIENT_ID_MAX);
    for (size_t i = 0; i < n; i++)
        if (!is_id_char(id[i]))
            return nf_err_set(err, NF_E_INVALID,
                              "message_id may contain only letters, digits and the characters "
                              "'.', '_', ':' and '-'");
    return NF_OK;
}

void nf_message_done(struct nf_message *m)
{
    free(m->content);
    nf_parts_done(&m->parts);
    *m = (struct nf_message){ 0 };
}

void nf_messages_done(struct nf_messages *m)
{
    for (size_t i = 0; i < m->n; i++)
        nf_message_done(&m->v[i]);
    free(m->v);
    *m = (struct nf_messages){ 0 };
}

enum nf_code nf_messages_push(struct nf_messages *list, struct nf_message *m, struct nf_err *err)
{
    struct nf_message *v = nf_list_grow(list->v, list->n + 1, sizeof(*v));

    if (!v)
        return nf_list_nomem(err);
    list->v = v;
    v[list->n++] = nf_take(*m);
    return NF_OK;
}

const char *nf_role_name(enum nf_role role)
{
    switch (role) {
    case NF_ROLE_USER:
        return "user";
    case NF_ROLE_ASSISTANT:
        return "assistant";
    case NF_ROLE_TOOL:
        return "tool";
    case NF_ROLE_NOTICE:
        return "notice";
    }
    return "?";
}
