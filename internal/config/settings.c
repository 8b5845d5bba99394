#include "config/settings.h"

#include "base/own.h"
#include "config/table.h"
#include "config/value.h"
#include "config/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHOWN_MAX 160 /* bytes of a path in a message: "llm.providers[0].name" */
#define READ_CHUNK 65536

struct loader {
    const char *name;
    struct nf_err *err;
    bool bare; /* without secrets */
};

/* Where in the file we are. */
struct place {
    char shown[SHOWN_MAX];
    size_t line; /* 0: nowhere, the key is absent */
};

static enum nf_code apply_scope(const struct loader *l, const struct nf_config_part *parts,
                                size_t n, const struct nf_yaml *map, const struct place *at);

static enum nf_code fail(const struct loader *l, const struct place *at, enum nf_code rc,
                         const char *what)
{
    if (at->line == 0)
        return nf_err_set(l->err, rc, "%s: %s: %s", l->name, at->shown, what);
    return nf_err_set(l->err, rc, "%s:%zu: %s: %s", l->name, at->line, at->shown, what);
}

static struct place place_in(const struct place *up, const char *name, size_t line)
{
    struct place p = { .line = line };
    int n = snprintf(p.shown, sizeof(p.shown), "%s%s%s", up->shown, *up->shown ? "." : "", name);
    if (n >= (int)sizeof(p.shown)) /* cut, and it says so */
        memcpy(p.shown + sizeof(p.shown) - 4, "...", 4);
    return p;
}

static struct place place_item(const struct place *list, size_t i, size_t line)
{
    struct place p = { .line = line };
    int n = snprintf(p.shown, sizeof(p.shown) - 24, "%s", list->shown);
    size_t used = n < (int)sizeof(p.shown) - 24 ? (size_t)n : sizeof(p.shown) - 25;
    (void)snprintf(p.shown + used, sizeof(p.shown) - used, "[%zu]", i);
    return p;
}

/* NOLINTBEGIN(misc-no-recursion): as deep as the tables are, whatever the file holds */

/* --- values ----------------------------------------------------------------------------------- */

static void expanded_done(struct nf_str *s)
{
    if (s->p)
        explicit_bzero(s->p, s->cap);
    nf_str_done(s);
}

/* The scalar at `y` with its variables. */
static enum nf_code expand(const struct loader *l, const struct nf_yaml *y, const struct place *at,
                           struct nf_str *ret)
{
    struct nf_err inner;
    if (y->kind != NF_YAML_SCALAR)
        return fail(l, at, NF_E_INVALID, "must be a single value");
    enum nf_code rc = nf_value_expand(y->text, l->bare, ret, &inner);
    return rc == NF_OK ? rc : fail(l, at, rc, inner.msg);
}

static enum nf_code set_scalar(const struct loader *l, const struct nf_setting *s, void *to,
                               const struct nf_yaml *y, const struct place *at)
{
    NF_CLEANUP(expanded_done) struct nf_str text = { 0 };
    struct nf_err inner;
    NF_TRY(expand(l, y, at, &text));
    if (l->bare && s->type == NF_SET_SECRET)
        return NF_OK;
    enum nf_code rc = nf_value_set(s, nf_str_c(&text), to, &inner);
    return rc == NF_OK ? rc : fail(l, at, rc, inner.msg);
}

static enum nf_code count_items(const struct loader *l, const struct nf_setting *s,
                                const struct nf_yaml *y, const struct place *at, size_t *ret)
{
    struct nf_err inner;
    size_t n = 0;
    if (y->kind != NF_YAML_LIST)
        return fail(l, at, NF_E_INVALID, "must be a list");
    for (const struct nf_yaml *c = y->first; c; c = c->next)
        n++;
    enum nf_code rc = nf_value_check_count(s, n, &inner);
    if (rc != NF_OK)
        return fail(l, at, rc, inner.msg);
    *ret = n;
    return NF_OK;
}

static enum nf_code set_strs(const struct loader *l, const struct nf_setting *s,
                             struct nf_setting_strs *to, const struct nf_yaml *y,
                             const struct place *at)
{
    const struct nf_setting item = { .type = NF_SET_STR, .check = s->check, .required = true };
    size_t n = 0;
    NF_TRY(count_items(l, s, y, at, &n));
    to->v = calloc(n + 1, sizeof(*to->v));
    if (!to->v)
        return nf_err_set(l->err, NF_E_NOMEM, "out of memory");
    for (const struct nf_yaml *c = y->first; c; c = c->next) {
        struct place here = place_item(at, to->n, c->line);
        NF_TRY(set_scalar(l, &item, &to->v[to->n], c, &here));
        to->n++;
    }
    return NF_OK;
}

static enum nf_code set_groups(const struct loader *l, const struct nf_setting *s,
                               struct nf_setting_list *to, const struct nf_yaml *y,
                               const struct place *at)
{
    size_t n = 0;
    NF_TRY(count_items(l, s, y, at, &n));
    to->v = calloc(n + 1, s->items->size);
    if (!to->v)
        return nf_err_set(l->err, NF_E_NOMEM, "out of memory");
    for (const struct nf_yaml *c = y->first; c; c = c->next) {
        struct place here = place_item(at, to->n, c->line);
        struct nf_config_part part = { s->items, (char *)to->v + to->n * s->items->size };
        if (c->kind != NF_YAML_MAP)
            return fail(l, &here, NF_E_INVALID, "must be a group of keys with values");
        to->n++; /* counted before it is filled, so that it is released if that fails */
        NF_TRY(apply_scope(l, &part, 1, c, &here));
    }
    return NF_OK;
}

static enum nf_code set_value(const struct loader *l, const struct nf_setting *s, void *to,
                              const struct nf_yaml *y, const struct place *at)
{
    if (s->type == NF_SET_STRS)
        return set_strs(l, s, to, y, at);
    if (s->type == NF_SET_GROUPS)
        return set_groups(l, s, to, y, at);
    return set_scalar(l, s, to, y, at);
}

/* --- keys ------------------------------------------------------------------------------------- */

static enum nf_code unknown_key(const struct loader *l, const struct nf_table *t,
                                const char *prefix, const char *name, const struct place *at)
{
    char like[NF_SETTING_NAME_MAX + 1], what[NF_SETTING_NAME_MAX + 40];
    if (strchr(name + strlen(prefix), '.'))
        return fail(l, at, NF_E_INVALID, "a key has no dots: write what follows in a line below");
    if (!nf_table_suggest(t, prefix, name, like))
        return fail(l, at, NF_E_INVALID, "unknown key");
    (void)snprintf(what, sizeof(what), "unknown key; did you mean %s?", like);
    return fail(l, at, NF_E_INVALID, what);
}

static bool is_prefix(const struct nf_table *t, const char *prefix)
{
    size_t i = 0, n = 0;
    const struct nf_entry *e = NULL;
    return nf_table_child(t, prefix, &i, &n, &e);
}

/* The keys of a mapping, all under `prefix`: as deep as the names have dots. */
static enum nf_code apply_map(const struct loader *l, const struct nf_table *t, const char *prefix,
                              const struct nf_yaml *map, const struct place *up)
{
    for (const struct nf_yaml *c = map->first; c; c = c->next) {
        char name[NF_SETTING_NAME_MAX + 2]; /* with the dot, where it is a prefix */
        struct place at = place_in(up, c->key, c->line);
        int n = snprintf(name, sizeof(name), "%s%s", prefix, c->key);
        if (n < 0 || n > NF_SETTING_NAME_MAX)
            return fail(l, &at, NF_E_INVALID, "unknown key");
        struct nf_entry *e = strchr(c->key, '.') ? NULL : nf_table_find(t, name);
        if (e) {
            if (nf_yaml_is_null(c))
                continue;
            e->given = true;
            NF_TRY(set_value(l, e->s, nf_value_at(e->s, e->base), c, &at));
            continue;
        }
        memcpy(name + n, ".", 2);
        if (strchr(c->key, '.') || !is_prefix(t, name)) {
            name[n] = '\0';
            return unknown_key(l, t, prefix, name, &at);
        }
        if (nf_yaml_is_null(c))
            continue;
        if (c->kind != NF_YAML_MAP)
            return fail(l, &at, NF_E_INVALID, "must be a group of keys with values");
        NF_TRY(apply_map(l, t, name, c, &at));
    }
    return NF_OK;
}

static enum nf_code set_default(const struct loader *l, const struct nf_entry *e,
                                const struct place *at)
{
    const char *text = e->s->type == NF_SET_STR && !e->s->def ? "" : e->s->def;
    struct nf_err inner;
    if (!text || e->s->type == NF_SET_STRS || e->s->type == NF_SET_GROUPS)
        return NF_OK; /* zeroed: that is its default */
    enum nf_code rc = nf_value_set(e->s, text, nf_value_at(e->s, e->base), &inner);
    assert(rc == NF_OK || rc == NF_E_NOMEM); /* else the table is wrong */
    return rc == NF_OK ? rc : fail(l, at, rc, inner.msg);
}

/* Fill the zeroed structs of a scope: the top of the file, or an item of a list. */
static enum nf_code apply_scope(const struct loader *l, const struct nf_config_part *parts,
                                size_t n, const struct nf_yaml *map, const struct place *at)
{
    NF_CLEANUP(nf_table_done) struct nf_table t = { 0 };
    NF_TRY(nf_table_init(&t, parts, n, l->err));
    if (map)
        NF_TRY(apply_map(l, &t, "", map, at));
    for (size_t i = 0; i < t.n; i++) {
        struct place here = place_in(at, t.v[i].name, at->line);
        if (t.v[i].given)
            continue;
        if (t.v[i].s->required)
            return fail(l, &here, NF_E_INVALID, "is missing, and must be given");
        NF_TRY(set_default(l, &t.v[i], &here));
    }
    return NF_OK;
}

/* NOLINTEND(misc-no-recursion) */

/* --- loading ---------------------------------------------------------------------------------- */

struct fresh_parts {
    struct nf_config_part *v;
    size_t n;
};

static void fresh_done(struct fresh_parts *f)
{
    nf_config_done(f->v, f->n);
    for (size_t i = 0; i < f->n; i++)
        free(f->v[i].to);
    free(f->v);
}

static enum nf_code fresh_init(struct fresh_parts *f, const struct nf_config_part *parts, size_t n,
                               struct nf_err *err)
{
    f->v = calloc(n + 1, sizeof(*f->v));
    if (!f->v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (; f->n < n; f->n++) {
        f->v[f->n].group = parts[f->n].group;
        f->v[f->n].to = calloc(1, parts[f->n].group->size);
        if (!f->v[f->n].to)
            return nf_err_set(err, NF_E_NOMEM, "out of memory");
    }
    return NF_OK;
}

/* Give the values of `from` to `to`, which has none. */
static void move_values(const struct nf_config_part *to, const struct nf_config_part *from)
{
    for (size_t i = 0; i < to->group->n; i++) {
        const struct nf_setting *s = &to->group->v[i];
        size_t size = nf_value_size_of(s);
        memcpy(nf_value_at(s, to->to), nf_value_at(s, from->to), size);
        memset(nf_value_at(s, from->to), 0, size);
    }
}

static enum nf_code load_text(const struct loader *l, const char *text, size_t len,
                              const struct nf_config_part *parts, size_t n)
{
    NF_CLEANUP(nf_yaml_freep) struct nf_yaml *root = NULL;
    NF_CLEANUP(fresh_done) struct fresh_parts fresh = { 0 };
    const struct place top = { 0 };

    NF_TRY(nf_yaml_parse(l->name, text, len, &root, l->err));
    if (root && root->kind != NF_YAML_MAP && !nf_yaml_is_null(root))
        return nf_err_set(l->err, NF_E_INVALID, "%s:%zu: must begin with a key and a colon",
                          l->name, root->line);
    NF_TRY(fresh_init(&fresh, parts, n, l->err));
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): fresh_done frees it */
    NF_TRY(apply_scope(l, fresh.v, n, root, &top));

    nf_config_done(parts, n);
    for (size_t i = 0; i < n; i++)
        move_values(&parts[i], &fresh.v[i]);
    return NF_OK;
}

enum nf_code nf_config_load_text(const char *name, const char *text, size_t len,
                                 const struct nf_config_part *parts, size_t n, struct nf_err *err)
{
    const struct loader l = { .name = name, .err = err };
    return load_text(&l, text, len, parts, n);
}

static void close_file(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static enum nf_code read_file(const char *path, struct nf_str *ret, struct nf_err *err)
{
    NF_CLEANUP(close_file) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return nf_err_set(err, NF_E_NOT_FOUND, "%s: no such file", path);
    if (fd < 0)
        return nf_err_set(err, NF_E_IO, "%s: %s", path, strerror(errno));
    for (;;) {
        NF_TRY(nf_err_wrap(err, nf_str_reserve(ret, READ_CHUNK, err), "%s", path));
        ssize_t got = read(fd, ret->p + ret->len, READ_CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return nf_err_set(err, NF_E_IO, "%s: %s", path, strerror(errno));
        if (got == 0)
            return NF_OK;
        ret->len += (size_t)got;
        if (ret->len > NF_CONFIG_BYTES_MAX)
            return nf_err_set(err, NF_E_LIMIT, "%s: over %zu bytes", path, NF_CONFIG_BYTES_MAX);
    }
}

static enum nf_code load(const char *path, bool bare, const struct nf_config_part *parts, size_t n,
                         struct nf_err *err)
{
    NF_CLEANUP(expanded_done)
    struct nf_str text = { .max = NF_CONFIG_BYTES_MAX + 2 * (size_t)READ_CHUNK };
    const struct loader l = { .name = path ? path : "defaults", .err = err, .bare = bare };
    if (path)
        NF_TRY(read_file(path, &text, err));
    return load_text(&l, nf_str_c(&text), text.len, parts, n);
}

enum nf_code nf_config_load(const char *path, const struct nf_config_part *parts, size_t n,
                            struct nf_err *err)
{
    return load(path, false, parts, n, err);
}

enum nf_code nf_config_load_bare(const char *path, const struct nf_config_part *parts, size_t n,
                                 struct nf_err *err)
{
    return load(path, true, parts, n, err);
}

void nf_config_locate(const char *path, struct nf_err *err)
{
    NF_CLEANUP(expanded_done)
    struct nf_str text = { .max = NF_CONFIG_BYTES_MAX + 2 * (size_t)READ_CHUNK };
    struct nf_err ignored;

    if (read_file(path, &text, &ignored) == NF_OK)
        nf_config_locate_text(path, nf_str_c(&text), text.len, err);
}

void nf_config_done(const struct nf_config_part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        nf_value_group_done(parts[i].group, parts[i].to);
}
