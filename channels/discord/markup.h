/*
 * Styled text as Discord's Markdown. What is no markup stays text: every character that Discord
 * would read as some is escaped, and a style that its rules cannot tell from its neighbours is left
 * out, never the text.
 *
 * What Discord reads: "Markdown Text 101" (support.discord.com, article 210298617) and "Message
 * Formatting" (Discord's reference); where these are silent, the rules of simple-markdown, which
 * its client extends.
 */
#pragma once

#include "codec/styled.h"

/* UTF-16 units of a message; Discord takes 2,000 characters ("Create Message"). */
#define NF_DISCORD_PART_MAX 1900
#define NF_DISCORD_LINES_MAX 17 /* of a part: a taller message hides what was said before */
#define NF_DISCORD_LINK_MAX 800 /* bytes of an address; of a longer link only the text is kept */

/* Append. NF_E_LIMIT: over to->max; NF_E_NOMEM. */
NF_RC nf_discord_write(const struct nf_styled *s, struct nf_str *to, struct nf_err *err);

/* At least as long as what nf_discord_write makes of the bytes; a line counts as much as its part
 * of NF_DISCORD_PART_MAX. */
extern const struct nf_styled_measure nf_discord_measure;

/* The parts of a text in Markdown as models write it. */
struct nf_discord_parts {
    struct nf_styled text;
    struct nf_styled_ranges ranges;
};
void nf_discord_parts_done(struct nf_discord_parts *p);

/* *ret must be empty. There is one part at least: an empty text has an empty one. NF_E_LIMIT,
 * NF_E_NOMEM. */
NF_RC nf_discord_parts_read(const char *markdown, struct nf_discord_parts *ret, struct nf_err *err);
size_t nf_discord_parts_count(const struct nf_discord_parts *p);
/* Part `i` in Discord's Markdown; *to is replaced. A part behind the last is NF_E_NOT_FOUND. */
NF_RC nf_discord_parts_write(const struct nf_discord_parts *p, size_t i, struct nf_str *to,
                             struct nf_err *err);
/* The same as it stands, without markup. */
NF_RC nf_discord_parts_plain(const struct nf_discord_parts *p, size_t i, struct nf_str *to,
                             struct nf_err *err);
