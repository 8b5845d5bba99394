/* One key of one item of a list, whatever way the item is written in. */
#include "base/own.h"
#include "config/edit.h"
#include "config/edit_internal.h"
#include "config/settings.h"
#include "config/value.h"

#include <string.h>

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./@+-"

/* As it stands there: "${NAME}" and "$${" are not ours to read. */
static NF_RC add_scalar(struct nf_str *to, const struct nf_yaml *y, struct nf_err *err)
{
    const char *text = y->text ? y->text : "";
    if (y->plain && text[strspn(text, PLAIN)] == '\0')
        return nf_str_adds(to, text, err);
    NF_TRY(nf_str_adds(to, "\"", err));
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20)
            return nf_err_set(err, NF_E_CONFLICT, "line %zu must be changed by hand", y->line);
        if (*p == '"' || *p == '\\')
            NF_TRY(nf_str_adds(to, "\\", err));
        NF_TRY(nf_str_add(to, p, 1, err));
    }
    return nf_str_adds(to, "\"", err);
}

static NF_RC add_list(struct nf_str *to, const struct nf_yaml *y, struct nf_err *err)
{
    NF_TRY(nf_str_adds(to, "[", err));
    for (const struct nf_yaml *c = y->first; c; c = c->next) {
        if (c->kind != NF_YAML_SCALAR)
            return nf_err_set(err, NF_E_CONFLICT, "line %zu must be changed by hand", c->line);
        NF_TRY(add_scalar(to, c, err));
        if (c->next)
            NF_TRY(nf_str_adds(to, ", ", err));
    }
    return nf_str_adds(to, "]", err);
}

static NF_RC add_key(struct nf_str *to, const struct nf_yaml *y, struct nf_err *err)
{
    if (y->kind == NF_YAML_MAP)
        return nf_err_set(err, NF_E_CONFLICT, "line %zu must be changed by hand", y->line);
    NF_TRY(nf_str_addf(to, err, "%s: ", y->key));
    NF_TRY(y->kind == NF_YAML_LIST ? add_list(to, y, err) : add_scalar(to, y, err));
    return nf_str_adds(to, "\n", err);
}

static void wipe(struct nf_str *s)
{
    if (s->p)
        explicit_bzero(s->p, s->cap);
    nf_str_done(s);
}

static const struct nf_yaml *list_in(const struct nf_yaml *root, const char *group,
                                     const char *list)
{
    const struct nf_yaml *l = nf_yaml_child(root, group, strlen(group));
    l = nf_yaml_child(l, list, strlen(list));
    return l && l->kind == NF_YAML_LIST ? l : NULL;
}

/* As it is read: "${NAME}" stands for what the environment has. */
static bool means(const struct nf_yaml *y, const char *value, const char *fallback)
{
    NF_CLEANUP(wipe) struct nf_str text = { .max = NF_CONFIG_VALUE_MAX };
    struct nf_err ignored;
    if (!y || nf_yaml_is_null(y))
        return fallback && strcmp(fallback, value) == 0;
    return y->kind == NF_YAML_SCALAR && nf_value_expand(y->text, false, &text, &ignored) == NF_OK &&
           strcmp(nf_str_c(&text), value) == 0;
}

enum nf_code nf_config_find_item(const char *name, const char *text, const char *group,
                                 const char *list, const char *key, const char *value,
                                 const char *fallback, size_t *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_yaml_freep) struct nf_yaml *root = NULL;
    size_t at = 0;

    NF_TRY(nf_yaml_parse(name, text, strlen(text), &root, err));
    const struct nf_yaml *l = list_in(root, group, list);
    for (const struct nf_yaml *y = l ? l->first : NULL; y; y = y->next, at++) {
        if (y->kind == NF_YAML_MAP && means(nf_yaml_child(y, key, strlen(key)), value, fallback)) {
            *ret = at;
            return NF_OK;
        }
    }
    return nf_err_set(err, NF_E_NOT_FOUND, "%s: %s.%s has no item '%.64s'", name, group, list,
                      value);
}

static const struct nf_yaml *item_in(const struct nf_yaml *root, const char *group,
                                     const char *list, size_t index)
{
    const struct nf_yaml *l = list_in(root, group, list);
    const struct nf_yaml *y = l ? l->first : NULL;
    for (size_t i = 0; y && i < index; i++)
        y = y->next;
    return y && y->kind == NF_YAML_MAP ? y : NULL;
}

/* A key in a line of its own is changed there, and every other line stays: *done. */
static NF_RC set_line(const char *name, const char *text, const struct nf_yaml *root,
                      const char *group, const char *list, size_t index, const struct nf_yaml *old,
                      const char *value, struct nf_str *ret, bool *done, struct nf_err *err)
{
    NF_CLEANUP(nf_yaml_freep) struct nf_yaml *after = NULL;
    NF_CLEANUP(wipe) struct nf_str made = { .max = NF_CONFIG_BYTES_MAX };
    struct nf_err ignored;

    NF_TRY(nf_edit_line(text, old, value, &made, err));
    if (made.len == 0 || nf_yaml_parse(name, made.p, made.len, &after, &ignored) != NF_OK)
        return NF_OK;
    const struct nf_yaml *item = item_in(after, group, list, index);
    const struct nf_yaml *fresh = nf_yaml_child(item, old->key, strlen(old->key));
    if (!fresh || !nf_edit_same(root, after, old, fresh))
        return NF_OK;
    nf_str_done(ret);
    *ret = nf_take(made);
    *done = true;
    return NF_OK;
}

enum nf_code nf_config_set_in_item(const char *name, const char *text, const char *group,
                                   const char *list, size_t index, const char *key,
                                   const char *value, struct nf_str *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_yaml_freep) struct nf_yaml *root = NULL;
    NF_CLEANUP(wipe) struct nf_str item = { .max = NF_CONFIG_BYTES_MAX };
    NF_CLEANUP(nf_str_done) struct nf_str without = { 0 };
    bool there = false, done = false;

    NF_TRY(nf_yaml_parse(name, text, strlen(text), &root, err));
    const struct nf_yaml *y = item_in(root, group, list, index);
    if (!y)
        return nf_err_set(err, NF_E_NOT_FOUND, "%s: %s.%s has no item %zu", name, group, list,
                          index);
    const struct nf_yaml *old = nf_yaml_child(y, key, strlen(key));
    if (old)
        NF_TRY(set_line(name, text, root, group, list, index, old, value, ret, &done, err));
    if (done)
        return NF_OK;
    for (const struct nf_yaml *c = y->first; c; c = c->next) {
        bool here = strcmp(c->key, key) == 0;
        there = there || here;
        if (here)
            NF_TRY(nf_str_addf(&item, err, "%s: %s\n", key, value));
        else
            NF_TRY(nf_err_wrap(err, add_key(&item, c, err), "%s", name));
    }
    if (!there)
        NF_TRY(nf_str_addf(&item, err, "%s: %s\n", key, value));
    NF_TRY(nf_config_drop_item(name, text, group, list, index, &without, err));
    return nf_config_put_item(name, nf_str_c(&without), group, list, nf_str_c(&item), ret, err);
}
