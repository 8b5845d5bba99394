/* Verdicts for tests: reads lines {"schema":...,"value":...}, writes "fits", "no", "refused" (the
 * schema) or "limit" for each. */
#include "base/own.h"
#include "codec/json_schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *verdict(const char *line, size_t n)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct nf_err err;

    if (nf_json_parse(line, n, 0, &doc, &err) != NF_OK)
        return "refused";
    const struct nf_json *schema = nf_json_get(nf_json_root(doc), "schema");
    if (nf_json_schema_check(schema, &err) != NF_OK)
        return "refused";
    enum nf_code rc =
        nf_json_schema_fits(schema, nf_json_get(nf_json_root(doc), "value"), "value", &err);
    return rc == NF_OK ? "fits" : rc == NF_E_INVALID ? "no" : "limit";
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    while ((n = getline(&line, &cap, stdin)) > 0)
        (void)puts(verdict(line, (size_t)n));
    free(line);
    return 0;
}
