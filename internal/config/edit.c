#include "config/edit.h"

#include "base/own.h"
#include "config/edit_internal.h"
#include "config/settings.h"

#include <string.h>

#define INDENT 2 /* of what we begin ourselves */

/* --- lines, from 1 -----------------------------------------------------------------------------
 */

static const char *line_at(const char *text, size_t n)
{
    while (--n > 0 && *text) {
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return text;
}

static size_t indent_of(const char *line)
{
    return strspn(line, " ");
}

/* Blank, or a comment alone. */
static bool says_nothing(const char *line)
{
    const char *p = line + strspn(line, " \t\r");
    return *p == '\0' || *p == '\n' || *p == '#';
}

/* The first line from `n` on that says something and is not indented deeper than `indent`; what is
 * between belongs to what stands before. Comments and blanks right before it do not. The items of a
 * list may stand right below its key. */
static size_t end_of(const char *text, size_t n, size_t indent, bool is_list)
{
    size_t end = n;
    for (const char *p = line_at(text, n); *p; n++) {
        if (!says_nothing(p)) {
            bool below = is_list && indent_of(p) == indent && p[indent] == '-';
            if (indent_of(p) <= indent && !below)
                return end;
            end = n + 1;
        }
        p += strcspn(p, "\n");
        p += *p == '\n';
    }
    return end;
}

static NF_RC put_lines(struct nf_str *ret, const char *text, size_t from, size_t to,
                       struct nf_err *err)
{
    const char *a = line_at(text, from), *b = line_at(text, to);
    NF_TRY(nf_str_add(ret, a, (size_t)(b - a), err));
    if (ret->len > 0 && ret->p[ret->len - 1] != '\n')
        return nf_str_adds(ret, "\n", err);
    return NF_OK;
}

/* --- where things stand ------------------------------------------------------------------------
 */

struct place {
    struct nf_yaml *root;
    const struct nf_yaml *group, *list; /* NULL: not there */
};

static void place_done(struct place *p)
{
    nf_yaml_free(p->root);
}

static enum nf_code by_hand(const char *name, const struct nf_yaml *y, struct nf_err *err)
{
    return nf_err_set(err, NF_E_CONFLICT,
                      "%s:%zu: is not written line by line, so that it must be changed by hand",
                      name, y->line);
}

/* What came out is not what was meant, or `rc` says why it cannot be known. */
static enum nf_code not_as_meant(const char *name, enum nf_code rc, struct nf_err *err)
{
    return nf_err_set(err, rc == NF_E_NOMEM ? rc : NF_E_CONFLICT,
                      "%s: is not written line by line, so that it must be changed by hand", name);
}

/* What is in a list or mapping begins in a line below its key. */
static bool is_by_lines(const struct nf_yaml *y)
{
    return nf_yaml_is_null(y) || (y->first && y->first->line > y->line);
}

static NF_RC find(const char *name, const char *text, const char *group, const char *list,
                  struct place *p, struct nf_err *err)
{
    NF_TRY(nf_yaml_parse(name, text, strlen(text), &p->root, err));
    if (p->root && p->root->kind != NF_YAML_MAP)
        return nf_err_set(err, NF_E_INVALID, "%s: is no mapping", name);
    /* A mapping in braces from the first line on. */
    if (p->root && text[strspn(text, " \t\r\n")] == '{')
        return by_hand(name, p->root, err);
    p->group = nf_yaml_child(p->root, group, strlen(group));
    p->list = nf_yaml_child(p->group, list, strlen(list));
    if (p->group && !nf_yaml_is_null(p->group) &&
        (p->group->kind != NF_YAML_MAP || !is_by_lines(p->group)))
        return by_hand(name, p->group, err);
    if (p->list && !nf_yaml_is_null(p->list) &&
        (p->list->kind != NF_YAML_LIST || !is_by_lines(p->list)))
        return by_hand(name, p->list, err);
    return NF_OK;
}

/* --- what must have stayed ----------------------------------------------------------------------
 */

static const struct nf_yaml *past(const struct nf_yaml *y, const struct nf_yaml *skip)
{
    return y && y == skip ? y->next : y;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as NF_CONFIG_DEPTH_MAX */
static bool same(const struct nf_yaml *a, const struct nf_yaml *b, const struct nf_yaml *skip_a,
                 const struct nf_yaml *skip_b)
{
    if (!a || !b || a->kind != b->kind || !same_text(a->key, b->key) ||
        !same_text(a->text, b->text) || a->plain != b->plain)
        return false;
    a = past(a->first, skip_a);
    b = past(b->first, skip_b);
    while (a && b) {
        if (!same(a, b, skip_a, skip_b))
            return false;
        a = past(a->next, skip_a);
        b = past(b->next, skip_b);
    }
    return !a && !b;
}

/* Nothing but `skip` may be left of a tree that is not there. */
static bool same_root(const struct nf_yaml *a, const struct nf_yaml *b,
                      const struct nf_yaml *skip_a, const struct nf_yaml *skip_b)
{
    if (a && b)
        return same(a, b, skip_a, skip_b);
    return (!a || !past(a->first, skip_a)) && (!b || !past(b->first, skip_b));
}

/* YAML can be written in ways that lines do not show: then nothing is changed. */
static NF_RC check_put(const char *name, const struct place *before, const char *text,
                       const char *group, const char *list, struct nf_err *err)
{
    NF_CLEANUP(place_done) struct place after = { 0 };
    struct nf_err ignored;
    enum nf_code rc = find(name, text, group, list, &after, &ignored);
    bool grown = before->list && before->list->first;
    bool listed = before->group && before->group->first;
    if (rc == NF_OK && after.list && after.list->first) {
        const struct nf_yaml *was = grown ? NULL : listed ? before->list : before->group;
        const struct nf_yaml *is = grown ? after.list->first : listed ? after.list : after.group;
        if (same_root(before->root, after.root, was, is))
            return NF_OK;
    }
    return not_as_meant(name, rc, err);
}

static NF_RC check_dropped(const char *name, const struct place *before, const struct nf_yaml *gone,
                           const char *text, const char *group, const char *list,
                           struct nf_err *err)
{
    NF_CLEANUP(place_done) struct place after = { 0 };
    struct nf_err ignored;
    enum nf_code rc = find(name, text, group, list, &after, &ignored);
    if (rc == NF_OK && same_root(before->root, after.root, gone, NULL))
        return NF_OK;
    return not_as_meant(name, rc, err);
}

/* --- putting in --------------------------------------------------------------------------------
 */

static NF_RC put_item(struct nf_str *ret, size_t indent, const char *item, struct nf_err *err)
{
    for (const char *mark = "- "; *item; mark = "  ") {
        size_t n = strcspn(item, "\n");
        NF_TRY(nf_str_addf(ret, err, "%*s%s%.*s\n", (int)indent, "", mark, (int)n, item));
        item += n;
        item += *item == '\n';
    }
    return NF_OK;
}

enum nf_code nf_config_put_item(const char *name, const char *text, const char *group,
                                const char *list, const char *item, struct nf_str *ret,
                                struct nf_err *err)
{
    NF_CLEANUP(place_done) struct place p = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str made = { .max = NF_CONFIG_BYTES_MAX };
    size_t end = SIZE_MAX, indent = INDENT, after = end;

    NF_TRY(find(name, text, group, list, &p, err));
    if (p.list) {
        after = p.list->line + 1;
        indent = indent_of(line_at(text, p.list->line)) + INDENT;
        if (p.list->first)
            indent = indent_of(line_at(text, p.list->first->line));
    } else if (p.group) {
        after = p.group->line + 1;
        if (p.group->first)
            indent = indent_of(line_at(text, p.group->first->line));
    }
    NF_TRY(put_lines(&made, text, 1, after, err));
    if (!p.group)
        NF_TRY(nf_str_addf(&made, err, "%s:\n", group));
    if (!p.list) {
        NF_TRY(nf_str_addf(&made, err, "%*s%s:\n", (int)indent, "", list));
        indent += INDENT;
    }
    NF_TRY(put_item(&made, indent, item, err));
    NF_TRY(put_lines(&made, text, after, end, err));
    NF_TRY(check_put(name, &p, nf_str_c(&made), group, list, err));
    nf_str_done(ret);
    *ret = nf_take(made);
    return NF_OK;
}

/* --- taking out --------------------------------------------------------------------------------
 */

enum nf_code nf_config_drop_item(const char *name, const char *text, const char *group,
                                 const char *list, size_t index, struct nf_str *ret,
                                 struct nf_err *err)
{
    NF_CLEANUP(place_done) struct place p = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str made = { .max = NF_CONFIG_BYTES_MAX };
    NF_TRY(find(name, text, group, list, &p, err));
    const struct nf_yaml *item = p.list && p.list->kind == NF_YAML_LIST ? p.list->first : NULL;
    for (size_t i = 0; item && i < index; i++)
        item = item->next;
    if (!item)
        return nf_err_set(err, NF_E_NOT_FOUND, "%s: %s.%s has no item %zu", name, group, list,
                          index);
    const struct nf_yaml *from = item;
    if (!p.list->first->next)
        from = p.group->first->next ? p.list : p.group;
    /* An item's line is that of its dash: what belongs to it is indented deeper. */
    size_t end = end_of(text, from->line + 1, indent_of(line_at(text, from->line)), from == p.list);
    NF_TRY(put_lines(&made, text, 1, from->line, err));
    NF_TRY(put_lines(&made, text, end, SIZE_MAX, err));
    NF_TRY(check_dropped(name, &p, from, nf_str_c(&made), group, list, err));
    nf_str_done(ret);
    *ret = nf_take(made);
    return NF_OK;
}

/* --- one value ---------------------------------------------------------------------------------
 */

/* How far the path of a key is there: the deepest of its mappings, the value, and what of the key
 * is left to be begun. */
struct way {
    struct nf_yaml *root;
    const struct nf_yaml *at, *value; /* at NULL: the whole file */
    const char *rest;
};

static void way_done(struct way *w)
{
    nf_yaml_free(w->root);
}

static NF_RC walk(const char *name, const char *text, const char *key, struct way *w,
                  struct nf_err *err)
{
    NF_TRY(nf_yaml_parse(name, text, strlen(text), &w->root, err));
    if (w->root && (w->root->kind != NF_YAML_MAP || text[strspn(text, " \t\r\n")] == '{'))
        return by_hand(name, w->root, err);
    const struct nf_yaml *y = w->root;
    for (w->rest = key;;) {
        size_t n = strcspn(w->rest, ".");
        const struct nf_yaml *c = nf_yaml_child(y, w->rest, n);
        if (!c)
            return NF_OK;
        if (w->rest[n] == '\0') {
            w->value = c;
            return NF_OK;
        }
        if (!nf_yaml_is_null(c) && (c->kind != NF_YAML_MAP || !is_by_lines(c)))
            return by_hand(name, c, err);
        w->at = y = c;
        w->rest += n + 1;
    }
}

/* The comment behind a value that stands in one line, with the blank before it; "" if it has none.
 */
static struct nf_slice comment_of(const char *line)
{
    size_t n = strcspn(line, "\r\n");
    char quote = '\0';
    for (size_t i = strcspn(line, ":"); i < n; i++) {
        if (quote) {
            if (line[i] == quote && line[i - 1] != '\\')
                quote = '\0';
        } else if ((line[i] == '"' || line[i] == '\'') && strchr(" :[,", line[i - 1])) {
            quote = line[i];
        } else if (line[i] == '#' && line[i - 1] == ' ') {
            return (struct nf_slice){ line + i - 1, n - i + 1 };
        }
    }
    return (struct nf_slice){ "", 0 };
}

/* "a.b" begun at `indent`: a line for each level, the value behind the last. */
static NF_RC begin_value(struct nf_str *to, size_t indent, const char *rest, const char *value,
                         struct nf_err *err)
{
    for (;; indent += INDENT) {
        size_t n = strcspn(rest, ".");
        NF_TRY(nf_str_addf(to, err, "%*s%.*s:", (int)indent, "", (int)n, rest));
        if (rest[n] == '\0')
            return nf_str_addf(to, err, " %s\n", value);
        NF_TRY(nf_str_adds(to, "\n", err));
        rest += n + 1;
    }
}

static NF_RC put_value(const char *text, const struct way *w, const char *value, struct nf_str *to,
                       struct nf_err *err)
{
    size_t from = SIZE_MAX, to_line = SIZE_MAX, indent = 0;
    if (w->value) {
        from = w->value->line;
        indent = indent_of(line_at(text, from));
        to_line = end_of(text, from + 1, indent, w->value->kind == NF_YAML_LIST);
    } else if (w->at) {
        from = to_line = w->at->line + 1;
        indent = w->at->first ? indent_of(line_at(text, w->at->first->line))
                              : indent_of(line_at(text, w->at->line)) + INDENT;
    }
    NF_TRY(put_lines(to, text, 1, from, err));
    if (value && w->value) {
        struct nf_slice comment = comment_of(line_at(text, from));
        NF_TRY(nf_str_addf(to, err, "%*s%s: %s%.*s\n", (int)indent, "", w->value->key, value,
                           (int)comment.n, comment.p));
    } else if (value) {
        NF_TRY(begin_value(to, indent, w->rest, value, err));
    }
    return put_lines(to, text, to_line, SIZE_MAX, err);
}

enum nf_code nf_edit_line(const char *text, const struct nf_yaml *y, const char *value,
                          struct nf_str *to, struct nf_err *err)
{
    const char *line = line_at(text, y->line);
    size_t before = indent_of(line), n = strlen(y->key);
    if (line[before] == '-') /* the first key of an item, behind its dash */
        before += 1 + indent_of(line + before + 1);
    if (strncmp(line + before, y->key, n) != 0 || line[before + n] != ':')
        return NF_OK;
    struct nf_slice comment = comment_of(line);
    NF_TRY(put_lines(to, text, 1, y->line, err));
    NF_TRY(nf_str_addf(to, err, "%.*s%s: %s%.*s\n", (int)before, line, y->key, value,
                       (int)comment.n, comment.p));
    return put_lines(to, text, y->line + 1, SIZE_MAX, err);
}

bool nf_edit_same(const struct nf_yaml *a, const struct nf_yaml *b, const struct nf_yaml *skip_a,
                  const struct nf_yaml *skip_b)
{
    return same(a, b, skip_a, skip_b);
}

static const struct nf_yaml *first_of(const struct nf_yaml *y)
{
    return y && y->kind == NF_YAML_MAP ? y->first : NULL;
}

/* Whether nothing but what stands at the path `rest` differs; a mapping without anything counts as
 * none. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as NF_CONFIG_DEPTH_MAX */
static bool same_except(const struct nf_yaml *a, const struct nf_yaml *b, const char *rest)
{
    size_t n = strcspn(rest, ".");
    const struct nf_yaml *on_a = nf_yaml_child(a, rest, n), *on_b = nf_yaml_child(b, rest, n);
    const struct nf_yaml *x = past(first_of(a), on_a), *y = past(first_of(b), on_b);
    while (x && y) {
        if (!same(x, y, NULL, NULL))
            return false;
        x = past(x->next, on_a);
        y = past(y->next, on_b);
    }
    return !x && !y && (rest[n] == '\0' || same_except(on_a, on_b, rest + n + 1));
}

enum nf_code nf_config_set_value(const char *name, const char *text, const char *key,
                                 const char *value, struct nf_str *ret, struct nf_err *err)
{
    NF_CLEANUP(way_done) struct way before = { 0 };
    NF_CLEANUP(way_done) struct way after = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str made = { .max = NF_CONFIG_BYTES_MAX };
    struct nf_err why;

    NF_TRY(walk(name, text, key, &before, err));
    if (value || before.value)
        NF_TRY(put_value(text, &before, value, &made, err));
    else
        NF_TRY(nf_str_set(&made, text, err));
    /* YAML can be written in ways that lines do not show: then nothing is changed. */
    if (walk(name, nf_str_c(&made), key, &after, &why) != NF_OK ||
        (after.value != NULL) != (value != NULL) || !same_except(before.root, after.root, key))
        return nf_err_wrap(
            err,
            nf_err_set(err, NF_E_CONFLICT, "%s cannot be changed by lines: change it by hand", key),
            "%s", name);
    nf_str_done(ret);
    *ret = nf_take(made);
    return NF_OK;
}

enum nf_code nf_config_add_quoted(struct nf_str *to, const char *text, struct nf_err *err)
{
    NF_TRY(nf_str_adds(to, "\"", err));
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            NF_TRY(nf_str_adds(to, "\\", err));
        if (*p == '$' && p[1] == '{')
            NF_TRY(nf_str_adds(to, "$", err));
        if ((unsigned char)*p < 0x20)
            return nf_err_set(err, NF_E_INVALID, "control characters do not belong into a setting");
        NF_TRY(nf_str_add(to, p, 1, err));
    }
    return nf_str_adds(to, "\"", err);
}
