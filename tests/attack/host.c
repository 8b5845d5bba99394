#include "tests/attack/host.h"

#include "codec/hash.h"
#include "runtime/fiber.h"

#include <nexflow/skill.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void report(void *arg, const char *skill, const char *what)
{
    struct host *h = arg;
    (void)skill;
    h->reports++;
    (void)snprintf(h->said, sizeof h->said, "%s", what);
}

static void output(void *arg, const char *skill, const char *line, size_t n)
{
    struct host *h = arg;
    (void)skill;
    h->lines++;
    (void)snprintf(h->printed, sizeof h->printed, "%.*s", n < HOST_SAID ? (int)n : HOST_SAID, line);
}

static enum nf_code refuse(struct nf_skill_broker *b, const struct nf_skill_ask *a,
                           struct nf_skill_answer *ret, struct nf_err *err)
{
    (void)b, (void)a, (void)err;
    ret->code = NF_SKILL_E_DENIED;
    return NF_OK;
}

static struct nf_skill_broker refuser = { .ops = &(const struct nf_skill_broker_ops){ refuse } };

bool host_check(struct host *h, bool good, const char *format, ...)
{
    va_list ap;
    h->checks++;
    if (good)
        return true;
    h->failures++;
    va_start(ap, format);
    (void)fputs("FAILED: ", stdout);
    (void)vprintf(format, ap);
    (void)fputc('\n', stdout);
    va_end(ap);
    (void)fflush(stdout);
    return false;
}

/* The installed skill's hash is of its files; what matters here is that different files differ. */
static void hash_of(const char *path, char ret[NF_SHA256_HEX + 1])
{
    static char bytes[(size_t)8 << 20];
    struct stat st;
    FILE *f = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "re") : NULL;
    size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    if (f)
        (void)fclose(f);
    nf_sha256_hex(bytes, n, ret);
}

/* "kill ptrace" of "... forbidden system call: ptrace (101) ..." and the like. */
static void outcome_of(const struct host *h, int64_t reports, struct host_result *r)
{
    static const char violation[] = "forbidden system call: ", crash[] = "(SIG";
    const char *words = reports != h->reports ? h->said : r->text, *at;
    char name[40] = "";
    if (r->code == NF_OK && sscanf(r->text, "result %39s", name) == 1)
        (void)snprintf(r->outcome, sizeof r->outcome, "%s", attack_outcome(strtol(name, NULL, 10)));
    else if (r->code == NF_E_TIMEOUT)
        (void)strcpy(r->outcome, "deadline");
    else if ((at = strstr(words, violation)) &&
             sscanf(at + sizeof violation - 1, "%39[a-z0-9_ ]", name) == 1)
        (void)snprintf(r->outcome, sizeof r->outcome, "kill %.*s", (int)strlen(name) - 1, name);
    else if ((at = strstr(words, crash)) && sscanf(at + 1, "%39[A-Z0-9]", name) == 1)
        (void)snprintf(r->outcome, sizeof r->outcome, "%s", name);
    else
        (void)snprintf(r->outcome, sizeof r->outcome, "%s: %.300s", nf_code_name(r->code), words);
}

void host_call(struct host *h, const struct host_call *c, struct host_result *ret)
{
    char hash[NF_SHA256_HEX + 1];
    struct nf_err err = { 0 };
    struct nf_skill_ran ran = { 0 };
    struct nf_skill_unit unit = { .name = c->name ? c->name : "attack",
                                  .version = "1.0.0",
                                  .hash = hash,
                                  .path = c->path,
                                  .oneshot = c->oneshot,
                                  .threads = c->threads,
                                  .memory_bytes = HOST_MEMORY,
                                  .cpu_ms = 60000,
                                  .output_bytes = c->output_bytes ? c->output_bytes : HOST_OUTPUT,
                                  .min_level = c->min_level ? c->min_level : "" };
    struct nf_skill_run run = { .unit = &unit,
                                .tool = c->tool ? c->tool : "attack",
                                .args = c->args ? c->args : "{}",
                                .timeout_ms = c->timeout_ms ? c->timeout_ms : HOST_PATIENCE_MS,
                                .broker = h->broker ? h->broker : &refuser };
    int64_t reports = h->reports;
    hash_of(c->path, hash);
    ret->code = nf_warden_call(h->warden, &run, &ran, &err);
    (void)snprintf(ret->text, sizeof ret->text, "%s",
                   ret->code == NF_OK ? nf_str_c(&ran.result) : err.msg);
    outcome_of(h, reports, ret);
    nf_str_done(&ran.result);
    ret->ran = ran;
    if (ran.worker > h->last_worker)
        h->last_worker = ran.worker;
}

struct start {
    struct host *host;
    void (*body)(struct host *h);
};

/* Where an ordinary user can execute it, too. */
static bool copy_program(const struct host *h, char ret[256])
{
    static char bytes[(size_t)16 << 20];
    FILE *f = fopen(getenv("NF_ATTACK_HOST"), "re");
    size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    if (f)
        (void)fclose(f);
    (void)snprintf(ret, 256, "%s/nexflow-skill", h->world.orders.dir);
    f = fopen(ret, "we");
    bool ok = f && n && fwrite(bytes, 1, n, f) == n;
    return f && fclose(f) == 0 && ok && chmod(ret, 0755) == 0;
}

static enum nf_code run_body(void *arg, struct nf_err *err)
{
    struct start *s = arg;
    char program[256];
    if (!copy_program(s->host, program))
        return nf_err_set(err, NF_E_NOT_FOUND, "NF_ATTACK_HOST is no program");
    struct nf_warden_options o = { .loop = s->host->loop,
                                   .program = program,
                                   .min_level = "",
                                   .workers_max = 8,
                                   .idle_ms = 60000,
                                   .report = report,
                                   .output = output,
                                   .arg = s->host };
    NF_TRY(nf_warden_new(&o, &s->host->warden, err));
    s->body(s->host);
    nf_warden_free(s->host->warden);
    return NF_OK;
}

int host_main(void (*body)(struct host *h))
{
    static struct host host;
    struct start s = { &host, body };
    struct nf_err err = { 0 };
    if (!attack_world_new(&host.world))
        return 1;
    enum nf_code rc = nf_loop_new(&host.loop, &err);
    if (rc == NF_OK)
        rc = nf_loop_run(host.loop, run_body, &s, &err);
    if (rc != NF_OK)
        (void)host_check(&host, false, "%s: %s", nf_code_name(rc), err.msg);
    nf_loop_free(host.loop);
    attack_world_free(&host.world);
    (void)printf("%zu checks, %zu failed\n", host.checks, host.failures);
    return host.failures || !host.checks ? 1 : 0;
}
