/* The settings of several groups as one table, each with its whole name. For this directory only.
 */
#pragma once

#include "config/settings.h"

struct nf_entry {
    char name[NF_SETTING_NAME_MAX + 1]; /* "server.listen" */
    const struct nf_setting *s;
    void *base; /* the struct it is in; may be NULL where only the tables matter */
    bool given; /* for the loader */
};

struct nf_table {
    struct nf_entry *v;
    size_t n;
};

NF_RC nf_table_init(struct nf_table *t, const struct nf_config_part *parts, size_t n,
                    struct nf_err *err);
void nf_table_done(struct nf_table *t);

struct nf_entry *nf_table_find(const struct nf_table *t, const char *name);

/*
 * Names form a tree: "a.b" is the child "b" of "a". Each child of `prefix` ("" or "a.") once, in
 * the order of the table; *i is 0 to start. Gives the index of the first setting at or under that
 * child and in *ret_n the bytes of its name with the prefix; false after the last.
 */
bool nf_table_child(const struct nf_table *t, const char *prefix, size_t *i, size_t *ret_n,
                    const struct nf_entry **ret);

/* The name among the children of `prefix` that is most like `name` (with the prefix), if one is
 * like enough for "did you mean": false if none is. */
bool nf_table_suggest(const struct nf_table *t, const char *prefix, const char *name,
                      char ret[NF_SETTING_NAME_MAX + 1]);
