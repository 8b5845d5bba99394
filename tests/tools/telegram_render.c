/* For tests: Markdown on standard input, each message of it as a line of JSON {"text","entities"}
 * on standard output, as it goes to Telegram. */
#include "base/own.h"
#include "channels/telegram/render.h"
#include "codec/markdown.h"

#include <stdio.h>

static NF_RC print_part(const struct nf_styled *s, struct nf_styled_range r, struct nf_err *err)
{
    NF_CLEANUP(nf_styled_done) struct nf_styled part = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str line = { 0 };
    struct nf_json_out o;

    NF_TRY(nf_styled_slice(s, r.at, r.end, &part, err));
    nf_json_begin_doc(&o, &line);
    nf_json_out_object(&o);
    NF_TRY(nf_telegram_put_text(&o, &part, false, err));
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    (void)puts(nf_str_c(&line));
    return NF_OK;
}

static NF_RC print_all(const struct nf_str *markdown, struct nf_err *err)
{
    NF_CLEANUP(nf_styled_done) struct nf_styled s = { 0 };
    NF_CLEANUP(nf_styled_ranges_done) struct nf_styled_ranges parts = { 0 };

    NF_TRY(nf_markdown_read(nf_str_c(markdown), markdown->len, &s, err));
    NF_TRY(nf_telegram_split(&s, NF_TELEGRAM_PART_MAX, &parts, err));
    for (size_t i = 0; i < parts.n; i++)
        NF_TRY(print_part(&s, parts.v[i], err));
    return NF_OK;
}

int main(void)
{
    NF_CLEANUP(nf_str_done) struct nf_str markdown = { .max = NF_MARKDOWN_MAX + 1 };
    struct nf_err err = { 0 };
    char buf[4096];
    size_t n;

    while ((n = fread(buf, 1, sizeof(buf), stdin)) > 0)
        if (nf_str_add(&markdown, buf, n, &err) != NF_OK)
            break;
    if (err.code != NF_OK || print_all(&markdown, &err) != NF_OK) {
        (void)fprintf(stderr, "telegram_render: %s\n", err.msg);
        return 1;
    }
    return 0;
}
