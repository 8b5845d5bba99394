#include "application/quote.h"

#include <string.h>

enum nf_code nf_quote_code(struct nf_str *to, struct nf_slice text, struct nf_err *err)
{
    NF_TRY(nf_str_adds(to, "`", err));
    for (size_t i = 0; i < text.n; i++) {
        bool odd = text.p[i] == '`' || (unsigned char)text.p[i] < ' ';
        NF_TRY(nf_str_add(to, odd ? "'" : text.p + i, 1, err));
    }
    return nf_str_adds(to, "`", err);
}

enum nf_code nf_quote_plain(struct nf_str *to, const char *text, struct nf_err *err)
{
    for (; *text; text++)
        NF_TRY(nf_str_addf(to, err, "%s%c", strchr("\\`*_[]()<>~|#@", *text) ? "\\" : "", *text));
    return NF_OK;
}
