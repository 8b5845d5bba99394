/* A connection's bytes, cut into pieces by the first byte, as the server reads them: head, target,
 * route, body, and what lies behind. Cut otherwise, they must mean the same. */
#include "http/input.h"
#include "http/route.h"

#include <stdlib.h>
#include <string.h>

/* libFuzzer names it. NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct nf_http_route routes[] = {
    { "GET", "/", NULL, 0, 0 },
    { "GET", "/s/{id}", NULL, 0, 0 },
    { "POST", "/s/{id}/m/{m}", NULL, 0, 0 },
    { "GET", "/f/{path...}", NULL, 0, 0 },
};
static const struct nf_httpd_input_limits limits = { 1024, 512, { 16, 256 } };

/* What came of the input: how many requests, how the last step ended, and a sum over the contents.
 */
struct outcome {
    unsigned requests;
    enum nf_httpd_step step;
    int status;
    uint64_t sum;
};

static void add(struct outcome *o, struct nf_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        o->sum = o->sum * 1099511628211u + (uint8_t)s.p[i];
    o->sum = o->sum * 31 + s.n;
}

static void check_path(const struct nf_str *path)
{
    const char *p = nf_str_c(path);
    if (p[0] != '/' || strlen(p) != path->len || strstr(p, "//") || strstr(p, "/../") ||
        strstr(p, "/./"))
        abort();
}

static void look(const struct nf_httpd_input *in, struct nf_httpd_target *t, struct outcome *o)
{
    const struct nf_httpd_head *h = &in->head;
    int status;
    const char *why;
    struct nf_err e;
    add(o, nf_httpd_slice(in->buf, h->method));
    for (size_t i = 0; i < h->fields_n; i++) {
        add(o, nf_httpd_slice(in->buf, h->fields[i].name));
        add(o, nf_httpd_slice(in->buf, h->fields[i].value));
    }
    if (nf_httpd_target_parse(nf_httpd_slice(in->buf, h->target), nf_httpd_slice(in->buf, h->host),
                              t, &status, &why, &e) != NF_OK ||
        status != 0)
        return;
    check_path(&t->path);
    struct nf_slice path = { nf_str_c(&t->path), t->path.len };
    struct nf_httpd_match m;
    nf_httpd_route(routes, sizeof(routes) / sizeof(routes[0]), nf_httpd_slice(in->buf, h->method),
                   path, &m);
    add(o, path);
    for (unsigned i = 0; i < m.params_n; i++)
        add(o, m.params[i].value);
    for (unsigned i = 0; i < t->pairs_n; i++)
        add(o, nf_httpd_slice(t->query.p, t->pairs[i].value));
}

static struct outcome run(const uint8_t *data, size_t size, size_t piece)
{
    struct nf_httpd_input in = { 0 };
    struct nf_httpd_target t = { 0 };
    struct outcome o = { .step = NF_HTTPD_MORE };
    for (size_t at = 0; at < size && o.step != NF_HTTPD_REFUSED; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        if (nf_httpd_input_feed(&in, (const char *)data + at, n, NULL) != NF_OK)
            abort();
        while ((o.step = nf_httpd_input_step(&in, &limits)) != NF_HTTPD_MORE &&
               o.step != NF_HTTPD_REFUSED) {
            if (o.step == NF_HTTPD_HEAD) {
                look(&in, &t, &o);
                continue;
            }
            if (in.body_n > limits.body_max || in.used > in.len)
                abort();
            add(&o, nf_httpd_input_body(&in));
            o.requests++;
            nf_httpd_input_next(&in);
        }
    }
    o.status = o.step == NF_HTTPD_REFUSED ? in.status : 0;
    nf_httpd_target_done(&t);
    nf_httpd_input_reset(&in, 0);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct outcome whole = run(data + 1, size - 1, size),
                   cut = run(data + 1, size - 1, (size_t)data[0] % 64 + 1);
    if (whole.requests != cut.requests || whole.step != cut.step || whole.status != cut.status ||
        whole.sum != cut.sum)
        abort();
    return 0;
}
