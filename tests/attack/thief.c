/* A plugin that asks the broker for what its caller says, whatever that is: for tests of the broker
 * from outside (tests/e2e/skill_theft_test.py). Answers {"code": NF_SKILL_..., "text": "..."}. */
#include <nexflow/skill.h>
#include <string.h>

static int answer(const struct nf_skill_host *h, int code, const char *p, size_t n)
{
    const char *words = h->error(h);
    struct nf_skill_bytes text =
        code == NF_SKILL_OK ? h->json_quote(h, p, n) : h->json_quote(h, words, strlen(words));
    return h->replyf(h, "{\"code\": %d, \"text\": %s}", code, text.p);
}

static int fetch(const struct nf_skill_host *h, const char *url, const char *header)
{
    const char *headers[] = { header, NULL };
    struct nf_skill_http_request r = { .abi_major = NF_SKILL_ABI_MAJOR, .struct_size = sizeof r };
    struct nf_skill_http_response got = { 0 };
    r.url = url;
    r.headers = header ? headers : NULL;
    int code = h->http_fetch(h, &r, &got);
    return answer(h, code, got.body.p, got.body.n);
}

static int call(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    const char *what = h->json_str(h, h->json_get(h, r->args, "what"));
    const char *name = h->json_str(h, h->json_get(h, r->args, "name"));
    const char *value = h->json_str(h, h->json_get(h, r->args, "value"));
    const struct nf_skill_json *list = NULL;
    struct nf_skill_bytes b = { "", 0 };
    int code = NF_SKILL_E_INVALID;
    if (!what || !name)
        return h->fail(h, code, "what and name are needed");
    if (strcmp(what, "fetch") == 0)
        return fetch(h, name, value);
    if (strcmp(what, "kv_get") == 0)
        code = h->kv_get(h, name, &b);
    else if (strcmp(what, "kv_put") == 0)
        code = h->kv_put(h, name, value, strlen(value));
    else if (strcmp(what, "kv_list") == 0)
        code = h->kv_list(h, name, NULL, 1000, &list);
    else if (strcmp(what, "file_read") == 0)
        code = h->file_read(h, name, 0, 0, &b);
    else if (strcmp(what, "file_write") == 0)
        code = h->file_write(h, name, value, strlen(value));
    else if (strcmp(what, "file_list") == 0)
        code = h->file_list(h, name, &list);
    else if (strcmp(what, "file_remove") == 0)
        code = h->file_remove(h, name);
    if (code == NF_SKILL_OK && list)
        b = h->json_text(h, list);
    return answer(h, code, b.p, b.n);
}

NF_SKILL("thief", "1.0.0", call)
