/* A conversation: who owns it, where it takes place, and who may work on it now. Pure. */
#pragma once

#include "base/error.h"
#include "domain/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct nf_session {
    int64_t id, user_id;
    char channel[NF_CHANNEL_MAX + 1]; /* where it began */
    char address[NF_ADDRESS_MAX + 1]; /* the chat there; "" on the web */
    char title[NF_TITLE_MAX + 1];     /* "" until named */
    int64_t last_seq;                 /* of its newest message; 0: none */
    int64_t pending;                  /* turns not yet ended */
    int64_t fence;          /* grows with every claim; what an earlier owner writes is refused */
    int64_t lease_until_ms; /* 0: free */
    int64_t created_ms, updated_ms;
    char model[NF_MODEL_NAME_MAX + 1]; /* who answers here; "" the default */
    bool retired;                      /* its chat goes on in another session */
    bool shared;                       /* of all people of a group: who began it owns it */
    int64_t pinned_ms;                 /* 0: it is not */
};

/* Make *s a new, empty session. NF_E_INVALID for a channel or address that is none. */
NF_RC nf_session_init(struct nf_session *s, int64_t id, int64_t user_id, const char *channel,
                      const char *address, int64_t now_ms, struct nf_err *err);

/* Titles are at most NF_TITLE_MAX bytes of UTF-8 without control characters. */
NF_RC nf_session_rename(struct nf_session *s, const char *title, struct nf_err *err);

/* A title from a first message: its first line, cut at a word within 60 characters, "…" behind what
 * was cut. Always a valid title. */
void nf_session_title_from(const char *text, char ret[NF_TITLE_MAX + 1]);

/* NF_E_LIMIT, with what to do, if another message may not be queued. */
NF_RC nf_session_may_queue(const struct nf_session *s, struct nf_err *err);
