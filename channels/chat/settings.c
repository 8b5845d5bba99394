#include "channels/chat/settings.h"

#include "domain/user.h"

#include <string.h>

enum nf_code nf_chat_check_name(const char *name, struct nf_err *err)
{
    static const char *const ours[] = { "web", "local" };
    struct nf_identity ignored;
    struct nf_err why;
    for (size_t i = 0; i < NF_COUNT(ours); i++)
        if (strcmp(name, ours[i]) == 0)
            return nf_err_set(err, NF_E_INVALID, "is a name of Nexflow's own: choose another");
    if (nf_identity_init(&ignored, 1, name, "x", 0, &why) == NF_OK)
        return NF_OK;
    return nf_err_set(err, NF_E_INVALID, "must be 1 to %d of a to z, 0 to 9 and '-'",
                      NF_CHANNEL_MAX);
}

enum nf_code nf_chat_check_account(const char *account, struct nf_err *err)
{
    struct nf_identity ignored;
    struct nf_err why;
    if (nf_identity_init(&ignored, 1, "x", account, 0, &why) == NF_OK)
        return NF_OK;
    return nf_err_set(err, NF_E_INVALID, "must be an id as the network writes it, such as 4711");
}

bool nf_chat_is_loopback(const char *host)
{
    static const char *const all[] = { "localhost", "127.0.0.1", "[::1]" };
    for (size_t i = 0; i < NF_COUNT(all); i++) {
        size_t n = strlen(all[i]);
        if (strncmp(host, all[i], n) == 0 && (host[n] == '\0' || strchr(":/", host[n])))
            return true;
    }
    return false;
}

enum nf_code nf_chat_check_base(const char *url, const char *example, struct nf_err *err)
{
    bool http = strncmp(url, "http://", 7) == 0;
    if (!http && strncmp(url, "https://", 8) != 0)
        return nf_err_set(err, NF_E_INVALID, "must begin with https://");
    if (strpbrk(url, "@?# \t\\"))
        return nf_err_set(err, NF_E_INVALID,
                          "is the address of the API, such as %s: without user, query and blanks",
                          example);
    if (http && !nf_chat_is_loopback(url + 7))
        return nf_err_set(err, NF_E_INVALID,
                          "plain http is allowed to this machine only: use https");
    return NF_OK;
}

struct nf_chat_rules nf_chat_rules_of(const struct nf_chat_settings *s)
{
    return (struct nf_chat_rules){
        .accounts = (const char *const *)s->accounts.v,
        .accounts_n = s->accounts.n,
        .chats = (const char *const *)s->chats.v,
        .chats_n = s->chats.n,
        .pairing = s->pairing,
        .per_minute = s->per_minute,
    };
}
