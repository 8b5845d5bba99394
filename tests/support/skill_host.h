/*
 * A host for plugins in the test's own process: JSON from codec, a store and files in memory, a web
 * that answers what the test scripted. So a skill runs under the sanitizers and valgrind.
 */
#pragma once

#include <nexflow/skill.h>

#include <stdbool.h>

struct skill_rig;

/* Answer one request: fill in *ret and return NF_SKILL_OK, or fail. What it points to must live
 * until the call ends. */
typedef int (*skill_web)(struct skill_rig *rig, const struct nf_skill_http_request *r,
                         struct nf_skill_http_response *ret);

struct skill_rig {
    struct nf_skill_host h;
    const struct nf_skill_v1 *skill;
    int64_t now_ms;      /* what the clock shows */
    size_t memory_max;   /* bytes that a call may allocate */
    size_t memory_used;  /* by the newest call */
    size_t fail_alloc;   /* the n-th allocation of a call fails; 0: none */
    size_t output_max;   /* bytes of a result */
    size_t file_max;     /* bytes of a file that may be read at once */
    skill_web web;       /* NULL: the network is not granted */
    void *web_arg;       /* the test's */
    int requests;        /* so far */
    char last_url[2048]; /* of the newest request */
    char *result;        /* of the newest call, never NULL */
    size_t result_n;
    char error[1024]; /* why it failed; "" if it did not */
    struct rig_item *kv, *files, *config, *memory;
    struct rig_doc *docs;
    size_t allocs;
};

struct skill_rig *skill_rig_new(const struct nf_skill_v1 *skill);
void skill_rig_free(struct skill_rig *rig);

/* One call; the skill's code. */
int skill_rig_call(struct skill_rig *rig, const char *tool, const char *args);

/* The same with the arguments {"key": text, more}: `more` is "" or begins with a comma. For text
 * that is no JSON yet. */
int skill_rig_call_with(struct skill_rig *rig, const char *tool, const char *key, const char *text,
                        size_t n, const char *more);

/* A file of the workspace or a value of the store; `text` NULL removes it. skill_rig_file and
 * skill_rig_kv: what it holds, NULL if it is not there. */
void skill_rig_put_file(struct skill_rig *rig, const char *path, const char *text, size_t n);
const char *skill_rig_file(struct skill_rig *rig, const char *path);
/* A value of the configuration. */
void skill_rig_put_config(struct skill_rig *rig, const char *key, const char *text);
void skill_rig_put_kv(struct skill_rig *rig, const char *key, const char *text, size_t n);
const char *skill_rig_kv(struct skill_rig *rig, const char *key);

/* Call and check: the result is `want`, has it within, or the call fails with `code` and words that
 * have `want` within. A failure names the arguments. */
void skill_is(struct skill_rig *rig, const char *tool, const char *args, const char *want);
void skill_has(struct skill_rig *rig, const char *tool, const char *args, const char *want);
void skill_lacks(struct skill_rig *rig, const char *tool, const char *args, const char *unwanted);
void skill_fails(struct skill_rig *rig, const char *tool, const char *args, int code,
                 const char *want);

/* Make the n-th allocation of the call fail for n = 1 until it succeeds: every failure must be
 * NF_SKILL_E_LIMIT with a reason. */
void skill_survives_no_memory(struct skill_rig *rig, const char *tool, const char *args);
