/* The first line is a pattern, a path or an old text, the rest a text, JSON or the new text: all
 * are answered or refused with a reason. What is encoded is decoded to what it was. */
#include "codec/json.h"
#include "tests/support/skill_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const struct nf_skill_v1 nf_skill_v1;

#define TEXT_MAX 4096

/* `,"key":"text as JSON"more` */
static void member(struct skill_rig *rig, const char *key, const char *p, size_t n,
                   const char *more, char *to, size_t size)
{
    struct nf_skill_bytes quoted = rig->h.json_quote(&rig->h, p, n);

    (void)snprintf(to, size, ",\"%s\":%s%s", key, quoted.p, more);
}

static void check(struct skill_rig *rig, int rc)
{
    const struct nf_skill_json *v;

    if ((rc != NF_SKILL_OK) != (rig->error[0] != '\0'))
        abort();
    if (rc == NF_SKILL_OK && rig->result[0] == '{') {
        v = rig->h.json_parse(&rig->h, rig->result, rig->result_n);
        if (!v)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const encodings[] = { "base64", "base64url", "hex", "url", "html" };
    static char more[TEXT_MAX * 8];
    struct skill_rig *rig = skill_rig_new(&nf_skill_v1);
    const char *text = (const char *)data, *line = size > 0 ? memchr(text, '\n', size) : NULL;
    size_t first = line ? (size_t)(line - text) : size;
    const char *rest = line ? line + 1 : "";
    size_t rest_n = line ? size - first - 1 : 0;

    if (size > TEXT_MAX) {
        skill_rig_free(rig);
        return 0;
    }
    member(rig, "pattern", text, first, ",\"operation\":\"replace\",\"replacement\":\"<$0>\"", more,
           sizeof(more));
    check(rig, skill_rig_call_with(rig, "regex", "text", rest, rest_n, more));
    member(rig, "pattern", text, first, ",\"flags\":\"im\"", more, sizeof(more));
    check(rig, skill_rig_call_with(rig, "regex", "text", rest, rest_n, more));
    member(rig, "path", text, first, "", more, sizeof(more));
    check(rig, skill_rig_call_with(rig, "json", "json", rest, rest_n, more));
    check(rig, skill_rig_call_with(rig, "json", "json", rest, rest_n, ",\"operation\":\"format\""));
    member(rig, "old", text, first, ",\"context\":1", more, sizeof(more));
    check(rig, skill_rig_call_with(rig, "diff", "new", rest, rest_n, more));
    for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
        (void)snprintf(more, sizeof(more), ",\"encoding\":\"%s\"", encodings[i]);
        check(rig, skill_rig_call_with(rig, "decode", "text", text, size, more));
        check(rig, skill_rig_call_with(rig, "encode", "text", text, size, more));
    }
    for (size_t i = 0; i < 3; i++) {
        static const char *const how[] = { "snake", "slug", "collapse" };

        (void)snprintf(more, sizeof(more), ",\"to\":\"%s\"", how[i]);
        check(rig, skill_rig_call_with(rig, "transform", "text", text, size, more));
    }
    /* A plain text, which may look like JSON. */
    (void)skill_rig_call_with(rig, "sort", "text", text, size,
                              ",\"by\":\"natural\",\"unique\":true");
    skill_rig_free(rig);
    return 0;
}
