/*
 * Messages and interactions of Discord as what they mean to us ("Message Object", "Interaction
 * Object"). Pure: from JSON into a struct that owns what it holds; what is not as documented
 * concerns nobody.
 */
#pragma once

#include "codec/json.h"
#include "domain/limits.h"

#define NF_DISCORD_ID_MAX 20     /* digits of a snowflake */
#define NF_DISCORD_FILES_MAX 10  /* of a message */
#define NF_DISCORD_TOKEN_MAX 400 /* bytes of an interaction's token */

/* Who we are, to know what is meant for us. */
struct nf_discord_self {
    char id[NF_DISCORD_ID_MAX + 1];
    char app[NF_DISCORD_ID_MAX + 1]; /* the application's id */
    char name[65];
};

struct nf_discord_file {
    char *name, *media_type, *url; /* owned */
    int64_t size;
};

struct nf_discord_message {
    char id[NF_DISCORD_ID_MAX + 1], channel[NF_DISCORD_ID_MAX + 1], guild[NF_DISCORD_ID_MAX + 1];
    char author[NF_DISCORD_ID_MAX + 1];
    char author_name[NF_NAME_MAX + 1];
    bool usable;         /* a person's text or answer; not a bot's, ours, or a system message */
    bool mentions;       /* it mentions us, or answers us */
    bool hidden;         /* without MESSAGE_CONTENT there is nothing of it to read */
    char edited[24];     /* digits of when; "": it was not */
    struct nf_str text;  /* without the mention of us, names for ids */
    struct nf_str quote; /* what it answers */
    struct nf_discord_file files[NF_DISCORD_FILES_MAX];
    size_t files_n;
};
void nf_discord_message_done(struct nf_discord_message *m);
void nf_discord_message_freep(struct nf_discord_message **m); /* of the heap */

/* *ret must be zero. NF_E_INVALID: without ids it is no message; NF_E_NOMEM, NF_E_LIMIT. */
NF_RC nf_discord_message_read(const struct nf_json *v, const struct nf_discord_self *self,
                              struct nf_discord_message *ret, struct nf_err *err);

enum nf_discord_interaction_kind {
    NF_DISCORD_OTHER = 0, /* concerns nobody */
    NF_DISCORD_COMMAND,
    NF_DISCORD_PRESSED,
};
struct nf_discord_interaction {
    enum nf_discord_interaction_kind kind;
    char id[NF_DISCORD_ID_MAX + 1], channel[NF_DISCORD_ID_MAX + 1], guild[NF_DISCORD_ID_MAX + 1];
    char user[NF_DISCORD_ID_MAX + 1], message[NF_DISCORD_ID_MAX + 1];
    char user_name[NF_NAME_MAX + 1], lang[16];
    char token[NF_DISCORD_TOKEN_MAX + 1];
    char data[101];     /* of the button */
    struct nf_str text; /* "/model fast" */
};
void nf_discord_interaction_done(struct nf_discord_interaction *i);

/* As nf_discord_message_read. */
NF_RC nf_discord_interaction_read(const struct nf_json *v, struct nf_discord_interaction *ret,
                                  struct nf_err *err);

/* A snowflake into `ret`; false if it is none. */
bool nf_discord_id(const struct nf_json *v, char ret[NF_DISCORD_ID_MAX + 1]);
/* Whether snowflake `a` is older than `b`; "" is the oldest. */
bool nf_discord_id_before(const char *a, const char *b);
/* The oldest snowflake of a time. */
void nf_discord_id_of_time(int64_t epoch_ms, char ret[NF_DISCORD_ID_MAX + 1]);
