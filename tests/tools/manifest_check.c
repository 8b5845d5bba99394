/* manifest_check FILE...: whether the decoder takes each manifest. A line each: "ok", or the code
 * and the message. For the test that holds skills/skill.schema.json against it. */
#include "base/own.h"
#include "skills/manifest.h"

#include <stdio.h>

static enum nf_code read_file(const char *path, struct nf_str *to, struct nf_err *err)
{
    FILE *f = fopen(path, "rb");
    char part[4096];
    size_t n;
    enum nf_code rc = NF_OK;

    if (!f)
        return nf_err_set(err, NF_E_IO, "cannot open '%s'", path);
    while (rc == NF_OK && (n = fread(part, 1, sizeof(part), f)) > 0)
        rc = nf_str_add(to, part, n, err);
    (void)fclose(f);
    return rc;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
        NF_CLEANUP(nf_skill_manifest_done) struct nf_skill_manifest m = { 0 };
        struct nf_err err;
        enum nf_code rc = read_file(argv[i], &text, &err);
        if (rc == NF_OK)
            rc = nf_skill_manifest_parse(nf_str_c(&text), text.len, &m, &err);
        if (rc == NF_OK)
            (void)puts("ok");
        else
            (void)printf("%s: %s\n", nf_code_name(rc), err.msg);
    }
    return 0;
}
