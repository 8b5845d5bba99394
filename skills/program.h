/*
 * A program as a skill: started for one call in the looser jail (sandbox/program.h), and gone with
 * it. What it is told and says are lines of JSON on its standard input and output:
 *
 *     told   {"tool":"count","arguments":{...},"left_ms":30000}
 *     says   {"progress":40,"text":"..."}    {"log":"info","text":"..."}
 *            {"ask":"http.fetch","url":"https://...", ...}   and is told
 * {"code":0,"result":{...},...}
 *            {"result":"text" or any JSON}   or   {"error":"words","code":"not_found"}; then it
 * ends
 *
 * docs/skills-programs.md has all of it. The program is started by the warden, never by us.
 */
#pragma once

#include "skills/warden.h"

#define NF_PROGRAMS_MAX 32                    /* that run at once */
#define NF_PROGRAM_PROCESSES 64               /* of one call */
#define NF_PROGRAM_FILE_BYTES (64ll << 20)    /* the largest file it may write */
#define NF_PROGRAM_LINE_SLACK ((size_t)65536) /* a line may be so much longer than the result */
#define NF_PROGRAM_LOOK_MS 500                /* how often its work directory is looked at */
#define NF_PROGRAM_GRACE_MS 2000              /* to end by itself after its result */
#define NF_PROGRAMS_KEPT 8                    /* jails that wait for another run */
#define NF_PROGRAM_KEEP_MS 60000              /* for so long */

struct nf_proxy;

/* Borrowed for the call. */
struct nf_program_run {
    const char *name;        /* of the skill */
    const char *dir;         /* its files, absolute: read only */
    const char *entry;       /* a file in it */
    const char *interpreter; /* absolute; NULL: the entry is executable */
    const char *work_dir;    /* absolute: its current directory, writable */
    uint32_t slot;           /* alike for those who share work_dir */
    const char *min_level;
    int64_t memory_bytes, cpu_ms, output_bytes;
    const char *tool, *args; /* JSON */
    bool asks;               /* it may ask: its standard input stays open */
    int64_t timeout_ms;
    struct nf_skill_broker *broker; /* also of its log and progress */
    /* Serves what connects to the address that the program then has; NULL: it has none. Also where
     * there are no namespaces, since it could have any. */
    struct nf_proxy *proxy;
    /* Asked every NF_PROGRAM_LOOK_MS while it runs; a failure ends it. May suspend. NULL: no. */
    enum nf_code (*look)(void *arg, struct nf_err *err);
    void *look_arg;
};

/* As nf_warden_call. Suspends. */
NF_RC nf_warden_program(struct nf_warden *w, const struct nf_program_run *r,
                        struct nf_skill_ran *ret, struct nf_err *err);
