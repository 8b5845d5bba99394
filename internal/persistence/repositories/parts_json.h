/* Parts of a message as the JSON text that the database keeps. */
#pragma once

#include "base/string.h"
#include "domain/part.h"

/* Appends; nothing for an empty list. */
NF_RC nf_parts_to_json(const struct nf_parts *parts, struct nf_str *ret, struct nf_err *err);

/* *ret is empty before; empty text is an empty list. NF_E_IO: not what to_json makes. */
NF_RC nf_parts_from_json(struct nf_slice text, struct nf_parts *ret, struct nf_err *err);
