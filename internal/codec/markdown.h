/*
 * Markdown as language models write it (CommonMark with GitHub's tables, strikethrough, task lists
 * and bare links), read into styled text for chat networks that know less than that: a heading is
 * bold, a list has its bullets, a table is a block of code with its columns aligned, an image is a
 * link, HTML is just text.
 */
#pragma once

#include "codec/styled.h"

#define NF_MARKDOWN_MAX ((size_t)1 << 20) /* bytes */

/* *ret must be empty. Any bytes of valid UTF-8 are Markdown. NF_E_LIMIT: over NF_MARKDOWN_MAX;
 * NF_E_NOMEM. */
NF_RC nf_markdown_read(const char *p, size_t n, struct nf_styled *ret, struct nf_err *err);
