/* A skill for the tests from outside: it asks what it is told to ask, and says what it got. */
#include <nexflow/skill.h>

#include <string.h>

#define HEADERS_MAX 8

static const char *text_of(const struct nf_skill_host *h, const struct nf_skill_request *r,
                           const char *key)
{
    return h->json_str(h, h->json_get(h, r->args, key));
}

static int refused(const struct nf_skill_host *h, int code)
{
    return h->replyf(h, "code %d: %s", code, h->error(h));
}

static int fetch(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    const char *headers[HEADERS_MAX + 1] = { 0 };
    struct nf_skill_http_request q = { .abi_major = NF_SKILL_ABI_MAJOR,
                                       .struct_size = sizeof(q),
                                       .url = text_of(h, r, "url"),
                                       .headers = headers };
    struct nf_skill_http_response a;
    size_t n = 0;
    const struct nf_skill_json *v = h->json_first(h, h->json_get(h, r->args, "headers"));

    for (; v && n < HEADERS_MAX; v = h->json_next(h, v))
        headers[n++] = h->json_str(h, v);
    int code = h->http_fetch(h, &q, &a);
    return code ? refused(h, code) : h->replyf(h, "%d %s", a.status, a.body.p);
}

static int keep(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    const char *value = text_of(h, r, "value");
    struct nf_skill_bytes got;
    int code = value ? h->kv_put(h, text_of(h, r, "key"), value, strlen(value))
                     : h->kv_get(h, text_of(h, r, "key"), &got);

    if (code)
        return refused(h, code);
    return value ? h->reply(h, "kept", 4) : h->reply(h, got.p, got.n);
}

static int file(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    const char *path = text_of(h, r, "path"), *text = text_of(h, r, "text");
    struct nf_skill_bytes got;
    int code =
        text ? h->file_write(h, path, text, strlen(text)) : h->file_read(h, path, 0, 0, &got);

    if (code)
        return refused(h, code);
    return text ? h->reply(h, "written", 7) : h->reply(h, got.p, got.n);
}

static int call(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    if (strcmp(r->tool, "fetch") == 0)
        return fetch(h, r);
    if (strcmp(r->tool, "keep") == 0)
        return keep(h, r);
    if (strcmp(r->tool, "file") == 0)
        return file(h, r);
    if (strcmp(r->tool, "crash") == 0)
        __builtin_trap();
    if (strcmp(r->tool, "hang") == 0)
        for (;;)
            __asm__ volatile("");
    h->log(h, NF_SKILL_LOG_WARN, "told: %s", text_of(h, r, "text"));
    h->progress(h, 50, "half of %s", text_of(h, r, "text"));
    return h->reply(h, "said", 4);
}

NF_SKILL("probe", "1.0.0", call)
