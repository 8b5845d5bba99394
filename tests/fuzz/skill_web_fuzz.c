/* Any bytes are a page, in any character set: it is shown as valid UTF-8 or refused with a reason.
 */
#include "base/utf8.h"
#include "tests/support/skill_host.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const struct nf_skill_v1 nf_skill_v1;

struct page {
    const char *type;
    const uint8_t *p;
    size_t n;
};

static int web(struct skill_rig *rig, const struct nf_skill_http_request *r,
               struct nf_skill_http_response *ret)
{
    const struct page *page = rig->web_arg;
    (void)r;

    ret->content_type = page->type;
    ret->body = (struct nf_skill_bytes){ (const char *)page->p, page->n };
    return NF_SKILL_OK;
}

static void check(struct skill_rig *rig, int rc)
{
    if (rc != NF_SKILL_OK && !rig->error[0])
        abort();
    if (rc == NF_SKILL_OK && !nf_utf8_valid(rig->result, rig->result_n))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = { "text/html", "text/html; charset=utf-8",
                                         "text/html; charset=koi8-r", "" };
    struct skill_rig *rig = skill_rig_new(&nf_skill_v1);
    struct page page = { "", data, size };

    rig->web = web;
    rig->web_arg = &page;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        page.type = types[i];
        check(rig, skill_rig_call(rig, "fetch", "{\"url\":\"https://example.org/a/b?c\"}"));
    }
    check(rig, skill_rig_call(
                   rig, "fetch",
                   "{\"url\":\"https://example.org/\",\"whole\":true,\"offset\":7,\"max\":500}"));
    page.type = "text/html";
    check(rig, skill_rig_call(rig, "search", "{\"query\":\"x\"}"));
    page.type = "application/json";
    skill_rig_put_kv(rig, "search_engine", "https://s.example", 17);
    check(rig, skill_rig_call(rig, "search", "{\"query\":\"x\"}"));
    (void)skill_rig_call_with(rig, "fetch", "url", (const char *)data, size, "");
    skill_rig_free(rig);
    return 0;
}
