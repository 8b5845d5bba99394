/* A line of a program is one of those that there are, or is refused with words. */
#include "base/own.h"
#include "skills/fields.h"
#include "skills/program_lines.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NF_CLEANUP(nf_program_line_done) struct nf_program_line l = { 0 };
    struct nf_fields q;
    struct nf_err err = { .msg = "" };

    if (nf_program_line_parse((const char *)data, size, 65536, &l, &err) != NF_OK) {
        if (!err.msg[0] || l.doc)
            abort();
        return 0;
    }
    if (!l.raw || !l.text || (l.type == NF_LINE_RESULT) != (l.result != NULL))
        abort();
    if (l.type == NF_LINE_ERROR && l.code == NF_OK)
        abort();
    if (nf_fields_read((struct nf_slice){ nf_str_c(&l.fields), l.fields.len }, &q, &err) != NF_OK)
        abort();
    return 0;
}
