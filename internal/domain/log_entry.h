/* A log entry as one looks at it later: an event and what it was about. Pure. How the daemon writes
 * its log is the business of observe/; here is what may be kept and shown. */
#pragma once

#include "base/error.h"
#include "domain/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NF_LOG_ENTRY_EVENT_MAX 64   /* bytes of an event's name */
#define NF_LOG_ENTRY_KEY_MAX 32     /* bytes of a field's name */
#define NF_LOG_ENTRY_VALUE_MAX 1024 /* bytes of a field's value; longer ones are cut */
#define NF_LOG_ENTRY_FIELDS_MAX 32

/* Stored by number: append, never renumber. */
enum nf_log_entry_level {
    NF_LOG_ENTRY_DEBUG = 1,
    NF_LOG_ENTRY_INFO = 2,
    NF_LOG_ENTRY_WARN = 3,
    NF_LOG_ENTRY_ERROR = 4,
};

struct nf_log_field {
    char key[NF_LOG_ENTRY_KEY_MAX + 1];
    char *value; /* UTF-8, owned */
};

struct nf_log_entry {
    int64_t id, at_ms;
    enum nf_log_entry_level level;
    char event[NF_LOG_ENTRY_EVENT_MAX + 1];
    struct nf_log_field fields[NF_LOG_ENTRY_FIELDS_MAX];
    size_t fields_n;
};

/* An event's name is two or more words between dots, "channel.send.failed": words of [a-z0-9_] that
 * begin with a letter. NF_E_INVALID. */
NF_RC nf_log_entry_init(struct nf_log_entry *e, int64_t id, enum nf_log_entry_level level,
                        const char *event, int64_t at_ms, struct nf_err *err);

/* A key is one such word, and each comes once: NF_E_INVALID. NF_E_LIMIT over
 * NF_LOG_ENTRY_FIELDS_MAX, NF_E_NOMEM. A value is cut at a character, also where it stops to be
 * UTF-8. */
NF_RC nf_log_entry_add(struct nf_log_entry *e, const char *key, const char *value,
                       struct nf_err *err);
/* The value of a field, NULL if there is none. */
const char *nf_log_entry_get(const struct nf_log_entry *e, const char *key);
void nf_log_entry_done(struct nf_log_entry *e);

const char *nf_log_entry_level_name(enum nf_log_entry_level level); /* "info" */
bool nf_log_entry_level_from_name(const char *name, enum nf_log_entry_level *ret);
