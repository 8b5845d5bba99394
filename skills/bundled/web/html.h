/*
 * HTML as readable Markdown: any bytes are a page. A tokenizer without recursion, and a renderer
 * that keeps a few counters instead of a tree, so nesting costs nothing.
 */
#pragma once

#include "skills/bundled/common/args.h"

#define NF_HTML_TOKENS_MAX 300000
#define NF_HTML_NAME_MAX 16 /* bytes of a tag's name that are looked at */

enum nf_html_kind { NF_HTML_TEXT, NF_HTML_START, NF_HTML_END };
struct nf_html_token {
    uint8_t kind;
    char name[NF_HTML_NAME_MAX]; /* of a tag: lower case, cut */
    const char *p;               /* text, or the attributes of a tag */
    size_t n;
};
struct nf_html {
    struct nf_html_token *at;
    size_t n;
};

/* Tokens of UTF-8 text; they point into it. Comments and the contents of scripts and styles are
 * left out. Fails the call over NF_HTML_TOKENS_MAX. */
bool nf_html_parse(struct nf_args *a, const char *p, size_t n, struct nf_html *ret);
/* An attribute's value with its references resolved; NULL: the tag has none of that name. */
const char *nf_html_attribute(struct nf_args *a, const struct nf_html_token *t, const char *name);
/* Whether the attribute class has that word. */
bool nf_html_has_class(struct nf_args *a, const struct nf_html_token *t, const char *word);
/* Index behind the end tag that belongs to the start tag `i`. */
size_t nf_html_end_of(const struct nf_html *h, size_t i);
/* The text of tokens from..to in one line. */
void nf_html_text(const struct nf_html *h, size_t from, size_t to, struct nf_buf *out);

struct nf_html_options {
    const char *base; /* URL of the page: links are made absolute */
    bool links;       /* show where links lead */
    bool whole;       /* also navigation, footers, and all beside the main part */
};
void nf_html_render(struct nf_args *a, const struct nf_html *h, const struct nf_html_options *o,
                    struct nf_buf *out);
/* What <title> says, in one line. */
void nf_html_title(const struct nf_html *h, struct nf_buf *out);
