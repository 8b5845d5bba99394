/* What Discord would take for markup, and how an address may be written. Private to
 * channels/discord. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

bool nf_markup_is_blank(char c);
bool nf_markup_is_all_blank(const char *p, size_t n);

/* Whether the character at `at` begins or ends markup wherever it stands, and whether it does at
 * the start of a line: quotes, headings, small text, lists. */
bool nf_markup_is_special(const char *p, size_t at, size_t len);
bool nf_markup_is_special_first(const char *p, size_t at, size_t len);
/* How many digits begin a list at the start of a line ("12."): its point is what is escaped. */
size_t nf_markup_number(const char *p, size_t at, size_t len);

/* How many backticks around make code of it: 0 if none do. */
size_t nf_markup_code_fence(const char *p, size_t n);
/* Whether a blank must part the fence from a backtick of the code; a reader takes it away again. */
bool nf_markup_needs_pad(const char *p, size_t n, bool at_end);
bool nf_markup_is_language(const char *text);

/* What may not stand in an address between brackets, nor within bold or struck text: it is written
 * as %XX. */
bool nf_markup_is_unsafe(char c);
size_t nf_markup_address_length(const char *url); /* as it is written */
bool nf_markup_is_web(const char *url);

enum nf_markup_link {
    NF_LINK_NONE,   /* the text alone */
    NF_LINK_BARE,   /* the text is the address */
    NF_LINK_MASKED, /* the text, which leads there */
    NF_LINK_BEHIND, /* the text, and the address behind it */
};

/* Discord shows a masked link as what it is unless its text has no address and no brackets. */
enum nf_markup_link nf_markup_link(const char *p, size_t n, const char *url);
