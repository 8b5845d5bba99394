/* Changing a configuration file as a person would: an item of a list is put in or taken out, and
 * every other line, with its comments, stays as it is. */
#pragma once

#include "base/string.h"

/*
 * Put an item first into the list group.list ("channels", "telegram"), which is begun if it is not
 * there. `item` is the YAML of a mapping in lines without indentation: "name: a\ntoken: \"b\"\n".
 * *ret: the new text. NF_E_CONFLICT: group or list stands there in a form that cannot be changed by
 * lines ("channels: {...}"): a person must; NF_E_INVALID: `text` is no configuration. `name` stands
 * for the file in errors.
 */
NF_RC nf_config_put_item(const char *name, const char *text, const char *group, const char *list,
                         const char *item, struct nf_str *ret, struct nf_err *err);

/* Take out the item with number `index`, with the comments between its lines; the list and its
 * group go with the last item. NF_E_NOT_FOUND: there is no such item. Else as above. */
NF_RC nf_config_drop_item(const char *name, const char *text, const char *group, const char *list,
                          size_t index, struct nf_str *ret, struct nf_err *err);

/* The number of the item of group.list whose `key` is `value`, in this very text: whoever changes
 * an item by its number must know it from the text that is changed. `fallback` (NULL is none) is
 * what an item without the key has. NF_E_NOT_FOUND: there is none. */
NF_RC nf_config_find_item(const char *name, const char *text, const char *group, const char *list,
                          const char *key, const char *value, const char *fallback, size_t *ret,
                          struct nf_err *err);

/* Let `key` of the item with number `index` be `value`, YAML on one line. Everything else stays as
 * it is if the key has a line of its own; else (the item stands in braces, or has no such key) the
 * item is written anew in lines: it stands first in its list then, without its comments. Errors as
 * above. */
NF_RC nf_config_set_in_item(const char *name, const char *text, const char *group, const char *list,
                            size_t index, const char *key, const char *value, struct nf_str *ret,
                            struct nf_err *err);

/* Let the setting with the whole name `key` ("server.listen") be `value`, YAML on one line: "a: b"
 * becomes "a: value", a comment behind it stays, and what is not there yet is begun. NULL takes it
 * out, so that its default holds. Errors as above. */
NF_RC nf_config_set_value(const char *name, const char *text, const char *key, const char *value,
                          struct nf_str *ret, struct nf_err *err);

/* Append a YAML double-quoted scalar; "${" is doubled so that it stays text. NF_E_INVALID: control
 * characters. */
NF_RC nf_config_add_quoted(struct nf_str *to, const char *text, struct nf_err *err);
