/* One value of the configuration: from text to its type, back to text, and released. For this
 * directory only. */
#pragma once

#include "config/settings.h"

/* Where setting `s` of the struct at `base` lives. */
static inline void *nf_value_at(const struct nf_setting *s, void *base)
{
    return (char *)base + s->offset;
}

/* Replace every ${NAME} of `text`; `may_miss`: one that is not set is nothing. *ret has a ceiling
 * of NF_CONFIG_VALUE_MAX bytes and is emptied first. The error says what is wrong, without the
 * text. */
NF_RC nf_value_expand(const char *text, bool may_miss, struct nf_str *ret, struct nf_err *err);

/* Set a scalar (not a list) from text: type, bounds and check. An error says what must be there,
 * and neither the key nor the value. On failure *at is as before. */
NF_RC nf_value_set(const struct nf_setting *s, const char *text, void *at, struct nf_err *err);

/* Append a scalar as it would stand in a file, "(set)" or "(not set)" for a secret; not quoted. */
NF_RC nf_value_text(const struct nf_setting *s, const void *at, struct nf_str *to,
                    struct nf_err *err);

/* "30s", "10MiB": in the largest unit that divides it. */
struct nf_value_num {
    char s[32];
};
struct nf_value_num nf_value_duration(int64_t ms);
struct nf_value_num nf_value_size(int64_t bytes);
/* A bound of `s` as it would stand in a file. */
struct nf_value_num nf_value_bound(const struct nf_setting *s, int64_t bound);

/* False if `s` has no bound there. */
bool nf_value_has_min(const struct nf_setting *s);
bool nf_value_has_max(const struct nf_setting *s);

/* NF_E_LIMIT if a list of `n` items is out of the bounds of `s`. */
NF_RC nf_value_check_count(const struct nf_setting *s, size_t n, struct nf_err *err);

/* Bytes that the value itself takes in its struct. */
size_t nf_value_size_of(const struct nf_setting *s);
/* Release what it owns, items of lists included, and zero it. */
void nf_value_done(const struct nf_setting *s, void *at);
/* The same for a whole struct. */
void nf_value_group_done(const struct nf_setting_group *g, void *base);
