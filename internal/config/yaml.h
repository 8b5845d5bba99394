/*
 * The part of YAML that a configuration needs, as a tree: mappings with unique names, lists,
 * scalars. Anchors, aliases, tags and further documents are refused, and so is what exceeds the
 * limits of settings.h. libyaml is inside yaml.c and nowhere else. For this directory only.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum nf_yaml_kind { NF_YAML_SCALAR, NF_YAML_MAP, NF_YAML_LIST };

struct nf_yaml {
    enum nf_yaml_kind kind;
    size_t line; /* from 1; of the key, if it has one */
    char *key;   /* in a mapping, else NULL */
    char *text;  /* of a scalar: no NUL within */
    bool plain;  /* a scalar without quotes */
    struct nf_yaml *first, *last, *next;
};

/* *ret is NULL for a text without a value. Errors begin with "name:line: ". */
NF_RC nf_yaml_parse(const char *name, const char *text, size_t n, struct nf_yaml **ret,
                    struct nf_err *err);
void nf_yaml_free(struct nf_yaml *y);
void nf_yaml_freep(struct nf_yaml **y);

/* True for a key without a value: nothing, ~ or null. */
bool nf_yaml_is_null(const struct nf_yaml *y);

/* What stands in `y` under the key of these n bytes; NULL: nothing, or y is NULL or no mapping. */
const struct nf_yaml *nf_yaml_child(const struct nf_yaml *y, const char *key, size_t n);
