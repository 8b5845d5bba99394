/* Port: small things that channels and use cases must still know after a restart, or that instances
 * must know of each other, for a while: a session of a gateway, an interaction that waits for its
 * answer, what a person was told. Each operation is one durable transaction. All may suspend. */
#pragma once

#include "application/ports/chat_store.h"

#define NF_NOTE_NAME_MAX 64     /* bytes */
#define NF_NOTE_VALUE_MAX 32768 /* bytes of text */

struct nf_note {
    char name[NF_NOTE_NAME_MAX + 1];
    char *value; /* owned */
    int64_t expires_ms;
};
struct nf_notes {
    struct nf_note *v;
    size_t n;
};
void nf_note_done(struct nf_note *n);
void nf_notes_done(struct nf_notes *n);

/* What `put` and `add` fail with for a name or value beyond the limits: NF_E_LIMIT. */
enum nf_code nf_note_check(const char *source, const char *name, const char *value,
                           struct nf_err *err);

struct nf_note_store {
    const struct nf_note_store_ops *ops;
};

struct nf_note_store_ops {
    /* Keep it until `expires_ms`, in the place of what had that name. */
    enum nf_code (*put)(struct nf_note_store *s, const char *source, const char *name,
                        const char *value, int64_t expires_ms, struct nf_err *err);
    /* As put, but NF_E_CONFLICT: one of that name is there and has not expired at now_ms. */
    enum nf_code (*add)(struct nf_note_store *s, const char *source, const char *name,
                        const char *value, int64_t now_ms, int64_t expires_ms, struct nf_err *err);
    /* *ret must be zero. NF_E_NOT_FOUND: none, or it has expired at now_ms. */
    enum nf_code (*get)(struct nf_note_store *s, const char *source, const char *name,
                        int64_t now_ms, struct nf_note *ret, struct nf_err *err);
    /* Those of a source that have not expired at now_ms, by name, after `after`. */
    enum nf_code (*list)(struct nf_note_store *s, const char *source, const char *after,
                         int64_t now_ms, size_t limit, struct nf_notes *ret, struct nf_err *err);
    /* NF_OK also if there is none. */
    enum nf_code (*drop)(struct nf_note_store *s, const char *source, const char *name,
                         struct nf_err *err);
    /* All that has expired. */
    enum nf_code (*tidy)(struct nf_note_store *s, int64_t now_ms, struct nf_err *err);
};
