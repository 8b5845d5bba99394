#include "channels/web/said.h"

#include <string.h>

/* NOLINTBEGIN(misc-no-recursion): tables stand in tables, three deep at most */
static void put_values(struct nf_json_out *o, const char *key, const struct nf_said *r)
{
    struct nf_said ignored;
    nf_json_out_key(o, key);
    nf_json_out_array(o);
    for (size_t i = 0; i < r->n; i++)
        if (nf_said_of(r->inner, r->values[i], &ignored))
            nf_web_put_saying(o, r->inner, r->values[i]);
        else
            nf_json_out_strn(o, r->values[i].p, r->values[i].n);
    nf_json_out_end(o);
}

bool nf_web_put_said(struct nf_json_out *o, const char *code, const char *values,
                     const struct nf_sayings *of, struct nf_slice text)
{
    struct nf_said r;
    if (!nf_said_of(of, text, &r))
        return false;
    nf_json_put_str(o, code, r.code);
    put_values(o, values, &r);
    return true;
}

void nf_web_put_saying(struct nf_json_out *o, const struct nf_sayings *of, struct nf_slice text)
{
    nf_json_out_object(o);
    nf_json_out_key(o, "text");
    nf_json_out_strn(o, text.p, text.n);
    (void)nf_web_put_said(o, "code", "values", of, text);
    nf_json_out_end(o);
}
/* NOLINTEND(misc-no-recursion) */

void nf_web_put_sayings(struct nf_json_out *o, const char *key, const struct nf_sayings *of,
                        const char *lines)
{
    nf_json_out_key(o, key);
    nf_json_out_array(o);
    while (*lines) {
        size_t n = strcspn(lines, "\n");
        nf_web_put_saying(o, of, (struct nf_slice){ lines, n });
        lines += n + (lines[n] == '\n');
    }
    nf_json_out_end(o);
}

void nf_web_put_refusal(struct nf_json_out *o, const char *message)
{
    struct nf_said r;
    size_t where;
    if (!nf_said_of_error(nf_slice_of(message), &where, &r))
        return;
    nf_json_put_str(o, "reason", r.code);
    put_values(o, "values", &r);
    if (where == 0)
        return;
    nf_json_out_key(o, "where");
    nf_json_out_strn(o, message, where);
}
