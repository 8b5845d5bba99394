#include "config/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit durations[] = {
    { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }
};
static const struct unit sizes[] = { { "TiB", INT64_C(1) << 40 },
                                     { "GiB", 1 << 30 },
                                     { "MiB", 1 << 20 },
                                     { "KiB", 1 << 10 },
                                     { "B", 1 } };

/* --- ${NAME} ---------------------------------------------------------------------------------- */

static bool is_name_char(char c, bool first)
{
    return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (!first && c >= '0' && c <= '9');
}

/* Append the variable whose "${" begins at *p, and step over it. */
static enum nf_code expand_one(const char **p, bool may_miss, struct nf_str *ret,
                               struct nf_err *err)
{
    const char *name = *p + 2;
    size_t n = 0;
    while (is_name_char(name[n], n == 0))
        n++;
    if (n == 0 || n > 100 || name[n] != '}')
        return nf_err_set(err, NF_E_INVALID,
                          "${ must be followed by the name of a variable and }; $${ is a plain ${");
    char copy[101];
    memcpy(copy, name, n);
    copy[n] = '\0';
    const char *value = getenv(copy);
    if (!value && !may_miss)
        return nf_err_set(err, NF_E_INVALID, "the environment has no variable %s", copy);
    NF_TRY(nf_str_adds(ret, value ? value : "", err));
    *p = name + n + 1;
    return NF_OK;
}

enum nf_code nf_value_expand(const char *text, bool may_miss, struct nf_str *ret,
                             struct nf_err *err)
{
    ret->max = NF_CONFIG_VALUE_MAX + 1;
    nf_str_reset(ret);
    while (*text) {
        const char *dollar = strchr(text, '$');
        size_t n = dollar ? (size_t)(dollar - text) : strlen(text);
        NF_TRY(nf_str_add(ret, text, n, err));
        text += n;
        if (strncmp(text, "$${", 3) == 0) {
            NF_TRY(nf_str_add(ret, "${", 2, err));
            text += 3;
        } else if (strncmp(text, "${", 2) == 0) {
            NF_TRY(expand_one(&text, may_miss, ret, err));
        } else if (*text == '$') {
            NF_TRY(nf_str_add(ret, "$", 1, err));
            text++;
        }
    }
    return NF_OK;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static struct nf_value_num with_unit(int64_t v, const struct unit *units, size_t n)
{
    struct nf_value_num t;
    size_t i = 0;
    while (i + 1 < n && (v == 0 || v % units[i].factor != 0))
        i++;
    (void)snprintf(t.s, sizeof(t.s), "%lld%s", (long long)(v / units[i].factor), units[i].name);
    return t;
}

struct nf_value_num nf_value_duration(int64_t ms)
{
    return with_unit(ms, durations, NF_COUNT(durations));
}

struct nf_value_num nf_value_size(int64_t bytes)
{
    return with_unit(bytes, sizes, NF_COUNT(sizes));
}

struct nf_value_num nf_value_bound(const struct nf_setting *s, int64_t bound)
{
    struct nf_value_num t;
    if (s->type == NF_SET_MS)
        return nf_value_duration(bound);
    if (s->type == NF_SET_BYTES)
        return nf_value_size(bound);
    (void)snprintf(t.s, sizeof(t.s), "%lld", (long long)bound);
    return t;
}

bool nf_value_has_min(const struct nf_setting *s)
{
    bool counts = s->type != NF_SET_INT; /* what counts cannot be negative */
    return (s->min != 0 || s->max != 0) && !(counts && s->min <= 0);
}

bool nf_value_has_max(const struct nf_setting *s)
{
    return s->max != 0 || s->min < 0;
}

/* Digits, then one of the units: false if it is anything else or over 63 bits. */
static bool parse_with_unit(const char *text, const struct unit *units, size_t n, int64_t *ret)
{
    size_t digits = strspn(text, "0123456789");
    if (!nf_slice_u63((struct nf_slice){ text, digits }, ret))
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(text + digits, units[i].name) == 0)
            return !__builtin_mul_overflow(*ret, units[i].factor, ret);
    return false;
}

static bool parse_int(const char *text, int64_t *ret)
{
    bool minus = *text == '-';
    int64_t v;
    if (minus && strcmp(text, "-9223372036854775808") == 0) {
        *ret = INT64_MIN;
        return true;
    }
    if (!nf_slice_u63(nf_slice_of(text + minus), &v))
        return false;
    *ret = minus ? -v : v;
    return true;
}

static bool parse_number(const struct nf_setting *s, const char *text, int64_t *ret)
{
    if (s->type == NF_SET_INT)
        return parse_int(text, ret);
    if (strcmp(text, "0") == 0) {
        *ret = 0;
        return true;
    }
    if (s->type == NF_SET_MS)
        return parse_with_unit(text, durations, NF_COUNT(durations), ret);
    return nf_slice_u63(nf_slice_of(text), ret) ||
           parse_with_unit(text, sizes, NF_COUNT(sizes), ret);
}

static enum nf_code out_of_bounds(const struct nf_setting *s, const char *what, struct nf_err *err)
{
    struct nf_value_num min = nf_value_bound(s, s->min), max = nf_value_bound(s, s->max);
    if (!nf_value_has_min(s))
        return nf_err_set(err, NF_E_LIMIT, "must be at most %s%s", max.s, what);
    if (!nf_value_has_max(s))
        return nf_err_set(err, NF_E_LIMIT, "must be at least %s%s", min.s, what);
    return nf_err_set(err, NF_E_LIMIT, "must be %s to %s%s", min.s, max.s, what);
}

static bool in_bounds(const struct nf_setting *s, int64_t v)
{
    return (!nf_value_has_min(s) || v >= s->min) && (!nf_value_has_max(s) || v <= s->max);
}

enum nf_code nf_value_check_count(const struct nf_setting *s, size_t n, struct nf_err *err)
{
    return in_bounds(s, (int64_t)n) ? NF_OK : out_of_bounds(s, " entries", err);
}

/* --- setting ---------------------------------------------------------------------------------- */

static enum nf_code check_value(const struct nf_setting *s, const char *text, struct nf_err *err)
{
    if (!s->check)
        return NF_OK;
    if (s->type != NF_SET_SECRET)
        return s->check(text, err);
    enum nf_code rc = s->check(text, NULL);
    return rc == NF_OK ? rc : nf_err_set(err, rc, "is not acceptable");
}

static enum nf_code set_number(const struct nf_setting *s, const char *text, int64_t *at,
                               struct nf_err *err)
{
    int64_t v = 0;
    const char *what = s->type == NF_SET_INT ? "must be an integer"
                       : s->type == NF_SET_MS
                           ? "must be a duration: a number and ms, s, m, h or d, such as 30s"
                           : "must be a size: a number, or one with KiB, MiB, GiB or TiB";
    if (!parse_number(s, text, &v))
        return nf_err_set(err, NF_E_INVALID, "%s", what);
    if (!in_bounds(s, v))
        return out_of_bounds(s, "", err);
    NF_TRY(check_value(s, text, err));
    *at = v;
    return NF_OK;
}

static enum nf_code set_bool(const char *text, bool *at, struct nf_err *err)
{
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0)
        return nf_err_set(err, NF_E_INVALID, "must be true or false");
    *at = yes;
    return NF_OK;
}

static enum nf_code set_enum(const struct nf_setting *s, const char *text, int *at,
                             struct nf_err *err)
{
    char all[160] = "";
    for (int i = 0; s->choices[i]; i++) {
        if (strcmp(s->choices[i], text) == 0) {
            *at = i;
            return NF_OK;
        }
        size_t used = strlen(all);
        (void)snprintf(all + used, sizeof(all) - used, "%s%s", i > 0 ? ", " : "", s->choices[i]);
    }
    return nf_err_set(err, NF_E_INVALID, "must be one of: %s", all);
}

/* "" stands for "none" where that is the default, whatever the bounds. */
static enum nf_code set_str(const struct nf_setting *s, const char *text, char **at,
                            struct nf_err *err)
{
    char *copy = NULL;
    bool none = !*text && !s->required && !(s->def && *s->def);
    if (!none && !in_bounds(s, (int64_t)strlen(text)))
        return out_of_bounds(s, " bytes", err);
    if (!none)
        NF_TRY(check_value(s, text, err));
    NF_TRY(nf_strdup(text, &copy, err));
    free(*at);
    *at = copy;
    return NF_OK;
}

/* "" means not set, whatever the bounds. */
static enum nf_code set_secret(const struct nf_setting *s, const char *text, struct nf_secret *at,
                               struct nf_err *err)
{
    if (*text && !in_bounds(s, (int64_t)strlen(text)))
        return out_of_bounds(s, " bytes", err);
    if (*text)
        NF_TRY(check_value(s, text, err));
    return nf_secret_set(at, text, err);
}

enum nf_code nf_value_set(const struct nf_setting *s, const char *text, void *at,
                          struct nf_err *err)
{
    switch (s->type) {
    case NF_SET_INT:
    case NF_SET_MS:
    case NF_SET_BYTES:
        return set_number(s, text, at, err);
    case NF_SET_BOOL:
        return set_bool(text, at, err);
    case NF_SET_ENUM:
        return set_enum(s, text, at, err);
    case NF_SET_SECRET:
        return set_secret(s, text, at, err);
    default:
        assert(s->type == NF_SET_STR);
        return set_str(s, text, at, err);
    }
}

/* --- text ------------------------------------------------------------------------------------- */

enum nf_code nf_value_text(const struct nf_setting *s, const void *at, struct nf_str *to,
                           struct nf_err *err)
{
    switch (s->type) {
    case NF_SET_INT:
    case NF_SET_MS:
    case NF_SET_BYTES:
        return nf_str_adds(to, nf_value_bound(s, *(const int64_t *)at).s, err);
    case NF_SET_BOOL:
        return nf_str_adds(to, *(const bool *)at ? "true" : "false", err);
    case NF_SET_ENUM:
        return nf_str_adds(to, s->choices[*(const int *)at], err);
    case NF_SET_SECRET:
        return nf_str_adds(to, nf_secret_is_set(at) ? "(set)" : "(not set)", err);
    default: {
        const char *text = *(char *const *)at;
        return nf_str_adds(to, text ? text : "", err);
    }
    }
}

/* --- releasing -------------------------------------------------------------------------------- */

size_t nf_value_size_of(const struct nf_setting *s)
{
    switch (s->type) {
    case NF_SET_BOOL:
        return sizeof(bool);
    case NF_SET_ENUM:
        return sizeof(int);
    case NF_SET_SECRET:
        return sizeof(struct nf_secret);
    case NF_SET_STRS:
        return sizeof(struct nf_setting_strs);
    case NF_SET_GROUPS:
        return sizeof(struct nf_setting_list);
    case NF_SET_STR:
        return sizeof(char *);
    default:
        return sizeof(int64_t);
    }
}

static void strs_done(struct nf_setting_strs *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
}

/* NOLINTBEGIN(misc-no-recursion): lists of groups go as deep as the tables do */

static void list_done(const struct nf_setting *s, struct nf_setting_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        nf_value_group_done(s->items, (char *)l->v + i * s->items->size);
    free(l->v);
}

void nf_value_done(const struct nf_setting *s, void *at)
{
    if (s->type == NF_SET_STR)
        free(*(char **)at);
    else if (s->type == NF_SET_SECRET)
        nf_secret_done(at);
    else if (s->type == NF_SET_STRS)
        strs_done(at);
    else if (s->type == NF_SET_GROUPS)
        list_done(s, at);
    memset(at, 0, nf_value_size_of(s));
}

void nf_value_group_done(const struct nf_setting_group *g, void *base)
{
    for (size_t i = 0; i < g->n; i++)
        nf_value_done(&g->v[i], nf_value_at(&g->v[i], base));
}

/* NOLINTEND(misc-no-recursion) */
