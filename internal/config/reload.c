#include "config/settings.h"
#include "config/value.h"

#include <string.h>

/* NOLINTBEGIN(misc-no-recursion): lists of groups go as deep as the tables do */

static bool equal_value(const struct nf_setting *s, const void *a, const void *b);

static bool equal_strs(const struct nf_setting_strs *a, const struct nf_setting_strs *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->v[i], b->v[i]) != 0)
            return false;
    return true;
}

bool nf_config_same(const struct nf_setting_group *g, const void *a, const void *b, size_t skip,
                    size_t skip_n)
{
    for (size_t k = 0; k < g->n; k++) {
        const struct nf_setting *s = &g->v[k];
        bool skipped = s->offset >= skip && s->offset < skip + skip_n;
        if (!skipped && !equal_value(s, (const char *)a + s->offset, (const char *)b + s->offset))
            return false;
    }
    return true;
}

static bool equal_list(const struct nf_setting_group *g, const struct nf_setting_list *a,
                       const struct nf_setting_list *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!nf_config_same(g, (const char *)a->v + i * g->size, (const char *)b->v + i * g->size,
                            0, 0))
            return false;
    return true;
}

static bool equal_value(const struct nf_setting *s, const void *a, const void *b)
{
    switch (s->type) {
    case NF_SET_STR:
        return strcmp(*(char *const *)a, *(char *const *)b) == 0;
    case NF_SET_SECRET:
        return strcmp(nf_secret_reveal(a), nf_secret_reveal(b)) == 0;
    case NF_SET_STRS:
        return equal_strs(a, b);
    case NF_SET_GROUPS:
        return equal_list(s->items, a, b);
    default:
        return memcmp(a, b, nf_value_size_of(s)) == 0;
    }
}

/* NOLINTEND(misc-no-recursion) */

static void swap_bytes(void *a, void *b, size_t n)
{
    unsigned char *x = a, *y = b;
    for (size_t i = 0; i < n; i++) {
        unsigned char was = x[i];
        x[i] = y[i];
        y[i] = was;
    }
}

static enum nf_code list_ignored(const struct nf_config_part *live,
                                 const struct nf_config_part *fresh, struct nf_str *ignored,
                                 struct nf_err *err)
{
    const struct nf_setting_group *g = live->group;
    for (size_t i = 0; i < g->n; i++) {
        const struct nf_setting *s = &g->v[i];
        if (s->reloadable || equal_value(s, nf_value_at(s, live->to), nf_value_at(s, fresh->to)))
            continue;
        NF_TRY(nf_str_addf(ignored, err, "%s%s%s\n", g->name, *g->name ? "." : "", s->key));
    }
    return NF_OK;
}

enum nf_code nf_config_reload(const struct nf_config_part *live, const struct nf_config_part *fresh,
                              size_t n, struct nf_str *ignored, struct nf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        assert(live[i].group == fresh[i].group);
        NF_TRY(list_ignored(&live[i], &fresh[i], ignored, err));
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < live[i].group->n; k++) {
            const struct nf_setting *s = &live[i].group->v[k];
            if (s->reloadable)
                swap_bytes(nf_value_at(s, live[i].to), nf_value_at(s, fresh[i].to),
                           nf_value_size_of(s));
        }
    return NF_OK;
}
