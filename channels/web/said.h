/* What Nexflow says, as JSON for who speaks another language: the words, the code of what they say
 * and the values in them (domain/said.h). A value that is such a text itself is an object. */
#pragma once

#include "codec/json.h"
#include "domain/said.h"

/* Two members beside the text, if it is one of `of`. False: it is none. */
bool nf_web_put_said(struct nf_json_out *o, const char *code, const char *values,
                     const struct nf_sayings *of, struct nf_slice text);

/* {"text","code"?,"values"?} */
void nf_web_put_saying(struct nf_json_out *o, const struct nf_sayings *of, struct nf_slice text);

/* A list of them under `key`: a line each of `lines`. */
void nf_web_put_sayings(struct nf_json_out *o, const char *key, const struct nf_sayings *of,
                        const char *lines);

/* The members of a refusal: "reason", "values", and "where" if there is context in front. */
void nf_web_put_refusal(struct nf_json_out *o, const char *message);
