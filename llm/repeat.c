#include "llm/repeat.h"

#include <string.h>

#define TEXT_SEEN_MAX (NF_LLM_REPEAT_TEXT_MAX + 1)

void nf_llm_repeat_done(struct nf_llm_repeat *r)
{
    nf_str_done(&r->around);
}

void nf_llm_repeat_learn(struct nf_llm_repeat *r, const struct nf_json_doc *d,
                         const struct nf_json *v, enum nf_event_type type, const char *data,
                         size_t n)
{
    struct nf_err ignored;
    struct nf_slice text;
    if (r->misses++ >= NF_LLM_REPEAT_MISSES || !nf_json_plain(d, v, data, n, &text) ||
        n - text.n > NF_LLM_REPEAT_MAX)
        return;
    size_t before = (size_t)(text.p - data);
    nf_str_reset(&r->around);
    if (nf_str_add(&r->around, data, before, &ignored) != NF_OK ||
        nf_str_add(&r->around, text.p + text.n, n - before - text.n, &ignored) != NF_OK) {
        nf_str_reset(&r->around);
        return;
    }
    r->before = before;
    r->type = type;
}

/* Bytes of the end of a line and of the empty line behind it. */
static size_t line_ends(const char *p, size_t n)
{
    if (n >= 2 && p[0] == '\n' && p[1] == '\n')
        return 2;
    return n >= 4 && memcmp(p, "\r\n\r\n", 4) == 0 ? 4 : 0;
}

size_t nf_llm_repeat_match(struct nf_llm_repeat *r, const char *p, size_t n, struct nf_slice *text)
{
    static const char field[] = "data: ";
    const size_t head = sizeof(field) - 1 + r->before, after = r->around.len - r->before;
    if (r->around.len == 0 || n < head + after || memcmp(p, field, sizeof(field) - 1) != 0 ||
        memcmp(p + sizeof(field) - 1, r->around.p, r->before) != 0)
        return 0;
    /* The text ends at a quote, with which what stands behind it begins. */
    size_t left = n - head, k;
    if (!nf_json_plain_run(p + head, left > TEXT_SEEN_MAX ? TEXT_SEEN_MAX : left, &k) ||
        k > NF_LLM_REPEAT_TEXT_MAX || left - k < after ||
        memcmp(p + head + k, r->around.p + r->before, after) != 0)
        return 0;
    size_t ends = line_ends(p + head + k + after, left - k - after);
    if (ends == 0)
        return 0;
    *text = (struct nf_slice){ p + head, k };
    r->misses = 0;
    return head + k + after + ends;
}
