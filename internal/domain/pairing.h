/* An account that nobody knows asks to be let in, and the codes by which people let it in. Pure. */
#pragma once

#include "base/error.h"
#include "domain/lang.h"
#include "domain/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 32 digits and letters without 0, O, 1 and I, which people confuse: 5 bits a character. */
#define NF_PAIRING_CODE 8 /* of a request: worth nothing without somebody who may let people in */
#define NF_INVITE_CODE 16 /* of an invitation: who has it is let in, so it cannot be guessed */

#define NF_PAIRING_TTL_MS (INT64_C(60) * 60 * 1000) /* and for as long nothing more is said */
/* Where too many wait the oldest makes room for who comes, but none whose code is so young: a
 * person has the time to hand it on, whatever strangers do. */
#define NF_PAIRING_SHOWN_MS (INT64_C(10) * 60 * 1000)
#define NF_PAIRING_DENIED_MS (INT64_C(30) * 24 * 3600 * 1000) /* a refused account is not heard */
#define NF_INVITE_TTL_MS (INT64_C(60) * 60 * 1000)

/* Stored by number: append, never renumber. */
enum nf_pairing_status { NF_PAIRING_OPEN = 1, NF_PAIRING_DENIED = 2 };

/* A request; one per account. */
struct nf_pairing {
    int64_t id;
    char code[NF_PAIRING_CODE + 1];
    char network[NF_CHANNEL_MAX + 1]; /* identities.channel: "telegram" */
    char account[NF_ADDRESS_MAX + 1];
    char name[NF_NAME_MAX + 1];       /* as the network shows it: whatever they chose */
    char channel[NF_CHANNEL_MAX + 1]; /* the bot they wrote to, */
    char address[NF_ADDRESS_MAX + 1]; /* and where it can answer */
    char event[NF_CLIENT_ID_MAX + 1]; /* the message that asked */
    enum nf_lang lang;
    enum nf_pairing_status status;
    int64_t created_ms, expires_ms;
};

/* Who asks; borrowed. `name` is foreign text: what cannot be a name of ours is taken out of it. */
struct nf_pairing_from {
    const char *network, *account, *name, *channel, *address, *event, *lang;
};

/* Make *p an open request with the code that `random`, NF_PAIRING_CODE bytes, gives. NF_E_INVALID
 * and NF_E_LIMIT for what a network or an account cannot be. */
NF_RC nf_pairing_init(struct nf_pairing *p, int64_t id, const struct nf_pairing_from *from,
                      const unsigned char *random, int64_t now_ms, struct nf_err *err);

/* A foreign name as one of ours: valid UTF-8 without control characters, cut at a character;
 * `instead` where nothing is left. */
void nf_name_from(const char *name, const char *instead, char ret[NF_NAME_MAX + 1]);

/* `n` characters for as many random bytes, and a NUL. */
void nf_code_make(const unsigned char *random, size_t n, char *ret);
/* What a person typed or pasted: either case, blanks and '-' anywhere. False unless it is a code of
 * n characters. `ret` has room for n and a NUL; what is in it then does not count. */
bool nf_code_read(const char *text, size_t n, char *ret);

/* With a '-' after every fourth character, as people read it aloud: "ABCD-2345". */
struct nf_code_text {
    char s[NF_INVITE_CODE + NF_INVITE_CODE / 4];
};
struct nf_code_text nf_code_show(const char *code);

const char *nf_pairing_status_name(enum nf_pairing_status status); /* "open" */
