/* A plugin for the tests of plugin processes: a tool for each thing that a plugin may do, and for
 * many that it may not. Built several times: MISBEHAVE says what its constructor or its frames do.
 */
#include <nexflow/skill.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define OUT_FD 4 /* where the host's frames go */

static int calls;
static char name_of_skill[] = "test";

/* --- constructors ----------------------------------------------------------------------------- */

#ifdef LOOP_IN_CONSTRUCTOR
__attribute__((constructor)) static void loop_for_ever(void)
{
    for (;;)
        __asm__ volatile("");
}
#endif
#ifdef EXIT_IN_CONSTRUCTOR
__attribute__((constructor)) static void leave(void)
{
    _exit(42);
}
#endif
#ifdef WRITE_IN_CONSTRUCTOR
__attribute__((constructor)) static void reply_before_a_request(void)
{
    static const char frame[24] = { 8, 0, 0, 0, 4 };
    (void)!write(OUT_FD, frame, sizeof frame);
}
#endif
#ifdef FAIL_IN_INIT
static int init(const struct nf_skill_host *h)
{
    return h->fail(h, NF_SKILL_E_UNAVAILABLE, "there is no oil");
}
#else
static int init(const struct nf_skill_host *h)
{
    struct nf_skill_bytes b;
    return h->kv_get(h, "key", &b) == NF_SKILL_E_DENIED ? NF_SKILL_OK : NF_SKILL_E_INTERNAL;
}
#endif

/* --- frames by hand --------------------------------------------------------------------------- */

static void put(char *p, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = (char)(v >> 8 * i);
}

static void send_frame(uint32_t length, uint32_t type, uint64_t id)
{
    char frame[24] = { 0 };
    put(frame, length, 4);
    put(frame + 4, type, 4);
    put(frame + 8, id, 8);
    (void)!write(OUT_FD, frame, 16 + (length <= 8 ? length : 8));
}

static void wait_for_ever(void)
{
    for (;;)
        sleep(1);
}

static int forge(const struct nf_skill_host *h, const char *how)
{
    if (strcmp(how, "length") == 0)
        send_frame(0xfffffff0u, 4, 1);
    else if (strcmp(how, "type") == 0)
        send_frame(0, 99, 1);
    else if (strcmp(how, "id") == 0)
        send_frame(8, 4, 1);
    else if (strcmp(how, "ready") == 0)
        send_frame(0, 1, 1);
    else if (strcmp(how, "bulk") == 0)
        send_frame(4, 0x80000004u, 1);
    else if (strcmp(how, "close") == 0)
        close(OUT_FD);
    else if (strcmp(how, "after") == 0) { /* then the host sends the real one */
        send_frame(0, 1, 1);
        return h->reply(h, "second", 6);
    }
    wait_for_ever();
    return NF_SKILL_OK;
}

/* --- tools ------------------------------------------------------------------------------------ */

static int kv(const struct nf_skill_host *h)
{
    struct nf_skill_bytes value;
    const struct nf_skill_json *keys;
    if (h->kv_get(h, "a", &value) != NF_SKILL_E_NOT_FOUND || h->kv_put(h, "a", "1", 1) ||
        h->kv_put(h, "b", "two", 3) || h->kv_get(h, "b", &value) ||
        h->kv_list(h, "", NULL, 10, &keys) || h->kv_delete(h, "a"))
        return NF_SKILL_E_INTERNAL;
    struct nf_skill_bytes text = h->json_text(h, keys);
    return h->replyf(h, "%s %zu %s", value.p, h->json_count(h, keys), text.p);
}

static int files(const struct nf_skill_host *h)
{
    struct nf_skill_bytes bytes;
    const struct nf_skill_json *list;
    if (h->file_write(h, "dir/a.txt", "hello", 5) || h->file_read(h, "dir/a.txt", 1, 3, &bytes) ||
        h->file_list(h, "", &list))
        return NF_SKILL_E_INTERNAL;
    const struct nf_skill_json *first = h->json_first(h, list);
    h->replyf(h, "%s %s", bytes.p, h->json_str(h, h->json_get(h, first, "type")));
    return h->file_remove(h, "dir/a.txt");
}

static int http(const struct nf_skill_host *h)
{
    static const char *const headers[] = { "Accept: text/plain", NULL };
    struct nf_skill_http_request r = {
        .abi_major = 1, .struct_size = sizeof r, .url = "https://example.org/", .headers = headers
    };
    struct nf_skill_http_response a;
    int code = h->http_fetch(h, &r, &a);
    if (code != NF_SKILL_OK)
        return code;
    return h->replyf(h, "%d %s %s", a.status, a.content_type, a.body.p);
}

static int json(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    const struct nf_skill_json *list = h->json_get(h, r->args, "list");
    double sum = 0;
    for (const struct nf_skill_json *v = h->json_first(h, list); v; v = h->json_next(h, v))
        sum += h->json_f64(h, v, 0);
    struct nf_skill_bytes quoted = h->json_quote(h, "a\"b\n", 4);
    const struct nf_skill_json *other = h->json_parse(h, "{\"x\":[true]}", 12);
    const struct nf_skill_json *yes = h->json_first(h, h->json_get(h, other, "x"));
    if (h->json_parse(h, "{", 1) || h->error(h)[0] == '\0' ||
        h->json_type(h, r->args) != NF_SKILL_JSON_OBJECT || h->json_get(h, NULL, "x"))
        return NF_SKILL_E_INTERNAL;
    return h->replyf(h, "%g %s %d %lld %s", sum, quoted.p, h->json_bool(h, yes, 0),
                     (long long)h->json_i64(h, h->json_get(h, r->args, "i"), -1),
                     h->json_key(h, h->json_first(h, r->args)));
}

static int use_memory(const struct nf_skill_host *h)
{
    size_t n = (size_t)1 << 30;
    char *p = malloc(n);
    if (!p)
        return h->fail(h, NF_SKILL_E_LIMIT, "no gigabyte");
    memset(p, 1, n);
    return h->reply(h, p, 1);
}

static int flood(const struct nf_skill_host *h, const char *what)
{
    if (strcmp(what, "reply") == 0) {
        int code;
        while ((code = h->reply(h, "0123456789abcdef", 16)) == NF_SKILL_OK) {
        }
        return code;
    }
    if (strcmp(what, "log") == 0) {
        for (int i = 0; i < 10000; i++)
            h->log(h, NF_SKILL_LOG_INFO, "line %d", i);
        return h->reply(h, "done", 4);
    }
    for (int i = 0; i < 200000; i++) /* 10 MB */
        puts("a line that nobody asked for, and many of them..");
    return h->reply(h, "done", 4);
}

static int big(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    size_t n = (size_t)h->json_i64(h, h->json_get(h, r->args, "n"), 0);
    char *p = h->alloc(h, n);
    struct nf_skill_bytes back;
    if (!p)
        return NF_SKILL_E_LIMIT;
    memset(p, 'x', n);
    if (h->file_write(h, "big", p, n) || h->file_read(h, "big", 0, 0, &back) || back.n != n ||
        memcmp(back.p, p, n) != 0)
        return NF_SKILL_E_INTERNAL;
    return h->reply(h, p, n);
}

static int ask_late(const struct nf_skill_host *h)
{
    struct nf_skill_bytes value;
    const struct timespec moment = { .tv_nsec = 20000000 };
    while (h->kv_get(h, "slow", &value) != NF_SKILL_E_TIMEOUT)
        nanosleep(&moment, NULL);
    return h->fail(h, NF_SKILL_E_TIMEOUT, "heard in time: %s", h->error(h));
}

__attribute__((no_sanitize("undefined"))) static void follow_null(void)
{
    char *volatile nowhere = NULL;
    *nowhere = 1; /* NOLINT(clang-analyzer-core.NullDereference): that is what it is for */
}

static int misbehave(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    const char *how = h->json_str(h, h->json_get(h, r->args, "how"));
    how = how ? how : "";
    if (strcmp(r->tool, "forge") == 0)
        return forge(h, how);
    if (strcmp(r->tool, "flood") == 0)
        return flood(h, how);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "exit") == 0)
        exit(3);
    if (strcmp(how, "spin") == 0) {
        for (;;)
            __asm__ volatile("");
    }
    if (strcmp(how, "ptrace") == 0)
        syscall(SYS_ptrace, 0, 0, 0, 0);
    if (strcmp(how, "null") == 0)
        follow_null();
    wait_for_ever();
    return NF_SKILL_OK;
}

static int nap(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    int64_t ms = h->json_i64(h, h->json_get(h, r->args, "ms"), 0);
    struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    nanosleep(&t, NULL);
    return h->replyf(h, "%d", calls);
}

static int call(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    calls++;
    if (strcmp(r->tool, "echo") == 0)
        return h->reply(h, r->args_text.p, r->args_text.n);
    if (strcmp(r->tool, "count") == 0)
        return h->replyf(h, "%d", calls);
    if (strcmp(r->tool, "nap") == 0)
        return nap(h, r);
    if (strcmp(r->tool, "kv") == 0)
        return kv(h);
    if (strcmp(r->tool, "files") == 0)
        return files(h);
    if (strcmp(r->tool, "http") == 0)
        return http(h);
    if (strcmp(r->tool, "json") == 0)
        return json(h, r);
    if (strcmp(r->tool, "memory") == 0)
        return use_memory(h);
    if (strcmp(r->tool, "big") == 0)
        return big(h, r);
    if (strcmp(r->tool, "late") == 0)
        return ask_late(h);
    if (strcmp(r->tool, "fork") == 0)
        return h->replyf(h, "%s", fork() < 0 ? "refused" : "forked");
    if (strcmp(r->tool, "junk") == 0)
        return h->reply(h, "\xff\xfe", 2);
    if (strcmp(r->tool, "fail") == 0)
        return h->fail(h, NF_SKILL_E_NOT_FOUND, "no %s here", "parrot");
    if (strcmp(r->tool, "lament") == 0)
        return h->fail(h, NF_SKILL_E_NOT_FOUND, "no %02000d", 1);
    if (strcmp(r->tool, "notes") == 0) {
        h->progress(h, 50, "half of %s", "it");
        h->log(h, NF_SKILL_LOG_WARN, "watch %d", 7);
        printf("printed\n");
        return h->replyf(h, "%d", h->now_ms(h) > 0 && h->left_ms(h) > 0);
    }
    return misbehave(h, r);
}

static void done(const struct nf_skill_host *h)
{
    (void)h;
    (void)fprintf(stderr, "done\n");
}

NF_SKILL_EXPORT extern const struct nf_skill_v1 nf_skill_v1;
const struct nf_skill_v1 nf_skill_v1 = {
#ifdef OTHER_MAJOR
    99,
#else
    NF_SKILL_ABI_MAJOR,
#endif
#ifdef TOO_SHORT
    8,
#else
    sizeof(struct nf_skill_v1),
#endif
    name_of_skill,
    "1.0.0",
    init,
    call,
    done
};
