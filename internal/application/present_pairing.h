/* Use case: owners hear in a chat that somebody waits to be let in, and decide there by buttons. */
#pragma once

#include "application/deps.h"

#define NF_PAIRING_NEWS_MS (INT64_C(10) * 60 * 1000) /* between two such messages at least */
#define NF_PAIRING_NEWS_LISTED 5                     /* accounts that one message names */

/* Tell of those who asked since the last time, all in one message, unless one went out within
 * NF_PAIRING_NEWS_MS: also before a restart, or from another instance. *seen: the newest request
 * that this caller knows of; 0 to begin. Nothing to tell is NF_OK. Suspends. */
NF_RC nf_pairing_news(struct nf_app *a, int64_t *seen, struct nf_err *err);

/* Bring the message that began with request `first` up to date for the owner `to`. Suspends. */
NF_RC nf_pairing_present(struct nf_app *a, struct nf_channel *c, int64_t to, int64_t first,
                         struct nf_err *err);

/* What a button of such a message says. False: it is none of them. */
bool nf_pairing_button_read(const char *data, bool *allow, char code[NF_PAIRING_CODE + 1],
                            int64_t *first);
