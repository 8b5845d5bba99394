/* Use case: somebody writes in a chat network. Are they known, may they write here and now, and if
 * not, what are they told? Deny by default. */
#pragma once

#include "application/deps.h"

/* What the configuration says about one bot. Borrowed. */
struct nf_chat_rules {
    const char *const *accounts; /* only these may write, and need no pairing; none: all known */
    size_t accounts_n;
    const char *const *chats; /* groups in which it answers; none: all */
    size_t chats_n;
    bool pairing;       /* unknown accounts get a code; else nothing */
    int64_t per_minute; /* messages that each person may write; at least 1 */
};

/* Who writes what; borrowed. */
struct nf_knock {
    struct nf_pairing_from from; /* network, account, name, channel, address, event, language */
    const char *chat;            /* of a group; what allow lists name */
    bool direct;                 /* in a private chat with us */
    const char *start;           /* what came with /start; NULL: it is no /start */
    const char *text;
};

enum nf_admission_kind {
    NF_ADMIT_SILENT = 0, /* no answer at all */
    NF_ADMIT_IN,         /* `user` may write: take the message */
    NF_ADMIT_LINKED,     /* the message was an invitation: the account is now `user`'s */
    NF_ADMIT_TOLD,       /* not taken, and `say` says why: a code, or that it was too fast */
};

struct nf_admission {
    enum nf_admission_kind kind;
    struct nf_user user;
    struct nf_str say; /* Markdown in their language; empty: nothing */
    bool is_code;      /* what is said is a pairing code */
};
void nf_admission_done(struct nf_admission *a);

/*
 * Unknown accounts in private chats: an invitation's code (after /start, or as the whole text)
 * makes the account that of who is invited; else they get one pairing code, and then silence until
 * it has expired. The same event again gives the same code again, and so does the next message
 * after nf_admit_unsure. In groups nothing is ever said to them. Blocked people and who is not on a
 * list get silence. NF_E_UNAVAILABLE and the like: nothing was decided. May suspend.
 */
NF_RC nf_admit(struct nf_app *a, const struct nf_chat_rules *rules, const struct nf_knock *k,
               struct nf_admission *ret, struct nf_err *err);

/* Nobody knows whether the code that nf_admit gave for this has arrived. May suspend. */
NF_RC nf_admit_unsure(struct nf_app *a, const struct nf_knock *k, struct nf_err *err);

/* Whether a known person may do something here without saying anything: press a button. As above,
 * without codes, invitations and rates. NF_E_DENIED. May suspend. */
NF_RC nf_admit_known(struct nf_app *a, const struct nf_chat_rules *rules, const char *network,
                     const char *account, struct nf_user *ret, struct nf_err *err);
