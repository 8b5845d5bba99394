#include "application/tell_owners.h"

#include "application/manage_sessions.h"
#include "base/own.h"

#include <string.h>

static bool reach(struct nf_app *a, int64_t owner, const struct nf_notice *n, const char *but)
{
    struct nf_err ignored;
    for (size_t i = 0; i < a->channels->n; i++) {
        struct nf_channel *c = a->channels->v[i];
        if (but && strcmp(c->name, but) == 0)
            continue;
        if (nf_channel_reach(c, owner, n, &ignored) == NF_OK)
            return true;
    }
    return false;
}

enum nf_code nf_tell_owners(struct nf_app *a, const struct nf_notice *n, const char *but,
                            struct nf_err *err)
{
    NF_CLEANUP(nf_users_done) struct nf_users all = { 0 };
    const struct nf_user_filter owners = { .limit = NF_PAGE_MAX,
                                           .role = NF_USER_OWNER,
                                           .status = NF_USER_ACTIVE };
    bool told = false;

    NF_TRY(a->users->ops->list(a->users, &owners, &all, err));
    for (size_t i = 0; i < all.n; i++) {
        struct nf_notice theirs = *n;
        if (n->russian && all.v[i].lang == NF_LANG_RU)
            theirs.markdown = n->russian;
        told = reach(a, all.v[i].id, &theirs, but) || told;
    }
    return told ? NF_OK : nf_err_set(err, NF_E_NOT_FOUND, "no owner can be reached in a chat");
}
