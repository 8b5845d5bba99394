/* The tools of the skill text. */
#pragma once

#include "skills/bundled/common/args.h"

/* Bytes of a text argument. */
#define NF_TEXT_MAX ((size_t)512 * 1024)

int nf_text_hash(struct nf_args *a, struct nf_buf *out);
int nf_text_encode(struct nf_args *a, struct nf_buf *out);
int nf_text_decode(struct nf_args *a, struct nf_buf *out);
int nf_text_json(struct nf_args *a, struct nf_buf *out);
int nf_text_diff(struct nf_args *a, struct nf_buf *out);
int nf_text_regex(struct nf_args *a, struct nf_buf *out);
int nf_text_sort(struct nf_args *a, struct nf_buf *out);
int nf_text_count(struct nf_args *a, struct nf_buf *out);
int nf_text_transform(struct nf_args *a, struct nf_buf *out);
