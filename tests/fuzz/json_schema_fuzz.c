/* A schema and arguments, apart by a NUL: whatever they are, the verdict comes, says why, and is
 * the same again. A schema that was not found good is held to all the same. */
#include "base/own.h"
#include "codec/json_schema.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(enum nf_code rc, const struct nf_err *err)
{
    if (rc != NF_OK && err->msg[0] == '\0')
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NF_CLEANUP(nf_freep) char *text = NULL;
    struct nf_err err = { .msg = "" };
    const uint8_t *end = memchr(data, '\0', size);

    if (!end || nf_strndup((const char *)data, size, &text, &err) != NF_OK)
        return 0;
    const char *schema = text, *args = text + (end - data) + 1;
    enum nf_code good = nf_json_schema_check_text(schema, &err);
    check_message(good, &err);
    if (good != NF_OK)
        return 0;
    enum nf_code rc = nf_json_schema_check_args(schema, args, &err);
    check_message(rc, &err);
    if (rc == NF_E_INTERNAL || rc != nf_json_schema_check_args(schema, args, &err))
        abort();
    return 0;
}
