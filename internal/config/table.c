#include "config/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum nf_code nf_table_init(struct nf_table *t, const struct nf_config_part *parts, size_t n,
                           struct nf_err *err)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += parts[i].group->n;
    struct nf_entry *v = calloc(total + 1, sizeof(*v));
    if (!v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    *t = (struct nf_table){ .v = v };
    for (size_t i = 0; i < n; i++) {
        const struct nf_setting_group *g = parts[i].group;
        for (size_t k = 0; k < g->n; k++) {
            struct nf_entry *e = &v[t->n];
            int len = snprintf(e->name, sizeof(e->name), "%s%s%s", g->name, *g->name ? "." : "",
                               g->v[k].key);
            assert(len > 0 && len <= NF_SETTING_NAME_MAX);
            assert(!nf_table_find(t, e->name)); /* two modules, one key */
            e->s = &g->v[k];
            e->base = parts[i].to;
            t->n++;
        }
    }
    return NF_OK;
}

void nf_table_done(struct nf_table *t)
{
    free(t->v);
    *t = (struct nf_table){ 0 };
}

struct nf_entry *nf_table_find(const struct nf_table *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->v[i].name, name) == 0)
            return &t->v[i];
    return NULL;
}

/* Bytes of the child's name of which `name` is or is under, 0 if it is not under `prefix`. */
static size_t child_length(const char *name, const char *prefix)
{
    size_t n = strlen(prefix);
    if (strncmp(name, prefix, n) != 0)
        return 0;
    return n + strcspn(name + n, ".");
}

bool nf_table_child(const struct nf_table *t, const char *prefix, size_t *i, size_t *ret_n,
                    const struct nf_entry **ret)
{
    for (; *i < t->n; ++*i) {
        const char *name = t->v[*i].name;
        size_t n = child_length(name, prefix);
        bool seen = n == 0;
        for (size_t k = 0; k < *i && !seen; k++)
            seen = child_length(t->v[k].name, prefix) == n && strncmp(t->v[k].name, name, n) == 0;
        if (seen)
            continue;
        *ret_n = n;
        *ret = &t->v[(*i)++];
        return true;
    }
    return false;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be inserted, removed, replaced or exchanged with their neighbour. */
static size_t edit_distance(const char *a, size_t an, const char *b, size_t bn)
{
    size_t row[3][NF_SETTING_NAME_MAX + 1];
    size_t *before = row[0], *above = row[1], *now = row[2];
    assert(an <= NF_SETTING_NAME_MAX && bn <= NF_SETTING_NAME_MAX);
    for (size_t k = 0; k <= bn; k++)
        before[k] = above[k] = k;
    for (size_t i = 1; i <= an; i++) {
        now[0] = i;
        for (size_t k = 1; k <= bn; k++) {
            now[k] = least(least(above[k], now[k - 1]) + 1, above[k - 1] + (a[i - 1] != b[k - 1]));
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                now[k] = least(now[k], before[k - 2] + 1);
        }
        size_t *spare = before;
        before = above;
        above = now;
        now = spare;
    }
    return above[bn];
}

bool nf_table_suggest(const struct nf_table *t, const char *prefix, const char *name,
                      char ret[NF_SETTING_NAME_MAX + 1])
{
    size_t skip = strlen(prefix), len = strlen(name), n = 0, i = 0;
    const struct nf_entry *e = NULL;
    if (len > NF_SETTING_NAME_MAX)
        return false;
    size_t best = len - skip < 4 ? 2 : len - skip < 8 ? 3 : 4; /* as far off is another word */
    bool found = false;
    while (nf_table_child(t, prefix, &i, &n, &e)) {
        size_t distance = edit_distance(name + skip, len - skip, e->name + skip, n - skip);
        if (distance >= best || distance >= n - skip)
            continue;
        best = distance;
        memcpy(ret, e->name, n);
        ret[n] = '\0';
        found = true;
    }
    return found;
}
