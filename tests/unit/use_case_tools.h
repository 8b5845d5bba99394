/* The tools of the use cases' tests, and what checks their arguments. */
#pragma once

#include "tests/unit/use_case_world.h"

static enum nf_code fake_offer(struct nf_tools *t, int64_t user_id, int64_t session_id,
                               struct nf_toolset **ret, struct nf_err *err)
{
    const struct fake_tools *tools = nf_container_of(t, struct fake_tools, port);
    NF_CLEANUP(nf_toolset_unrefp) struct nf_toolset *s = NULL;
    (void)user_id, (void)session_id;
    NF_TRY(nf_toolset_new(&s, err));
    if (tools->wordy)
        NF_TRY(nf_toolset_add(s, "brief", tools->wordy, "{}", err));
    NF_TRY(nf_toolset_add(s, "clock", "Tells the time.", "{}", err));
    *ret = nf_take(s);
    return NF_OK;
}

static enum nf_code fake_find(struct nf_tools *port, int64_t user_id, const char *name,
                              struct nf_tool_info *ret, struct nf_err *err)
{
    const struct fake_tools *t = nf_container_of(port, struct fake_tools, port);
    const char *asked = name;
    (void)user_id;
    if (t->named_by_skill && strncmp(name, "fake_", 5) == 0)
        name += 5;
    if (strcmp(name, "clock") != 0 && strcmp(name, "fails") != 0 && strcmp(name, "long") != 0)
        return nf_err_set(err, NF_E_NOT_FOUND, "there is no tool '%s'", name);
    *ret = (struct nf_tool_info){ .name = asked,
                                  .skill = "fake",
                                  .tool = name,
                                  .version = t->version ? t->version : "1",
                                  .schema = "{}",
                                  .workspace = "",
                                  .approval = t->approval ? t->approval : NF_APPROVAL_NEVER,
                                  .idempotent = t->idempotent,
                                  .timeout_ms = 1000 };
    return NF_OK;
}

static enum nf_code fake_call(struct nf_tools *port, const struct nf_tool_call *c,
                              struct nf_tool_outcome *ret, struct nf_err *err)
{
    struct fake_tools *t = nf_container_of(port, struct fake_tools, port);
    const char *name = c->name + (t->named_by_skill ? strlen("fake_") : 0);
    t->calls++;
    if (t->refuse_version && strcmp(c->version, t->version) != 0)
        return nf_err_set(err, NF_E_CONFLICT, "the skill was changed");
    assert_string_equal(c->version, t->version ? t->version : "1");
    if (c->progress)
        c->progress(c->progress_arg, 50, "half");
    if (t->meanwhile)
        t->meanwhile(t->w);
    ret->worker = 4;
    ret->wall_us = 1500;
    ret->bytes = 64;
    (void)snprintf(ret->level, sizeof(ret->level), "L3");
    if (t->binary)
        return nf_str_add(&ret->text, t->binary, strlen(t->binary) + 1, err);
    if (strcmp(name, "clock") == 0)
        return nf_str_addf(&ret->text, err, "noon %s", c->args);
    if (strcmp(name, "fails") == 0) {
        if (t->words)
            NF_TRY(nf_str_adds(&ret->words, t->words, err));
        return nf_err_set(err, t->fail, "the tool broke");
    }
    for (size_t i = 0; i < t->result_bytes; i += 4) /* "long": a clock of four bytes */
        NF_TRY(nf_str_add(&ret->text, "\xf0\x9f\x95\x90", 4, err));
    return NF_OK;
}

/* Arguments with "bad" in them fit no schema. */
static enum nf_code fake_check(const char *schema, const char *args, struct nf_err *err)
{
    (void)schema;
    if (strstr(args, "bad"))
        return nf_err_set(err, NF_E_INVALID, "arguments.x: must be good");
    return NF_OK;
}

static enum nf_code fake_schema(const char *schema, struct nf_err *err)
{
    if (strstr(schema, "bad"))
        return nf_err_set(err, NF_E_INVALID, "schema.x: must be good");
    return NF_OK;
}

/* The same bytes in every run. */
static enum nf_code fake_random(unsigned char *p, size_t n, struct nf_err *err)
{
    static uint64_t next;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        next = next * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
        p[i] = (unsigned char)(next >> 56);
    }
    return NF_OK;
}

/* Not SHA-256, but another text has another one. */
static enum nf_code fake_digest(const char *p, size_t n, char ret[NF_DIGEST_HEX + 1],
                                struct nf_err *err)
{
    uint64_t h = 14695981039346656037u;
    (void)err;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)p[i]) * 1099511628211u;
    for (size_t i = 0; i < NF_DIGEST_HEX; i += 16)
        (void)snprintf(ret + i, 17, "%016llx", (unsigned long long)h);
    return NF_OK;
}
