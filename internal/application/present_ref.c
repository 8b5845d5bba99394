#include "application/present_ref.h"

#include "base/own.h"

#include <string.h>

enum nf_code nf_present_find(struct nf_app *a, int64_t id, int64_t part,
                             char ret[NF_CHAT_REF_MAX + 1], struct nf_err *err)
{
    NF_CLEANUP(nf_chat_refs_done) struct nf_chat_refs refs = { 0 };

    ret[0] = '\0';
    NF_TRY(a->chats->ops->refs(a->chats, id, &refs, err));
    for (size_t i = 0; i < refs.n; i++)
        if (refs.v[i].part == part)
            memcpy(ret, refs.v[i].ref, NF_CHAT_REF_MAX + 1);
    return NF_OK;
}

enum nf_code nf_present_keep(struct nf_app *a, struct nf_chat *c, const char *address, int64_t id,
                             int64_t part, const char *ref, bool *kept, struct nf_err *err)
{
    struct nf_err why;
    enum nf_code rc = a->chats->ops->put(a->chats, id, part, ref, nf_app_now(a), err);

    *kept = rc == NF_OK;
    if (rc != NF_E_CONFLICT)
        return rc;
    rc = c->ops->remove(c, address, ref, &why);
    return rc == NF_E_CANCELED ? nf_err_set(err, rc, "%s", why.msg) : NF_OK;
}
