/* The manifests of the skills that come with Nexflow, held against what reads them: each is whole,
 * its schemas are ones that arguments can be checked by, and tests.json has a case for every tool
 * whose arguments fit. */
#include "base/own.h"
#include "codec/json.h"
#include "codec/json_schema.h"
#include "skills/manifest.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = { "calc",  "clock", "csv",     "files",
                                     "notes", "text",  "weather", "web" };
#define NAMES (sizeof(names) / sizeof(names[0]))

/* The text of skills/bundled/NAME/FILE. */
static char *read_file(const char *name, const char *file, size_t *n)
{
    char path[256], *text = calloc(1, NF_MANIFEST_BYTES_MAX + 1);
    FILE *f;

    (void)snprintf(path, sizeof(path), "skills/bundled/%s/%s", name, file);
    f = fopen(path, "rb");
    if (!f || !text)
        fail_msg("%s cannot be read", path);
    *n = fread(text, 1, NF_MANIFEST_BYTES_MAX, f);
    (void)fclose(f);
    return text;
}

static struct nf_skill_manifest read_manifest(const char *name)
{
    struct nf_skill_manifest m = { 0 };
    struct nf_err err = { .msg = "" };
    size_t n;
    char *text = read_file(name, "skill.json", &n);
    enum nf_code rc = nf_skill_manifest_parse(text, n, &m, &err);

    free(text);
    if (rc != NF_OK)
        fail_msg("%s: %s", name, err.msg);
    return m;
}

static void manifests_are_whole(void **data)
{
    (void)data;
    for (size_t i = 0; i < NAMES; i++) {
        struct nf_skill_manifest m = read_manifest(names[i]);
        struct nf_err err;

        assert_string_equal(m.name, names[i]);
        for (size_t k = 0; k < m.tools_n; k++)
            if (nf_json_schema_check_text(m.tools[k].schema, &err) != NF_OK)
                fail_msg("%s %s: %s", names[i], m.tools[k].name, err.msg);
        nf_skill_manifest_done(&m);
    }
}

static const struct nf_tool_manifest *find_tool(const struct nf_skill_manifest *m, const char *name)
{
    for (size_t k = 0; k < m->tools_n; k++)
        if (strcmp(m->tools[k].name, name) == 0)
            return &m->tools[k];
    return NULL;
}

/* The case's arguments as text, held against the tool's schema. */
static bool fits(const struct nf_tool_manifest *tool, const struct nf_json *args,
                 struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = NF_JSON_BYTES_MAX };
    struct nf_json_out o;

    nf_json_begin_doc(&o, &text);
    nf_json_out_value(&o, args);
    return tool && nf_json_end_doc(&o, err) == NF_OK &&
           nf_json_schema_check_args(tool->schema, nf_str_c(&text), err) == NF_OK;
}

static void every_tool_has_a_case_that_fits(void **data)
{
    (void)data;
    for (size_t i = 0; i < NAMES; i++) {
        struct nf_skill_manifest m = read_manifest(names[i]);
        struct nf_json_doc *doc = NULL;
        struct nf_err err;
        bool tested[NF_SKILL_TOOLS_MAX] = { false };
        size_t n;
        char *text = read_file(names[i], "tests.json", &n);

        assert_ok(nf_json_parse(text, n, 0, &doc, &err), &err);
        free(text);
        for (const struct nf_json *c = nf_json_first(nf_json_get(nf_json_root(doc), "tests")); c;
             c = nf_json_next(c)) {
            const char *name = nf_json_str(nf_json_get(c, "tool"));
            const struct nf_tool_manifest *tool = find_tool(&m, name);

            if (!tool)
                fail_msg("%s: tests.json names the tool %s", names[i], name);
            tested[tool - m.tools] = true;
            if (!nf_json_get(nf_json_get(c, "expect"), "error") &&
                !fits(tool, nf_json_get(c, "args"), &err))
                fail_msg("%s %s: %s", names[i], name, err.msg);
        }
        for (size_t k = 0; k < m.tools_n; k++)
            if (!tested[k])
                fail_msg("%s: tests.json has no case for %s", names[i], m.tools[k].name);
        nf_json_free(doc);
        nf_skill_manifest_done(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(manifests_are_whole),
        cmocka_unit_test(every_tool_has_a_case_that_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
