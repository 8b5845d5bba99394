/* The lines of a program, as values. Private to skills/. */
#pragma once

#include "codec/json.h"
#include "skills/warden.h"

enum nf_line_type { NF_LINE_RESULT = 1, NF_LINE_ERROR, NF_LINE_PROGRESS, NF_LINE_LOG, NF_LINE_ASK };

struct nf_program_line {
    struct nf_json_doc *doc; /* what the rest points into */
    enum nf_line_type type;
    const struct nf_json *result;
    const char *text;  /* of an error, of progress, of the log; "" if absent */
    enum nf_code code; /* of an error */
    /* Of the others: the question to the broker that it stands for. */
    enum nf_skill_op op;
    struct nf_str fields;
    const char *raw;
    struct nf_err wrong; /* NF_E_INVALID: instead of an answer it is told why there is none */
};
void nf_program_line_done(struct nf_program_line *l);

/* Read a line, without its line break. NF_E_INVALID: it is none of those, as the words say. */
NF_RC nf_program_line_parse(const char *p, size_t n, size_t max, struct nf_program_line *ret,
                            struct nf_err *err);

/* Append the line that says what to do. */
NF_RC nf_program_put_call(const char *tool, const char *args, int64_t left_ms, struct nf_str *to,
                          struct nf_err *err);
/* Append the line that answers a question: raw bytes are "body" if they are text, else
 * "body_base64". */
NF_RC nf_program_put_answer(const struct nf_skill_answer *a, struct nf_str *to, struct nf_err *err);
