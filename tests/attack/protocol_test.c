/*
 * A plugin that lies to the daemon: see protocol_plugin.c. Each lie has one outcome, in words that
 * say what was wrong, and none reaches another call: after each the same skill answers rightly, in
 * a new process unless the lie was harmless.
 */
#include "tests/attack/host.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHORT_MS 400 /* for what only the deadline ends */
#define RACES 40

enum fate {
    ANSWERED, /* harmless: the call has its result "done", the process goes on */
    FAILED,   /* the call, with words; the process may go on */
    ENDED,    /* the process, with words */
    LATE,     /* ended by the deadline */
    EITHER,   /* ended or answered, as the race has it; never wrongly */
};

static const struct lie {
    const char *name;
    enum fate fate;
    const char *words;
} in_call[] = {
    { "forged_length", ENDED, "a frame of 4294967295 bytes, over 32768" },
    { "length_over_max", ENDED, "a frame of 32769 bytes, over 32768" },
    { "length_never_filled", LATE, "" },
    { "foreign_id", ENDED, "a frame of another call" },
    { "id_zero", ENDED, "a frame of another call" },
    { "old_id", ENDED, "a frame of another call" },
    { "duplicate_result", EITHER, "it spoke after its result" },
    { "poisoned_next", EITHER, "it spoke after its result" },
    { "result_then_ask", EITHER, "it spoke after its result" },
    { "type_0", ENDED, "a frame of the unknown type 0" },
    { "type_99", ENDED, "a frame of the unknown type 99" },
    { "type_call", ENDED, "not its to send" },
    { "type_answer", ENDED, "not its to send" },
    { "type_stop", ENDED, "not its to send" },
    { "ready_again", ENDED, "not its to send" },
    { "failed_in_call", ENDED, "not its to send" },
    { "two_questions", EITHER, "it spoke while a question was open" },
    { "question_of_another", ENDED, "a frame of another call" },
    { "op_0", ENDED, "the unknown question 0" },
    { "op_99", ENDED, "the unknown question 99" },
    { "op_negative", ENDED, "the unknown question 4294967295" },
    { "json_longer_than_frame", ENDED, "2147483648 bytes announced where 2 are" },
    { "question_too_short", ENDED, "a question of 4 bytes" },
    { "bulk_huge", ENDED, "4294967295 bytes in shared memory, over 8388608" },
    { "bulk_over_max", ENDED, "8388609 bytes in shared memory, over 8388608" },
    { "bulk_without_number", ENDED, "a frame for shared memory with 0 bytes" },
    { "bulk_long_number", ENDED, "a frame for shared memory with 8 bytes" },
    { "bulk_tiny", ENDED, "a result of 3 bytes" },
    { "code_99", ENDED, "the unknown code 99" },
    { "code_negative", ENDED, "the unknown code 4294967295" },
    { "result_too_short", ENDED, "a result of 4 bytes" },
    { "result_not_text", EITHER, "" },
    { "over_output", FAILED, "the result is over 65536 bytes" },
    { "over_output_raw", ENDED, "a result over its output limit" },
    { "endless_frames", ENDED, "log lines faster than its host lets out" },
    { "endless_bytes", ENDED, "a frame of the unknown type 0" },
    { "a_byte_at_a_time", LATE, "" },
    { "close_everything", ENDED, "closed its pipe" },
    { "close_reply", ENDED, "closed its pipe" },
    { "close_request", EITHER, "ended by itself" },
    { "half_a_frame", ENDED, "ended by itself with exit code 0" },
    { "exit_0", ENDED, "ended by itself with exit code 0" },
    { "die", ENDED, "called abort (SIGSEGV)" },
    { "wild_pointer", ENDED, "a bad pointer" },
    { "write_everywhere", ANSWERED, "" },
    { "read_requests", LATE, "" },
    { "print_flood", ANSWERED, "" },
    { "print_endless", LATE, "" },
    { "print_long_line", ANSWERED, "" },
    { "print_binary", ANSWERED, "" },
    { "late_result", LATE, "" },
    { "log_flood", ANSWERED, "" },
    { "progress_flood", ANSWERED, "" },
    { "question_flood", ANSWERED, "" },
};

/* In a constructor: the process has not said yet that it is ready. */
static const struct lie loading[] = {
    { "early_result", ENDED, "did not begin by saying it is ready" },
    { "early_ready", EITHER, "" },
    { "early_ready_and_result", EITHER, "" },
    { "early_failed", ENDED, "cannot be used: ?[2J????? junk" },
    { "forged_length", ENDED, "a frame of 4294967295 bytes, over 32768" },
    { "type_99", ENDED, "a frame of the unknown type 99" },
    { "op_99", ENDED, "did not begin by saying it is ready" },
    { "endless_bytes", ENDED, "a frame of the unknown type 0" },
    { "a_byte_at_a_time", LATE, "" },
    { "close_everything", ENDED, "closed its pipe" },
    { "close_request", EITHER, "" },
    { "half_a_frame", ENDED, "ended by itself with exit code 0" },
    { "exit_0", ENDED, "ended by itself with exit code 0" },
    { "die", ENDED, "called abort (SIGSEGV)" },
    { "wild_pointer", ENDED, "a bad pointer" },
    { "write_everywhere", ANSWERED, "" },
    { "read_requests", LATE, "" },
    { "print_flood", ANSWERED, "" },
    { "print_endless", LATE, "" },
};

static const char *plugin;

static int open_descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        n++;
    if (d)
        (void)closedir(d);
    return n;
}

static void judge(struct host *h, const struct lie *l, const char *when,
                  const struct host_result *r)
{
    bool done = r->code == NF_OK && strcmp(r->text, "done") == 0;
    bool first = r->code == NF_OK && strcmp(r->text, "first") == 0; /* its own result, early */
    bool ended = r->code != NF_OK && r->code != NF_E_TIMEOUT && strstr(r->text, l->words);
    if (getenv("NF_ATTACK_VERBOSE"))
        (void)printf("%-24s %-5s %s: %s [%s]\n", l->name, when, nf_code_name(r->code), r->text,
                     h->said);
    static const char *const names[] = { "answered", "failed", "ended", "late", "either" };
    (void)host_check(h,
                     l->fate == ANSWERED                     ? done
                     : l->fate == ENDED || l->fate == FAILED ? ended
                     : l->fate == LATE                       ? r->code == NF_E_TIMEOUT
                                       : done || ended || first || r->code == NF_E_TIMEOUT,
                     "%s (%s): %s: %s, expected %s \"%s\"", l->name, when, nf_code_name(r->code),
                     r->text, names[l->fate], l->words);
}

/* The next calls get their own answers, whatever was left in pipes. One that was given to a process
 * before what it had done was noticed may fail, and then the one after it gets its own. */
static void next_call_is_right(struct host *h, const char *path, const struct lie *l)
{
    struct host_result r;
    struct host_call c = { .path = path, .name = "protocol", .tool = "count" };
    bool fresh = l->fate == ENDED || l->fate == LATE;
    host_call(h, &c, &r);
    if (r.code != NF_OK && (l->fate == EITHER || l->fate == FAILED))
        host_call(h, &c, &r);
    (void)host_check(h, r.code == NF_OK && strncmp(r.text, "call ", 5) == 0,
                     "call after %s: %s: %s", l->name, nf_code_name(r.code), r.text);
    (void)host_check(h, !fresh || strcmp(r.text, "call 1") == 0,
                     "after %s the process was not replaced: %s", l->name, r.text);
}

static void lies_in_calls(struct host *h)
{
    char path[256];
    if (!attack_world_plugin(&h->world, plugin, "", "run", path))
        abort();
    for (size_t i = 0; i < sizeof in_call / sizeof *in_call; i++) {
        const struct lie *l = &in_call[i];
        struct host_result r;
        struct host_call c = { .path = path, .name = "protocol", .tool = l->name };
        c.timeout_ms = l->fate == LATE || l->fate == EITHER ? SHORT_MS : 0;
        host_call(h, &c, &r);
        judge(h, l, "call", &r);
        next_call_is_right(h, path, l);
    }
}

/* Processes are numbered one after the other, templates among them: of a new skill the worker is
 * the second one after the worker of the new skill before. */
static int64_t number_of_next(struct host *h)
{
    char path[256];
    struct host_result r;
    struct host_call c = { .path = path, .name = "protocol", .tool = "count" };
    if (!attack_world_plugin(&h->world, plugin, "honest", "run", path))
        abort();
    host_call(h, &c, &r);
    nf_warden_retire(h->warden, "protocol");
    (void)unlink(path);
    return h->last_worker + 2;
}

static void lies_while_loading(struct host *h)
{
    for (size_t i = 0; i < sizeof loading / sizeof *loading; i++) {
        const struct lie *l = &loading[i];
        struct host_result r;
        char path[256];
        h->world.orders.needle = number_of_next(h);
        if (!attack_world_plugin(&h->world, plugin, l->name, "ctor", path))
            abort();
        struct host_call c = { .path = path, .name = "protocol", .tool = "count" };
        c.timeout_ms = l->fate == LATE || l->fate == EITHER ? SHORT_MS : 0;
        host_call(h, &c, &r);
        if (r.code == NF_OK && strncmp(r.text, "call ", 5) == 0)
            (void)strcpy(r.text, "done"); /* it went on as if nothing had been */
        judge(h, l, "ctor", &r);
        nf_warden_retire(h->warden, "protocol");
        (void)unlink(path);
    }
}

/* What was checked is what is used: a result that is taken is text, whatever it was a moment later.
 */
static void memory_races(struct host *h)
{
    size_t texts = 0, refused = 0;
    char path[256];
    if (!attack_world_plugin(&h->world, plugin, "threads", "run", path))
        abort();
    for (int i = 0; i < RACES; i++) {
        struct host_result r;
        struct host_call c = { .path = path, .name = "protocol", .tool = "memory_race" };
        c.threads = true;
        c.timeout_ms = 5000;
        c.output_bytes = (int64_t)1 << 20;
        host_call(h, &c, &r);
        texts += r.code == NF_OK;
        refused += r.code != NF_OK;
        (void)host_check(h, !strstr(r.text, "exit code 8"), "the shared memory was not found");
        (void)host_check(h, r.code != NF_E_TIMEOUT, "race %d: %s", i, r.text);
        nf_warden_retire(h->warden, "protocol");
    }
    (void)printf("%d races: %zu texts, %zu refused\n", RACES, texts, refused);
}

static void all_lies(struct host *h)
{
    static const struct lie honest = { "nothing", ANSWERED, "" };
    char path[256];
    if (!attack_world_plugin(&h->world, plugin, "", "run", path))
        abort();
    next_call_is_right(h, path, &honest);
    int before = open_descriptors();
    lies_in_calls(h);
    lies_while_loading(h);
    memory_races(h);
    next_call_is_right(h, path, &honest);
    int after = open_descriptors();
    (void)host_check(h, after <= before + 12, "descriptors: %d before, %d after", before, after);
}

int main(void)
{
    plugin = getenv("NF_ATTACK_LIAR");
    return plugin ? host_main(all_lies) : 2;
}
