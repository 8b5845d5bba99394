/* Interactions that wait for their answer: the token is the only way to it, and lives 15 minutes;
 * what is answered later is a message. In memory; kept.h writes down those that a restart must
 * know. */
#pragma once

#include "channels/discord/message.h"
#include "domain/lang.h"

#define NF_INTERACTIONS_MAX 1024
/* A token is valid for 15 minutes ("Interaction Callback"); a minute before it is not used. */
#define NF_INTERACTION_MS 840000

struct nf_fiber;

enum nf_interaction_ack {
    NF_ACK_NONE = 0,
    NF_ACK_UNDERWAY,
    NF_ACK_DONE,
    NF_ACK_LATE, /* Discord does not take it any more: the token is of no use */
};

struct nf_waiting_interaction {
    char id[NF_DISCORD_ID_MAX + 1], channel[NF_DISCORD_ID_MAX + 1];
    char token[NF_DISCORD_TOKEN_MAX + 1];
    int64_t since_ms;
    enum nf_interaction_ack ack;
    enum nf_lang lang;
    bool pressed;           /* a button: nothing is shown in its place */
    bool kept;              /* a restart will know of it */
    bool restored;          /* from before a restart: it may have been answered then */
    bool private_answer;    /* only who asked sees it */
    bool answered;          /* its first message has been written, */
    char run[14];           /* with a key that began so; "" */
    bool over;              /* Discord does not know the token any more */
    struct nf_fiber *fiber; /* in which it is dealt with now: what is said there answers it */
};

struct nf_interactions;
NF_RC nf_interactions_new(struct nf_interactions **ret, struct nf_err *err);
void nf_interactions_free(struct nf_interactions *s); /* NULL is allowed */

/* Keep it; the oldest goes if there are too many. NULL: no memory. Valid until it is removed. */
struct nf_waiting_interaction *nf_interactions_add(struct nf_interactions *s,
                                                   const struct nf_discord_interaction *i,
                                                   int64_t now_ms);
/* NULL: it is not known, or too old. */
struct nf_waiting_interaction *nf_interactions_find(struct nf_interactions *s, const char *id,
                                                    int64_t now_ms);
struct nf_waiting_interaction *nf_interactions_of(struct nf_interactions *s,
                                                  const struct nf_fiber *f);
/* The one whose first answer had a key that began as this one, up to its point; NULL: none, or seen
 * by everybody. */
struct nf_waiting_interaction *nf_interactions_private(struct nf_interactions *s, const char *key,
                                                       int64_t now_ms);
void nf_interactions_remove(struct nf_interactions *s, const char *id);
/* The oldest whose time is over; NULL: there is none. */
struct nf_waiting_interaction *nf_interactions_over(struct nf_interactions *s, int64_t now_ms);
