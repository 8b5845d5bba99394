#include "llm/repeat.h"

#include <string.h>

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

bool nf_llm_repeat_match(struct nf_llm_repeat *r, const char *data, size_t n, struct nf_slice *text)
{
    size_t around = r->around.len, after = around - r->before;
    if (around == 0 || n < around || n - around > NF_LLM_REPEAT_TEXT_MAX ||
        memcmp(data, r->around.p, r->before) != 0 ||
        memcmp(data + n - after, r->around.p + r->before, after) != 0)
        return false;
    *text = (struct nf_slice){ data + r->before, n - around };
    if (!nf_json_is_plain(text->p, text->n))
        return false;
    r->misses = 0;
    return true;
}
