/* What a message is made of: memory only, no rule about what may stand beside what. */
#include "domain/part.h"

#include "base/own.h"
#include "base/string.h"
#include "domain/list.h"

#include <stdlib.h>
#include <string.h>

void nf_part_done(struct nf_part *p)
{
    if (!p->lent) {
        free(p->text);
        free(p->call_id);
        free(p->name);
        free(p->args);
        free(p->signature);
        free(p->data);
        free(p->url);
        free(p->media_type);
    }
    *p = (struct nf_part){ 0 };
}

void nf_parts_done(struct nf_parts *list)
{
    for (size_t i = 0; i < list->n; i++)
        nf_part_done(&list->v[i]);
    free(list->v);
    *list = (struct nf_parts){ 0 };
}

enum nf_code nf_parts_add(struct nf_parts *list, enum nf_part_type type, struct nf_part **ret,
                          struct nf_err *err)
{
    struct nf_part *v = nf_list_grow(list->v, list->n + 1, sizeof(*v));

    if (!v)
        return nf_list_nomem(err);
    list->v = v;
    v[list->n] = (struct nf_part){ .type = type };
    *ret = &v[list->n++];
    return NF_OK;
}

enum nf_code nf_parts_add_text(struct nf_parts *list, const char *text, struct nf_err *err)
{
    NF_CLEANUP(nf_freep) char *copy = NULL;
    struct nf_part *p;

    NF_TRY(nf_strdup(text, &copy, err));
    NF_TRY(nf_parts_add(list, NF_PART_TEXT, &p, err));
    p->text = nf_take(copy);
    return NF_OK;
}

enum nf_code nf_parts_lend(struct nf_parts *list, const struct nf_part *part, struct nf_err *err)
{
    struct nf_part *p;

    NF_TRY(nf_parts_add(list, part->type, &p, err));
    *p = *part;
    p->lent = true;
    return NF_OK;
}

static enum nf_code copy_string(const char *from, char **to, struct nf_err *err)
{
    return from ? nf_strdup(from, to, err) : NF_OK;
}

static enum nf_code copy_part(const struct nf_part *from, struct nf_part *to, struct nf_err *err)
{
    *to = (struct nf_part){ .type = from->type,
                            .wall_us = from->wall_us,
                            .is_error = from->is_error,
                            .cache = from->cache };
    NF_TRY(copy_string(from->text, &to->text, err));
    NF_TRY(copy_string(from->call_id, &to->call_id, err));
    NF_TRY(copy_string(from->name, &to->name, err));
    NF_TRY(copy_string(from->args, &to->args, err));
    NF_TRY(copy_string(from->signature, &to->signature, err));
    NF_TRY(copy_string(from->data, &to->data, err));
    NF_TRY(copy_string(from->url, &to->url, err));
    return copy_string(from->media_type, &to->media_type, err);
}

enum nf_code nf_parts_append(struct nf_parts *list, const struct nf_parts *from, struct nf_err *err)
{
    size_t n = from->n; /* *from may be *list */
    struct nf_part *v;

    if (n == 0)
        return NF_OK;
    if (n > SIZE_MAX - list->n || !(v = nf_list_grow(list->v, list->n + n, sizeof(*v))))
        return nf_list_nomem(err);
    list->v = v;
    for (size_t i = 0; i < n; i++) {
        if (copy_part(&from->v[i], &v[list->n + i], err) != NF_OK) {
            for (size_t k = 0; k <= i; k++)
                nf_part_done(&v[list->n + k]);
            return NF_E_NOMEM;
        }
    }
    list->n += n;
    return NF_OK;
}

size_t nf_parts_tool_calls(const struct nf_parts *list)
{
    size_t calls = 0;

    for (size_t i = 0; i < list->n; i++)
        calls += list->v[i].type == NF_PART_TOOL_CALL;
    return calls;
}
