/*
 * A plugin that speaks to the daemon behind its host's back: frames as skills/wire.h has them, but
 * wrong, early, late, foreign or without end. The tool's name says which; in a constructor the
 * orders do (attack.h).
 */
#include "tests/attack/attack.h"
#include "tests/attack/protocol_frames.h"

#include <nexflow/skill.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Addresses are what this is about. NOLINTBEGIN(performance-no-int-to-ptr) */

#define RACED 40000u /* bytes of a result in shared memory */

static struct attack_orders orders = { .magic = ATTACK_MAGIC };

static void doze(long ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
    (void)nanosleep(&t, NULL);
}

__attribute__((noreturn)) static void wait_for_the_end(void)
{
    for (;;)
        doze(1000);
}

/* --- one function per misbehaviour; those that return let the host answer as usual ---------------
 */

static uint64_t id;
static const struct nf_skill_host *host;

static void forged_length(void)
{
    frame(NF_WIRE_RESULT, id, UINT32_MAX, "", 0);
    wait_for_the_end();
}
static void length_over_max(void)
{
    frame(NF_WIRE_RESULT, id, (uint32_t)NF_WIRE_INLINE_MAX + 1, "", 0);
    wait_for_the_end();
}
static void length_never_filled(void)
{
    frame(NF_WIRE_RESULT, id, 1000, "abc", 3);
    wait_for_the_end();
}
static void foreign_id(void)
{
    result(id + 1, 0, "for somebody else");
    wait_for_the_end();
}
static void id_zero(void)
{
    result(0, 0, "for nobody");
    wait_for_the_end();
}
static void old_id(void)
{
    result(id - 1, 0, "for the last one");
    wait_for_the_end();
}
static void duplicate_result(void)
{
    result(id, 0, "first");
}
static void poisoned_next(void)
{
    result(id, 0, "first");
    result(id + 1, 0, "poison");
    wait_for_the_end();
}
static void result_then_ask(void)
{
    result(id, 0, "first");
    ask(id, NF_SKILL_OP_KV_GET, 2, "{}");
    wait_for_the_end();
}
static void type_0(void)
{
    frame(0, id, 0, "", 0);
    wait_for_the_end();
}
static void type_99(void)
{
    frame(99, id, 0, "", 0);
    wait_for_the_end();
}
static void type_call(void)
{
    frame(NF_WIRE_CALL, id, 16, "0123456789abcdef", 16);
    wait_for_the_end();
}
static void type_answer(void)
{
    frame(NF_WIRE_ANSWER, id, 8, "\0\0\0\0\0\0\0", 8);
    wait_for_the_end();
}
static void type_stop(void)
{
    frame(NF_WIRE_STOP, id, 0, "", 0);
    wait_for_the_end();
}
static void ready_again(void)
{
    frame(NF_WIRE_READY, id, 0, "", 0);
    wait_for_the_end();
}
static void failed_in_call(void)
{
    frame(NF_WIRE_FAILED, id, 3, "why", 3);
    wait_for_the_end();
}
static void two_questions(void)
{
    ask(id, NF_SKILL_OP_KV_GET, 2, "{}");
    ask(id, NF_SKILL_OP_KV_GET, 2, "{}");
    wait_for_the_end();
}
static void question_of_another(void)
{
    ask(id + 1, NF_SKILL_OP_KV_GET, 2, "{}");
    wait_for_the_end();
}
static void op_0(void)
{
    ask(id, 0, 2, "{}");
    wait_for_the_end();
}
static void op_99(void)
{
    ask(id, 99, 2, "{}");
    wait_for_the_end();
}
static void op_negative(void)
{
    ask(id, UINT32_MAX, 2, "{}");
    wait_for_the_end();
}
static void json_longer_than_frame(void)
{
    ask(id, NF_SKILL_OP_KV_GET, 1u << 31, "{}");
    wait_for_the_end();
}
static void question_too_short(void)
{
    frame(NF_WIRE_ASK, id, 4, "\1\0\0", 4);
    wait_for_the_end();
}
static void bulk_huge(void)
{
    bulk(id, NF_WIRE_RESULT, UINT32_MAX, 4);
    wait_for_the_end();
}
static void bulk_over_max(void)
{
    bulk(id, NF_WIRE_RESULT, (uint32_t)NF_WIRE_BULK_MAX + 1, 4);
    wait_for_the_end();
}
static void bulk_without_number(void)
{
    bulk(id, NF_WIRE_RESULT, 100, 0);
    wait_for_the_end();
}
static void bulk_long_number(void)
{
    bulk(id, NF_WIRE_RESULT, 100, 8);
    wait_for_the_end();
}
static void bulk_tiny(void)
{
    bulk(id, NF_WIRE_RESULT, 3, 4);
    wait_for_the_end();
}
static void code_99(void)
{
    result(id, 99, "");
    wait_for_the_end();
}
static void code_negative(void)
{
    result(id, UINT32_MAX, "");
    wait_for_the_end();
}
static void result_too_short(void)
{
    frame(NF_WIRE_RESULT, id, 4, "\0\0\0", 4);
    wait_for_the_end();
}
static void result_not_text(void)
{
    frame(NF_WIRE_RESULT, id, 12, "\0\0\0\0\0\0\0\0\377\376\0x", 12);
}
static void over_output(void)
{
    static char much[4096];
    memset(much, 'x', sizeof much);
    while (host->reply(host, much, sizeof much) == NF_SKILL_OK)
        continue;
}
static void over_output_raw(void)
{
    bulk(id, NF_WIRE_RESULT, (uint32_t)NF_WIRE_BULK_MAX, 4);
    wait_for_the_end();
}
static void endless_frames(void)
{
    for (;;)
        ask(id, NF_SKILL_OP_LOG, 2, "{}flood");
}
static void endless_bytes(void)
{
    static char zeros[65536];
    for (;;)
        send_all(zeros, sizeof zeros);
}
static void a_byte_at_a_time(void)
{
    char buf[NF_WIRE_HEAD + NF_WIRE_RESULT_HEAD] = { NF_WIRE_RESULT_HEAD };
    uint32_t type = NF_WIRE_RESULT;
    memcpy(buf + 4, &type, 4);
    memcpy(buf + 8, &id, 8);
    for (size_t i = 0; i < sizeof buf; i++) {
        send_all(buf + i, 1);
        doze(1000);
    }
}
static void close_everything(void)
{
    for (int fd = 0; fd < FDS; fd++)
        (void)close(fd);
    wait_for_the_end();
}
static void close_reply(void)
{
    (void)close(reply_fd());
    wait_for_the_end();
}
static void close_request(void)
{
    (void)close(request_fd());
}
static void half_a_frame(void)
{
    send_all("\10\0\0\0\4\0", 6);
    _exit(0);
}
static void exit_0(void)
{
    _exit(0);
}
static void die(void)
{
    abort();
}
static void wild_pointer(void)
{
    *(volatile char *)16 = 1;
}
static void write_everywhere(void)
{
    int mine = reply_fd();
    for (int fd = 0; fd < FDS; fd++)
        if (fd != mine)
            (void)!write(fd, "garbage\n", 8);
}
static void read_requests(void)
{
    char buf[64];
    (void)!read(request_fd(), buf, sizeof buf);
}
static void print_flood(void)
{
    for (int i = 0; i < 100000; i++)
        (void)printf("line %d of a flood that nobody wants to read\n", i);
    (void)fflush(stdout);
}
static void print_endless(void)
{
    for (;;)
        (void)fputs("on and on\n", stderr);
}
static void print_long_line(void)
{
    static char much[65536];
    memset(much, 'y', sizeof much);
    for (int i = 0; i < 64; i++)
        (void)!write(1, much, sizeof much);
}
static void print_binary(void)
{
    static const char junk[] = "\0\1\2\033[31m\377\376\r\n\n\n";
    (void)!write(2, junk, sizeof junk);
}
static void late_result(void)
{
    doze(600);
    result(id, 0, "late");
}
static void log_flood(void)
{
    for (int i = 0; i < 20000; i++)
        host->log(host, NF_SKILL_LOG_INFO, "line %d", i);
}
static void progress_flood(void)
{
    for (int i = 0; i < 20000; i++)
        host->progress(host, i % 100, "step %d", i);
}
static void question_flood(void)
{
    struct nf_skill_bytes b;
    for (int i = 0; i < 5000; i++)
        (void)host->kv_get(host, "key", &b);
}

/* The halves of the shared memory: two pointers of the host that lie so far apart. */
static char *find_shared(void)
{
    const uintptr_t *word = (const uintptr_t *)host->self;
    for (size_t i = 0; i + 1 < 128; i++) {
        uintptr_t low = word[i] < word[i + 1] ? word[i] : word[i + 1];
        uintptr_t high = low == word[i] ? word[i + 1] : word[i];
        if (high - low == NF_WIRE_BULK_MAX && is_readable(low) && is_readable(high))
            return (char *)high;
    }
    return NULL;
}

static volatile char *raced;

static void *race(void *arg)
{
    (void)arg;
    for (unsigned i = 0;; i++) {
        raced[0] = (char)(i % 4096 == 0); /* the code of the result */
        raced[NF_WIRE_RESULT_HEAD + i % RACED] = (char)(i % 65536 == 0 ? 0xff : 'a' + i % 26);
    }
    return NULL;
}

/* Results in shared memory that another thread rewrites while the daemon reads them. */
static void memory_race(void)
{
    pthread_t t;
    raced = find_shared();
    if (!raced)
        _exit(8);
    memset((char *)raced + NF_WIRE_RESULT_HEAD, 'a', RACED);
    if (pthread_create(&t, NULL, race, NULL) != 0)
        _exit(8);
    bulk(id, NF_WIRE_RESULT, NF_WIRE_RESULT_HEAD + RACED, 4);
    wait_for_the_end();
}

static const struct {
    const char *name;
    void (*body)(void);
} cases[] = {
    { "forged_length", forged_length },
    { "length_over_max", length_over_max },
    { "length_never_filled", length_never_filled },
    { "foreign_id", foreign_id },
    { "id_zero", id_zero },
    { "old_id", old_id },
    { "duplicate_result", duplicate_result },
    { "poisoned_next", poisoned_next },
    { "result_then_ask", result_then_ask },
    { "type_0", type_0 },
    { "type_99", type_99 },
    { "type_call", type_call },
    { "type_answer", type_answer },
    { "type_stop", type_stop },
    { "ready_again", ready_again },
    { "failed_in_call", failed_in_call },
    { "two_questions", two_questions },
    { "question_of_another", question_of_another },
    { "op_0", op_0 },
    { "op_99", op_99 },
    { "op_negative", op_negative },
    { "json_longer_than_frame", json_longer_than_frame },
    { "question_too_short", question_too_short },
    { "bulk_huge", bulk_huge },
    { "bulk_over_max", bulk_over_max },
    { "bulk_without_number", bulk_without_number },
    { "bulk_long_number", bulk_long_number },
    { "bulk_tiny", bulk_tiny },
    { "code_99", code_99 },
    { "code_negative", code_negative },
    { "result_too_short", result_too_short },
    { "result_not_text", result_not_text },
    { "over_output", over_output },
    { "over_output_raw", over_output_raw },
    { "endless_frames", endless_frames },
    { "endless_bytes", endless_bytes },
    { "a_byte_at_a_time", a_byte_at_a_time },
    { "close_everything", close_everything },
    { "close_reply", close_reply },
    { "close_request", close_request },
    { "half_a_frame", half_a_frame },
    { "exit_0", exit_0 },
    { "die", die },
    { "wild_pointer", wild_pointer },
    { "write_everywhere", write_everywhere },
    { "read_requests", read_requests },
    { "print_flood", print_flood },
    { "print_endless", print_endless },
    { "print_long_line", print_long_line },
    { "print_binary", print_binary },
    { "late_result", late_result },
    { "log_flood", log_flood },
    { "progress_flood", progress_flood },
    { "question_flood", question_flood },
    { "memory_race", memory_race },
};

static int misbehave(const char *name)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(cases[i].name, name) == 0) {
            cases[i].body();
            return 1;
        }
    }
    return 0;
}

/* --- before anything was asked -------------------------------------------------------------------
 */

__attribute__((constructor)) static void early(void)
{
    const struct attack_orders *volatile o = &orders;
    if (strcmp(o->phase, "ctor") != 0)
        return;
    id = (uint64_t)o->needle; /* the test's guess of what will be right */
    if (strcmp(o->name, "early_result") == 0)
        result(id, 0, "early");
    else if (strcmp(o->name, "early_ready") == 0)
        frame(NF_WIRE_READY, id, 0, "", 0);
    else if (strcmp(o->name, "early_failed") == 0) {
        static const char junk[] = "\033[2J\377\376\r\n\7 junk";
        frame(NF_WIRE_FAILED, id, sizeof junk - 1, junk, sizeof junk - 1);
        wait_for_the_end();
    } else if (strcmp(o->name, "early_ready_and_result") == 0) {
        frame(NF_WIRE_READY, id, 0, "", 0);
        result(id, 0, "early");
    } else
        (void)misbehave(o->name);
}

static int calls;

static int call(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    host = h;
    calls++;
    if (strcmp(r->tool, "count") == 0)
        return h->replyf(h, "call %d", calls);
    id = find_id(h, r);
    if (!id)
        return h->fail(h, NF_SKILL_E_INTERNAL, "the call's id was not found");
    if (!misbehave(r->tool))
        return h->fail(h, NF_SKILL_E_NOT_FOUND, "no such misbehaviour");
    return h->replyf(h, "done");
}

NF_SKILL("protocol", "1.0.0", call)

/* NOLINTEND(performance-no-int-to-ptr) */
