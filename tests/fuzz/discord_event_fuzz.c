/* Whatever JSON the gateway tells: messages, interactions and channels are read, or are none. */
#include "base/own.h"
#include "base/utf8.h"
#include "channels/discord/message.h"
#include "channels/discord/places.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool right)
{
    if (!right)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct nf_discord_self self = { .id = "1000", .app = "1000" };
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_discord_message_done) struct nf_discord_message m = { 0 };
    NF_CLEANUP(nf_discord_interaction_done) struct nf_discord_interaction i = { 0 };
    struct nf_places *places = NULL;
    struct nf_err err;

    if (nf_json_parse((const char *)data, size, 0, &doc, &err) != NF_OK)
        return 0;
    const struct nf_json *v = nf_json_root(doc);
    if (nf_discord_message_read(v, &self, &m, &err) == NF_OK) {
        expect(strlen(m.id) > 0 && strlen(m.id) <= NF_DISCORD_ID_MAX);
        expect(nf_utf8_valid(m.author_name, strlen(m.author_name)));
        expect(nf_utf8_valid(nf_str_c(&m.text), m.text.len));
        expect(nf_utf8_valid(nf_str_c(&m.quote), m.quote.len));
    }
    if (nf_discord_interaction_read(v, &i, &err) == NF_OK)
        expect(i.token[0] && !strchr(i.token, '/') && nf_utf8_valid(nf_str_c(&i.text), i.text.len));
    if (nf_places_new(&places, &err) == NF_OK)
        nf_places_learn(places, v, NULL, "1000");
    nf_places_free(places);
    return 0;
}
