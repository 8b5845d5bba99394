/* Calls: reading them, running the plugin, sending what it said. */
#include "cmd/nexflow-skill/host.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY 64                  /* calls, before the heap is looked at */
#define HEAP_TRIM ((size_t)1 << 20)    /* bytes of it, over which it is trimmed */
#define HEAP_RETIRE ((size_t)16 << 20) /* and over which the process asks to be replaced */

struct host *host_of(const struct nf_skill_host *api)
{
    return api->self;
}

static int64_t clock_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t margin_of(int64_t left_us)
{
    int64_t tenth = left_us / 10;
    return tenth < HOST_MARGIN_MIN_US   ? HOST_MARGIN_MIN_US
           : tenth > HOST_MARGIN_MAX_US ? HOST_MARGIN_MAX_US
                                        : tenth;
}

int64_t host_left_us(struct host *h)
{
    int64_t left = h->deadline_us - clock_us(CLOCK_MONOTONIC);
    if (h->margin_us == 0) /* the first question of the call */
        h->margin_us = margin_of(left);
    return left - h->margin_us;
}

int host_error(struct host *h, int code, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(h->error, sizeof h->error, format, ap);
    va_end(ap);
    return code;
}

/* --- frames ----------------------------------------------------------------------------------- */

static bool take(struct host *h, struct nf_wire_frame *ret)
{
    for (;;) {
        bool have;
        char *p;
        size_t room;
        if (nf_wire_next(&h->reader, ret, &have, NULL) != NF_OK)
            return false;
        if (have)
            return true;
        if (nf_wire_room(&h->reader, &p, &room, NULL) != NF_OK)
            return false;
        ssize_t n = read(HOST_IN_FD, p, room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        nf_wire_fed(&h->reader, (size_t)n);
    }
}

bool host_read(struct host *h, struct nf_wire_frame *ret)
{
    if (!take(h, ret))
        return false;
    if (!ret->bulk)
        return true;
    ret->payload = (struct nf_slice){ arena_copy(&h->arena, h->to_us, ret->bulk_n), ret->bulk_n };
    return ret->payload.p;
}

static bool write_all(const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(HOST_OUT_FD, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

bool host_send_bulk(struct host *h, enum nf_wire_type type, uint64_t id, size_t payload_n)
{
    (void)h;
    char frame[NF_WIRE_HEAD + 4];
    nf_wire_put_bulk(frame, type, id, payload_n);
    return write_all(frame, sizeof frame);
}

bool host_send(struct host *h, char *frame, enum nf_wire_type type, uint64_t id, size_t payload_n)
{
    if (payload_n <= NF_WIRE_INLINE_MAX) {
        nf_wire_put_head(frame, type, id, payload_n);
        return write_all(frame, NF_WIRE_HEAD + payload_n);
    }
    memcpy(h->to_daemon, frame + NF_WIRE_HEAD, payload_n);
    return host_send_bulk(h, type, id, payload_n);
}

void host_send_failed(struct host *h, uint64_t number, const char *why)
{
    char frame[NF_WIRE_HEAD + HOST_WORDS];
    size_t n = strnlen(why, HOST_WORDS - 1);
    memcpy(frame + NF_WIRE_HEAD, why, n);
    (void)host_send(h, frame, NF_WIRE_FAILED, number, n);
}

/* --- the result ------------------------------------------------------------------------------- */

static int out_of_room(struct host *h, enum nf_code rc)
{
    if (rc == NF_E_NOMEM)
        return host_error(h, NF_SKILL_E_LIMIT, "no memory for the result");
    return host_error(h, NF_SKILL_E_LIMIT,
                      "the result is over %u bytes: return less, or raise limits.output_kib",
                      h->output_max);
}

static int reply(const struct nf_skill_host *api, const char *p, size_t n)
{
    struct host *h = host_of(api);
    if (!h->calling)
        return host_error(h, NF_SKILL_E_DENIED, "there is no call to reply to");
    enum nf_code rc = nf_str_add(&h->out, p, n, NULL);
    return rc == NF_OK ? NF_SKILL_OK : out_of_room(h, rc);
}

NF_PRINTF(2, 3) static int replyf(const struct nf_skill_host *api, const char *format, ...)
{
    struct host *h = host_of(api);
    if (!h->calling)
        return host_error(h, NF_SKILL_E_DENIED, "there is no call to reply to");
    va_list ap;
    va_start(ap, format);
    enum nf_code rc = nf_str_vaddf(&h->out, NULL, format, ap);
    va_end(ap);
    return rc == NF_OK ? NF_SKILL_OK : out_of_room(h, rc);
}

NF_PRINTF(3, 4) static int fail(const struct nf_skill_host *api, int code, const char *format, ...)
{
    struct host *h = host_of(api);
    bool known = code > NF_SKILL_OK && code <= NF_SKILL_E_INTERNAL;
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(h->fail_words, sizeof h->fail_words, format, ap);
    va_end(ap);
    h->fail_code = known ? code : NF_SKILL_E_INTERNAL;
    return h->fail_code;
}

static const char *error(const struct nf_skill_host *api)
{
    return host_of(api)->error;
}

/* --- the call --------------------------------------------------------------------------------- */

static void *alloc(const struct nf_skill_host *api, size_t n)
{
    struct host *h = host_of(api);
    void *p = arena_alloc(&h->arena, n);
    if (!p) {
        (void)host_error(h, NF_SKILL_E_LIMIT, "no memory for %zu bytes", n);
        return NULL;
    }
    return memset(p, 0, n);
}

static int64_t now_ms(const struct nf_skill_host *api)
{
    (void)api;
    return clock_us(CLOCK_REALTIME) / 1000;
}

static int64_t left_ms(const struct nf_skill_host *api)
{
    struct host *h = host_of(api);
    int64_t left = (h->deadline_us - clock_us(CLOCK_MONOTONIC)) / 1000;
    return left > 0 ? left : 0;
}

/* Whether one more line may go out in this second. */
static bool within_rate(struct host *h)
{
    int64_t second = clock_us(CLOCK_MONOTONIC) / 1000000;
    if (second != h->log_second) {
        h->log_second = second;
        h->log_lines = 0;
    }
    if (h->log_lines++ < HOST_LOGS_PER_S)
        return true;
    h->log_dropped++;
    return false;
}

NF_PRINTF(3, 4)
static void log_line(const struct nf_skill_host *api, int level, const char *format, ...)
{
    struct host *h = host_of(api);
    char text[HOST_LOG_MAX + 1];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (n < 0 || !within_rate(h))
        return;
    n = n < HOST_LOG_MAX ? n : HOST_LOG_MAX;
    if (!h->calling) {
        (void)fprintf(stderr, "%.*s\n", n, text);
        return;
    }
    level = level < NF_SKILL_LOG_DEBUG || level > NF_SKILL_LOG_ERROR ? NF_SKILL_LOG_INFO : level;
    host_note(h, NF_SKILL_OP_LOG, level, text, (size_t)n);
    if (h->log_dropped > 0) {
        int dropped = h->log_dropped;
        h->log_dropped = 0;
        n = snprintf(text, sizeof text, "%d lines were dropped: more than %d in a second", dropped,
                     HOST_LOGS_PER_S);
        host_note(h, NF_SKILL_OP_LOG, NF_SKILL_LOG_WARN, text, (size_t)n);
    }
}

NF_PRINTF(3, 4)
static void progress(const struct nf_skill_host *api, int percent, const char *format, ...)
{
    struct host *h = host_of(api);
    char text[HOST_LOG_MAX + 1];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (n < 0 || !h->calling || !within_rate(h))
        return;
    percent = percent < 0 ? -1 : percent > 100 ? 100 : percent;
    host_note(h, NF_SKILL_OP_PROGRESS, percent, text,
              (size_t)(n < HOST_LOG_MAX ? n : HOST_LOG_MAX));
}

void host_init(struct host *h)
{
    h->api = (struct nf_skill_host){
        .abi_major = NF_SKILL_ABI_MAJOR,
        .struct_size = sizeof h->api,
        .self = h,
        .reply = reply,
        .replyf = replyf,
        .fail = fail,
        .error = error,
        .alloc = alloc,
        .now_ms = now_ms,
        .left_ms = left_ms,
        .log = log_line,
        .progress = progress,
    };
    host_set_json(&h->api);
    host_set_asks(&h->api);
    h->deadline_us = INT64_MAX;
    char *room;
    size_t n;
    if (nf_wire_room(&h->reader, &room, &n, NULL) != NF_OK ||
        nf_str_reserve(&h->out, HOST_OUT_FIRST, NULL) != NF_OK)
        return; /* then it is tried again when it is needed */
}

/* --- serving ---------------------------------------------------------------------------------- */

static void forget_call(struct host *h)
{
    for (size_t i = 0; i < h->docs_n; i++)
        nf_json_free(h->docs[i]);
    h->docs_n = 0;
    nf_json_free(h->args_doc);
    h->args_doc = NULL;
    h->args_parsed = h->calling = false;
    h->fail_code = NF_SKILL_OK;
    h->fail_words[0] = h->error[0] = '\0';
    arena_reset(&h->arena);
    if (h->out.cap > HOST_OUT_KEEP)
        nf_str_done(&h->out);
    else
        nf_str_reset(&h->out);
    if (h->asked.cap > HOST_OUT_KEEP)
        nf_str_done(&h->asked);
}

/* Whether the process has become too big to be kept. What can be given back is. */
static bool outgrown(struct host *h)
{
    bool look = ++h->calls % LOOK_EVERY == 0 || arena_grew(&h->arena) || h->out.cap > HOST_OUT_KEEP;
    if (!look)
        return false;
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd > HEAP_RETIRE;
}

static void trim(void)
{
    struct mallinfo2 m = mallinfo2();
    if (m.fordblks > HEAP_TRIM)
        malloc_trim(0);
}

/* The words of a call that returned `code` without a result, in place of what it replied. */
static void put_failure(struct host *h, int *code)
{
    const char *words = h->fail_code == NF_SKILL_OK ? h->error : h->fail_words;
    if (*code < NF_SKILL_OK || *code > NF_SKILL_E_INTERNAL)
        *code = NF_SKILL_E_INTERNAL;
    if (words[0] == '\0')
        words = "the skill failed and did not say why";
    h->out.len = HOST_HEADS;
    h->out.p[HOST_HEADS] = '\0';
    size_t max = h->out.max;
    h->out.max = HOST_HEADS + HOST_WORDS;
    if (nf_str_adds(&h->out, words, NULL) != NF_OK)
        h->out.len = HOST_HEADS; /* then without words */
    h->out.max = max;
}

static bool send_result(struct host *h, int code)
{
    if (code != NF_SKILL_OK)
        put_failure(h, &code);
    bool retire = outgrown(h);
    nf_wire_put_result(h->out.p + NF_WIRE_HEAD, code, retire ? NF_WIRE_RETIRE : 0);
    return host_send(h, h->out.p, NF_WIRE_RESULT, h->id, h->out.len - NF_WIRE_HEAD);
}

static bool begin(struct host *h, const struct nf_wire_frame *f, struct nf_skill_request *ret)
{
    static const char heads[HOST_HEADS];
    struct nf_wire_call c;
    if (nf_wire_get_call(f->payload, &c, NULL) != NF_OK)
        return false;
    h->id = f->id;
    h->deadline_us = c.deadline_us;
    h->margin_us = 0;
    h->output_max = c.output_max;
    h->calling = true;
    const char *tool = arena_copy(&h->arena, c.tool.p, c.tool.n);
    const char *args = f->bulk ? c.args.p : arena_copy(&h->arena, c.args.p, c.args.n);
    h->out.max = HOST_HEADS + (size_t)c.output_max + 1;
    if (!tool || !args || nf_str_add(&h->out, heads, sizeof heads, NULL) != NF_OK)
        return false;
    h->args = (struct nf_slice){ args, c.args.n };
    *ret = (struct nf_skill_request){
        .abi_major = NF_SKILL_ABI_MAJOR,
        .struct_size = sizeof *ret,
        .tool = tool,
        .args = (const struct nf_skill_json *)(const void *)&h->args,
        .args_text = { args, c.args.n },
    };
    return true;
}

void host_warm(struct host *h)
{
    char text[] = "nothing{\"a\":[1,\"b\"]}";
    char payload[NF_WIRE_CALL_HEAD + sizeof text - 1], *room;
    struct nf_wire_call c = { .output_max = sizeof text, .tool = { text, 7 } };
    struct nf_wire_frame f = { .payload = { payload, sizeof payload } };
    struct nf_skill_request r;
    size_t n;
    nf_wire_put_call(payload, &c);
    memcpy(payload + NF_WIRE_CALL_HEAD, text, sizeof text - 1);
    if (nf_wire_room(&h->reader, &room, &n, NULL) == NF_OK && begin(h, &f, &r)) {
        memset(room, 0, NF_WIRE_HEAD);
        const struct nf_skill_json *a = h->api.json_get(&h->api, r.args, "a");
        (void)h->api.replyf(&h->api, "%d", (int)h->api.json_count(&h->api, a));
        (void)h->api.left_ms(&h->api);
    }
    forget_call(h);
}

int host_serve(struct host *h)
{
    struct nf_wire_frame f;
    while (host_read(h, &f) && f.type == NF_WIRE_CALL) {
        struct nf_skill_request r;
        if (!begin(h, &f, &r))
            return 1;
        int code = h->plugin->call(&h->api, &r);
        if (!send_result(h, code))
            return 1;
        bool grew = arena_grew(&h->arena) || h->calls % LOOK_EVERY == 0;
        forget_call(h);
        if (grew)
            trim();
    }
    if (f.type == NF_WIRE_STOP && NF_SKILL_HAS(h->plugin, struct nf_skill_v1, done) &&
        h->plugin->done) {
        h->deadline_us = INT64_MAX;
        h->plugin->done(&h->api);
    }
    return 0;
}
