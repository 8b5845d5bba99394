/* A strict reader of Discord's Markdown, for tests: it tells what Discord's client would show, and
 * refuses what a renderer must never write by accident (mentions, headings, lists, spoilers). */
#pragma once

#include "codec/styled.h"

#include <stdint.h>

enum {
    NF_SEEN_BOLD = 1,
    NF_SEEN_ITALIC = 2,
    NF_SEEN_STRIKE = 4,
    NF_SEEN_CODE = 8,
    NF_SEEN_PRE = 16,
    NF_SEEN_LINK = 32,
    NF_SEEN_QUOTE = 64,
    NF_SEEN_ADDRESS = 128, /* an address between < and > */
};

/* What is shown, and the styles of each byte. */
struct nf_seen {
    struct nf_str text, styles;
    struct nf_str targets; /* of links, one per line */
};
void nf_seen_done(struct nf_seen *s);

/* False: something is there that was not meant, and *why says what. */
bool nf_discord_see(const char *p, size_t n, struct nf_seen *ret, const char **why);

/* Whether it shows the text of `part`, and no style that is not asked for. */
bool nf_discord_shows(const char *p, size_t n, const struct nf_styled *part, const char **why);
