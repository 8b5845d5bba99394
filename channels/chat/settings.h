/* The settings that every bot has, whatever its network: who may write to it. An item's struct has
 * a struct nf_chat_settings, its table the rows NF_CHAT_SETTINGS. */
#pragma once

#include "application/admit_person.h"
#include "config/settings.h"

#define NF_CHAT_ACCOUNTS_MAX 1000 /* of a list of accounts or groups */

struct nf_chat_settings {
    struct nf_setting_strs accounts, chats;
    bool pairing;
    int64_t per_minute;
};

/* The message continues the key. */
enum nf_code nf_chat_check_name(const char *name, struct nf_err *err);
enum nf_code nf_chat_check_account(const char *account, struct nf_err *err);

/* The address of a network's API: https, or http to this machine; without user, query and blanks.
 * `example` is one that is right. */
enum nf_code nf_chat_check_base(const char *url, const char *example, struct nf_err *err);

/* Whether what follows "http://" names this machine, with or without a port or path. */
bool nf_chat_is_loopback(const char *host);

/* clang-format off */
#define NF_CHAT_SETTINGS(type, member)                                                             \
    NF_SETTING(type, "accounts", NF_SET_STRS, member.accounts, .max = NF_CHAT_ACCOUNTS_MAX,        \
               .check = nf_chat_check_account,                                                     \
               .help = "Ids of the accounts that may write, and no others; they need no pairing. " \
                       "Empty: all that were let in."),                                            \
    NF_SETTING(type, "chats", NF_SET_STRS, member.chats, .max = NF_CHAT_ACCOUNTS_MAX,              \
               .check = nf_chat_check_account,                                                     \
               .help = "Ids of the groups or channels in which it answers the people that it "     \
                       "knows. Empty: all."),                                                      \
    NF_SETTING(type, "pairing", NF_SET_BOOL, member.pairing, .def = "true",                        \
               .help = "Give an account that nobody knows a code to be let in with, once an "      \
                       "hour. false: it gets no answer."),                                         \
    NF_SETTING(type, "messages_per_minute", NF_SET_INT, member.per_minute, .def = "30", .min = 1,  \
               .max = 60000,                                                                       \
               .help = "Messages that one person may write; who is faster is told so once.")
/* clang-format on */

/* Borrowed from *s. */
struct nf_chat_rules nf_chat_rules_of(const struct nf_chat_settings *s);
