/*
 * Updates of the Bot API as what they mean to us ("Update", "Message", "CallbackQuery",
 * "ChatMemberUpdated"). Pure: from JSON into a struct; whatever is not as documented is an update
 * that concerns nobody. Everything borrows from the JSON but what says otherwise.
 */
#pragma once

#include "codec/json.h"
#include "domain/limits.h"

#define NF_TELEGRAM_FILES_MAX 10     /* of an album ("sendMediaGroup": 2-10) */
#define NF_TELEGRAM_GENERAL 1        /* the topic that every forum has */
#define NF_TELEGRAM_PASTE_UNITS 4000 /* apps cut a longer paste into messages of 4096 at most */

enum nf_telegram_update_kind {
    NF_TELEGRAM_OTHER = 0, /* concerns nobody */
    NF_TELEGRAM_MESSAGE,
    NF_TELEGRAM_PRESSED,
    NF_TELEGRAM_MEMBER,   /* we were let in, thrown out, blocked */
    NF_TELEGRAM_MOVED,    /* a group has another id */
    NF_TELEGRAM_REACTION, /* to a message of ours */
    NF_TELEGRAM_STOPPED,  /* the button of a draft */
};

/* Who we are, to know what is meant for us. */
struct nf_telegram_self {
    int64_t id;
    char name[65]; /* without "@" */
};

enum nf_telegram_file_kind { NF_TELEGRAM_NO_FILE = 0, NF_TELEGRAM_PHOTO, NF_TELEGRAM_DOCUMENT };
struct nf_telegram_file {
    enum nf_telegram_file_kind kind;
    const char *id, *name, *media_type; /* "" unknown */
    int64_t size;                       /* -1: not told */
    const char *unusable; /* a kind of thing we cannot take: "a voice message"; NULL: we can */
};

struct nf_telegram_update {
    int64_t id;
    enum nf_telegram_update_kind kind;
    char chat[24], address[48];             /* of the chat; of the topic in it */
    bool direct, addressed, edited, joined; /* joined: of MEMBER */
    char account[24];
    struct nf_str account_name, text; /* owned; text without the mention of us */
    const char *lang, *quote, *start, *group;
    char ref[24], moved_to[24];
    int64_t text_units; /* of the text as it came */
    struct nf_telegram_file file;
    const char *query, *data; /* of PRESSED */
    const char *emoji;        /* of REACTION: "" if it was taken back */
};
void nf_telegram_update_done(struct nf_telegram_update *u);

/* *ret must be zero. NF_E_INVALID: without an id it is no update; NF_E_NOMEM, NF_E_LIMIT. */
NF_RC nf_telegram_update_read(const struct nf_json *v, const struct nf_telegram_self *self,
                              struct nf_telegram_update *ret, struct nf_err *err);

/* More parts of the same message may follow. */
bool nf_telegram_may_go_on(const struct nf_telegram_update *u);

/* Parts of one message: of the same album, or `b` goes on where a paste in `a` was cut. */
bool nf_telegram_belongs(const struct nf_telegram_update *a, const struct nf_telegram_update *b);
