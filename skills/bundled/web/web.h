/* The tools of the skill web that are not in web.c. */
#pragma once

#include "skills/bundled/common/args.h"

int nf_web_search(struct nf_args *a, struct nf_buf *out);
int nf_web_search_engine(struct nf_args *a, struct nf_buf *out);
