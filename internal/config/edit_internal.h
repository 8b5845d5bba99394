/* What the files about editing share. For this directory only. */
#pragma once

#include "base/string.h"
#include "config/yaml.h"

/* The text with `value` in the place of y's, a key in a mapping; a comment behind it stays. Nothing
 * if y has no line of its own that shows where its value begins. What came out must be compared:
 * the value may have gone on below. */
NF_RC nf_edit_line(const char *text, const struct nf_yaml *y, const char *value, struct nf_str *to,
                   struct nf_err *err);
/* Whether nothing differs but skip_a of `a` and skip_b of `b`. */
bool nf_edit_same(const struct nf_yaml *a, const struct nf_yaml *b, const struct nf_yaml *skip_a,
                  const struct nf_yaml *skip_b);
