/* What every store of key and value refuses. */
#include "application/ports/kv_store.h"

#include <string.h>

static NF_RC check_text(const char *what, const char *text, size_t least, struct nf_err *err)
{
    size_t n = strnlen(text, NF_KV_KEY_MAX + 1);
    bool good = n >= least && n <= NF_KV_KEY_MAX;

    for (size_t i = 0; good && i < n; i++)
        good = text[i] > ' ' && text[i] <= '~';
    if (good)
        return NF_OK;
    return nf_err_set(err, NF_E_INVALID,
                      "%s must have %zu to %d printable ASCII characters without blanks", what,
                      least, NF_KV_KEY_MAX);
}

enum nf_code nf_kv_check_key(const char *key, struct nf_err *err)
{
    return check_text("key", key, 1, err);
}

enum nf_code nf_kv_check_value(size_t n, struct nf_err *err)
{
    if (n <= NF_KV_VALUE_MAX)
        return NF_OK;
    return nf_err_set(err, NF_E_LIMIT, "value: %zu bytes are more than %zu", n, NF_KV_VALUE_MAX);
}

enum nf_code nf_kv_check_range(const char *prefix, const char *after, size_t limit,
                               struct nf_err *err)
{
    NF_TRY(check_text("prefix", prefix, 0, err));
    NF_TRY(check_text("after", after, 0, err));
    if (limit >= 1 && limit <= NF_KV_LIST_MAX)
        return NF_OK;
    return nf_err_set(err, NF_E_INVALID, "limit: %zu is not 1 to %d", limit, NF_KV_LIST_MAX);
}

enum nf_code nf_kv_over_quota(int64_t quota, struct nf_err *err)
{
    return nf_err_set(err, NF_E_LIMIT,
                      "what this skill keeps for this user would be over %lld bytes: remove "
                      "something first",
                      (long long)quota);
}
