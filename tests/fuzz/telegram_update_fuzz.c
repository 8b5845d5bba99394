/* Any JSON can be read as an update: it is refused, or what it says is whole and bounded. */
#include "base/own.h"
#include "base/utf8.h"
#include "channels/telegram/update.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct nf_telegram_self self = { .id = 900, .name = "nexflow_bot" };
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_telegram_update_done) struct nf_telegram_update u = { 0 };
    struct nf_err err;

    if (nf_json_parse_piece((const char *)data, size, &doc, &err) != NF_OK ||
        nf_telegram_update_read(nf_json_root(doc), &self, &u, &err) != NF_OK)
        return 0;
    if (!nf_utf8_valid(nf_str_c(&u.text), u.text.len) ||
        !nf_utf8_valid(nf_str_c(&u.account_name), u.account_name.len))
        abort();
    if (u.kind == NF_TELEGRAM_MESSAGE && (!u.account[0] || !u.address[0] || !u.ref[0]))
        abort();
    return 0;
}
