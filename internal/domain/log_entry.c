/* What a log entry may hold. */
#include "domain/log_entry.h"

#include "base/own.h"
#include "base/string.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

/* The length of the word at `p`, 0 if there is none. */
static size_t word(const char *p)
{
    size_t n = 0;

    if (!is_lower(p[0]))
        return 0;
    while (is_lower(p[n]) || (p[n] >= '0' && p[n] <= '9') || p[n] == '_')
        n++;
    return n;
}

static bool is_event(const char *p)
{
    size_t words = 0, n;

    if (strnlen(p, NF_LOG_ENTRY_EVENT_MAX + 1) > NF_LOG_ENTRY_EVENT_MAX)
        return false;
    while ((n = word(p)) > 0) {
        words++;
        if (p[n] != '.')
            return p[n] == '\0' && words >= 2;
        p += n + 1;
    }
    return false;
}

enum nf_code nf_log_entry_init(struct nf_log_entry *e, int64_t id, enum nf_log_entry_level level,
                               const char *event, int64_t at_ms, struct nf_err *err)
{
    if (level < NF_LOG_ENTRY_DEBUG || level > NF_LOG_ENTRY_ERROR)
        return nf_err_set(err, NF_E_INVALID, "level must be one of debug, info, warn and error");
    if (!is_event(event))
        return nf_err_set(err, NF_E_INVALID,
                          "event must be words of a-z, 0-9 and '_' between dots, such as "
                          "channel.send.failed, of at most %d bytes",
                          NF_LOG_ENTRY_EVENT_MAX);
    *e = (struct nf_log_entry){ .id = id, .at_ms = at_ms, .level = level };
    memcpy(e->event, event, strlen(event));
    return NF_OK;
}

static const struct nf_log_field *find(const struct nf_log_entry *e, const char *key)
{
    for (size_t i = 0; i < e->fields_n; i++)
        if (strcmp(e->fields[i].key, key) == 0)
            return &e->fields[i];
    return NULL;
}

enum nf_code nf_log_entry_add(struct nf_log_entry *e, const char *key, const char *value,
                              struct nf_err *err)
{
    size_t n = word(key), cut = nf_utf8_cut(value, strlen(value), NF_LOG_ENTRY_VALUE_MAX);
    struct nf_log_field *f;

    if (n == 0 || n > NF_LOG_ENTRY_KEY_MAX || key[n] != '\0')
        return nf_err_set(err, NF_E_INVALID,
                          "name of a field must be a word of a-z, 0-9 and '_' of at most %d bytes",
                          NF_LOG_ENTRY_KEY_MAX);
    if (find(e, key))
        return nf_err_set(err, NF_E_INVALID, "field %s is there already", key);
    if (e->fields_n == NF_LOG_ENTRY_FIELDS_MAX)
        return nf_err_set(err, NF_E_LIMIT, "a log entry holds at most %d fields",
                          NF_LOG_ENTRY_FIELDS_MAX);
    while (!nf_utf8_valid(value, cut))
        cut--;
    f = &e->fields[e->fields_n];
    NF_TRY(nf_strndup(value, cut, &f->value, err));
    memcpy(f->key, key, n + 1);
    e->fields_n++;
    return NF_OK;
}

const char *nf_log_entry_get(const struct nf_log_entry *e, const char *key)
{
    const struct nf_log_field *f = find(e, key);

    return f ? f->value : NULL;
}

void nf_log_entry_done(struct nf_log_entry *e)
{
    for (size_t i = 0; i < e->fields_n; i++)
        free(e->fields[i].value);
    *e = (struct nf_log_entry){ 0 };
}

const char *nf_log_entry_level_name(enum nf_log_entry_level level)
{
    switch (level) {
    case NF_LOG_ENTRY_DEBUG:
        return "debug";
    case NF_LOG_ENTRY_INFO:
        return "info";
    case NF_LOG_ENTRY_WARN:
        return "warn";
    case NF_LOG_ENTRY_ERROR:
        return "error";
    }
    return "?";
}

bool nf_log_entry_level_from_name(const char *name, enum nf_log_entry_level *ret)
{
    for (enum nf_log_entry_level l = NF_LOG_ENTRY_DEBUG; l <= NF_LOG_ENTRY_ERROR; l++)
        if (strcmp(name, nf_log_entry_level_name(l)) == 0) {
            *ret = l;
            return true;
        }
    return false;
}
