/*
 * Settings by table. A module declares its own next to its code; from the tables come validation,
 * defaults, `nexflow config schema`, and docs/configuration.md. One YAML file holds the values;
 * ${NAME} in a value is taken from the environment.
 *
 *     static const struct nf_setting settings[] = {
 *         NF_SETTING(struct nf_log_settings, "level", NF_SET_ENUM, level, .def = "info",
 *                    .choices = levels, .help = "Least level that is logged", .reloadable = true),
 *     };
 *     const struct nf_setting_group nf_log_setting_group = {
 *         "log", settings, NF_COUNT(settings), sizeof(struct nf_log_settings) };
 */
#pragma once

#include "base/secret.h"
#include "base/string.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nf_setting_type {
    NF_SET_STR,    /* char *: owned; min, max: bytes */
    NF_SET_INT,    /* int64_t */
    NF_SET_BOOL,   /* bool */
    NF_SET_MS,     /* int64_t milliseconds, written "500ms", "30s", "10m", "2h", "7d" */
    NF_SET_BYTES,  /* int64_t, written "64KiB", "10MiB", "1GiB" or plain */
    NF_SET_ENUM,   /* int: index into `choices` */
    NF_SET_SECRET, /* struct nf_secret */
    NF_SET_STRS,   /* struct nf_setting_strs: a list of strings; min, max: how many */
    NF_SET_GROUPS, /* struct nf_setting_list: a list of `items`; min, max: how many */
};

struct nf_setting {
    const char *key;
    enum nf_setting_type type;
    size_t offset;
    const char *def;  /* as it would stand in the file, without ${}; NULL: empty, 0, false or the
                         first choice. A list's is empty. */
    int64_t min, max; /* both 0: no bound but the type's own; max 0: none above */
    const char *const *choices;           /* NF_SET_ENUM: NULL-terminated */
    const struct nf_setting_group *items; /* NF_SET_GROUPS */
    const char *help;                     /* one or two sentences */
    bool required;                        /* must be given; for the items of a list */
    bool hides_password;                  /* a URL, whose password is not shown */
    bool reloadable; /* SIGHUP takes it over; others need a restart and a warning says so */
    /* A further check of a value that passed the others, of each string of a list; NULL: none. Its
     * message follows the key: "must be ADDRESS:PORT". A secret's message is not shown. */
    enum nf_code (*check)(const char *value, struct nf_err *err);
};

struct nf_setting_group {
    const char *name; /* "server": its keys are "server.listen" and so on; items: "". Names and keys
                         may contain dots: each is one more level in the file. */
    const struct nf_setting *v;
    size_t n;
    size_t size; /* of the struct */
};

struct nf_setting_strs {
    char **v;
    size_t n;
};
struct nf_setting_list {
    void *v; /* array of the item's struct */
    size_t n;
};

#define NF_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NF_SETTING(type_, key_, kind_, member_, ...)                                               \
    {                                                                                              \
        .key = (key_), .type = (kind_), .offset = offsetof(type_, member_), __VA_ARGS__            \
    }

/* What a program accepts: its groups, and where each one's struct is. */
struct nf_config_part {
    const struct nf_setting_group *group;
    void *to;
};

#define NF_CONFIG_BYTES_MAX ((size_t)1 << 20)
#define NF_CONFIG_DEPTH_MAX 16
#define NF_CONFIG_NODES_MAX 8192               /* values, lists and groups in a file */
#define NF_CONFIG_VALUE_MAX ((size_t)64 << 10) /* bytes of a value, what ${} gave included */
#define NF_SETTING_NAME_MAX 95                 /* bytes of a group's name, a dot and a key */

/* Fill every part, zeroed or filled before, with defaults and the file at `path` (NULL: defaults
 * only), all or nothing: on failure the parts are as before. A key without a value counts as
 * absent. An error names file, line, key and what is allowed, never a secret or what ${} gave:
 * "nexflow.yaml:12: server.listne: unknown key; did you mean server.listen?". Anchors, tags, keys
 * that stand twice, more than one document, and a file over the limits above are refused.
 *
 * ${NAME} stands for a variable of the environment, which must be set, and $${ for a plain ${; what
 * it gives is not looked at again. NF_E_NOT_FOUND: no such file; NF_E_INVALID, NF_E_LIMIT: the file
 * is wrong; NF_E_IO, NF_E_NOMEM. */
NF_RC nf_config_load(const char *path, const struct nf_config_part *parts, size_t n,
                     struct nf_err *err);
/* For who only looks for a daemon, which may have been given what the environment here has not: as
 * nf_config_load, but secrets stay empty, and a variable that is not set is nothing. */
NF_RC nf_config_load_bare(const char *path, const struct nf_config_part *parts, size_t n,
                          struct nf_err *err);
/* nf_config_load from memory, for tests and fuzzing; `name` stands for the path in errors. */
NF_RC nf_config_load_text(const char *name, const char *text, size_t len,
                          const struct nf_config_part *parts, size_t n, struct nf_err *err);
/* *err, which begins with the whole name of a setting ("llm.aliases[1].models: ..."), is of a check
 * of several settings together: put file and line in front, as the errors above have them. What is
 * not in the file has the line of what it would be in. */
void nf_config_locate(const char *path, struct nf_err *err);
void nf_config_locate_text(const char *name, const char *text, size_t n, struct nf_err *err);

/* Free what the parts own and zero them. */
void nf_config_done(const struct nf_config_part *parts, size_t n);

/* The effective configuration as YAML; a secret reads "(set)" or "(not set)". */
NF_RC nf_config_show(const struct nf_config_part *parts, size_t n, struct nf_str *ret,
                     struct nf_err *err);
/* JSON Schema (draft 2020-12) of the file. Here and below the parts' structs are not looked at. */
NF_RC nf_config_schema(const struct nf_config_part *parts, size_t n, struct nf_str *ret,
                       struct nf_err *err);
/* The reference page, in Markdown. */
NF_RC nf_config_reference(const struct nf_config_part *parts, size_t n, struct nf_str *ret,
                          struct nf_err *err);

/* All settings as a JSON array, for a page that changes them:
 * [{"key","type","default","min"?,"max"?, "choices"?,"help","reloadable","value"}]. Numbers with a
 * unit are texts as they stand in the file; the value of a secret is whether it is set, of a list
 * of groups how many there are. */
NF_RC nf_config_list(const struct nf_config_part *parts, size_t n, struct nf_str *ret,
                     struct nf_err *err);

/* Take over the reloadable settings of `fresh` into `live` (same groups, same order) by swapping
 * values: release `fresh` afterwards, and borrow nothing from `live` across a reload. Appends to
 * *ignored, one per line, the keys that differ but need a restart. All or nothing. */
NF_RC nf_config_reload(const struct nf_config_part *live, const struct nf_config_part *fresh,
                       size_t n, struct nf_str *ignored, struct nf_err *err);

/* Whether two structs of a group hold the same values; settings whose members lie in the
 * `skip_n` bytes from `skip` on are not looked at. */
bool nf_config_same(const struct nf_setting_group *g, const void *a, const void *b, size_t skip,
                    size_t skip_n);
