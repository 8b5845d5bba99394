/* The plugin that skills_bench calls: 200 bytes in, as many out; one that asks; and one that hangs.
 */
#include <nexflow/skill.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

static int call(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    static const char ok[] =
        "{\"ok\":true,\"text\":\"the quick brown fox jumps over the lazy dog, and "
        "then it goes back home to write a report of a hundred and fifty "
        "bytes\"}";
    if (strcmp(r->tool, "hang") == 0) {
        for (;;)
            (void)nanosleep(&(struct timespec){ .tv_sec = 60 }, NULL);
    }
    if (strcmp(r->tool, "ask") == 0) {
        struct nf_skill_bytes value;
        int code = NF_SKILL_OK;
        for (int64_t n = h->json_i64(h, h->json_get(h, r->args, "n"), 0); n > 0 && !code; n--)
            code = h->kv_get(h, "key", &value);
        return code;
    }
    return h->reply(h, ok, sizeof ok - 1);
}

NF_SKILL("bench", "1.0.0", call)
