/* The context builder: what must hold for any conversation, over many random ones. */
#include "application/context.h"
#include "base/own.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- a deterministic source of chance --------------------------------------------------------- */

static uint64_t state;

static uint64_t chance(void) /* xorshift64* */
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(2685821657736338717);
}

static size_t below(size_t n)
{
    return (size_t)((chance() >> 11) % n);
}

static bool one_in(size_t n)
{
    return below(n) == 0;
}

/* --- texts: borrowed from a pool, so that making a conversation costs nothing ----------------- */

#define POOL 48
static char *pool[POOL];

static void fill_pool(void)
{
    static const char *const units[] = { "word ",
                                         "if (x) {\n",
                                         "\xe4\xb8\xad\xe6\x96\x87",
                                         "\xf0\x9f\x98\x80",
                                         "\xc3\xa9t\xc3\xa9 ",
                                         "0123456789" };
    size_t want = 4;

    for (size_t i = 0; i < POOL; i++) {
        const char *unit = units[i % 6];
        size_t n = strlen(unit), len = 0;

        if (i % 4 == 3)
            want += want / 2 + 1; /* up to about 600 bytes; the last ones are far longer */
        if (i >= POOL - 4)
            want = (size_t)20000 << (2 * (i - (POOL - 4)));
        pool[i] = malloc(want + n + 1);
        while (len < want) {
            memcpy(pool[i] + len, unit, n);
            len += n;
        }
        pool[i][len] = '\0';
    }
}

/* Mostly short, now and then far larger than a small window. */
static char *text(void)
{
    if (one_in(60))
        return pool[POOL - 4 + below(one_in(8) ? 4 : 2)];
    return pool[below(POOL - 4)];
}

/* --- conversations ---------------------------------------------------------------------------- */

#define MESSAGES 64
#define PARTS 6

struct story {
    struct nf_message v[MESSAGES];
    struct nf_part parts[MESSAGES][PARTS];
    char ids[MESSAGES][PARTS][40];
    struct nf_messages list;
};

static struct story story;

static struct nf_message *tell(enum nf_role role)
{
    struct nf_message *m = &story.v[story.list.n];

    *m = (struct nf_message){ .role = role, .seq = (int64_t)++story.list.n };
    m->parts.v = story.parts[m->seq - 1];
    return m;
}

static struct nf_part *part(struct nf_message *m, enum nf_part_type type)
{
    struct nf_part *p = &m->parts.v[m->parts.n++];

    *p = (struct nf_part){ .type = type };
    return p;
}

/* Calls, and results for most of them; sometimes an id twice, in another order, or of no call. */
static void tell_round(void)
{
    struct nf_message *m = tell(NF_ROLE_ASSISTANT);
    size_t calls = 1 + below(3);

    if (one_in(2))
        part(m, NF_PART_TEXT)->text = text();
    for (size_t i = 0; i < calls; i++) {
        struct nf_part *p = part(m, NF_PART_TOOL_CALL);
        char *id = story.ids[m->seq - 1][i];

        (void)snprintf(id, 40, "c%d_%zu", (int)m->seq, one_in(20) ? 0 : i);
        p->call_id = id;
        p->name = "tool";
        p->args = one_in(4) ? pool[below(20)] : "{}";
    }
    if (one_in(6)) { /* as replies are kept: thinking last */
        struct nf_part *p = part(m, NF_PART_THINKING);

        p->text = pool[below(POOL - 4)];
        p->signature = "sig";
    }
    for (size_t i = 0; i < calls; i++) {
        struct nf_part *p;

        if (one_in(12))
            continue;
        if (one_in(10))
            tell(NF_ROLE_NOTICE)->content = text();
        p = part(tell(NF_ROLE_TOOL), NF_PART_TOOL_RESULT);
        p->call_id = one_in(15) ? "orphan" : story.ids[m->seq - 1][i];
        p->text = text();
        p->is_error = one_in(5);
    }
}

static void tell_user(void)
{
    struct nf_message *m = tell(NF_ROLE_USER);

    m->content = text();
    if (one_in(10)) {
        part(m, NF_PART_TEXT)->text = m->content;
        part(m, NF_PART_IMAGE)->data = "AAAA";
    }
}

static void tell_story(void)
{
    size_t turns = 1 + below(6);

    story.list = (struct nf_messages){ .v = story.v };
    if (one_in(4))
        tell(NF_ROLE_ASSISTANT)->content = text();
    if (one_in(8))
        part(tell(NF_ROLE_TOOL), NF_PART_TOOL_RESULT)->text = text();
    for (size_t i = 0; i < turns; i++) {
        bool last = i + 1 == turns;

        if (one_in(10))
            tell(NF_ROLE_NOTICE)->content = "notice";
        tell_user();
        for (size_t k = one_in(2) ? below(3) : 0; k > 0 && story.list.n < MESSAGES - 12; k--)
            tell_round();
        if (!last && !one_in(8))
            tell(NF_ROLE_ASSISTANT)->content = one_in(30) ? "" : text();
        if (story.list.n >= MESSAGES - 14)
            break;
    }
}

/* --- counting again, by other code ------------------------------------------------------------ */

static int64_t count(const char *p)
{
    int64_t thirds = 0;

    for (; p && *p; p++)
        thirds += (unsigned char)*p >= 0xf0 ? 6 : 1;
    return (thirds + 2) / 3;
}

static int64_t count_request(const struct nf_completion_request *r)
{
    int64_t sum = 0;

    for (size_t i = 0; i < r->system.n; i++)
        sum += count(r->system.v[i].text) + 1;
    for (size_t i = 0; i < r->messages_n; i++) {
        sum += 4;
        for (size_t k = 0; k < r->messages[i].parts.n; k++) {
            const struct nf_part *p = &r->messages[i].parts.v[k];

            sum += count(p->text) + count(p->call_id) + count(p->name) + count(p->args) +
                   count(p->signature) + (p->type == NF_PART_IMAGE ? 1500 : 4);
        }
    }
    return sum;
}

/* --- what must hold --------------------------------------------------------------------------- */

static const struct nf_message *newest_user(void)
{
    for (size_t i = story.list.n; i > 0; i--)
        if (story.list.v[i - 1].role == NF_ROLE_USER)
            return &story.list.v[i - 1];
    return NULL;
}

/* Beginning and end are those of the whole, and the mark tells how much is missing. */
static bool is_cut_of(const char *got, const char *whole)
{
    const char *mark = strstr(got, "\n[... ");
    char *rest;
    size_t head, missing, n = strlen(whole);

    if (!mark)
        return strcmp(got, whole) == 0;
    head = (size_t)(mark - got);
    missing = strtoul(mark + strlen("\n[... "), &rest, 10);
    if (strncmp(rest, " bytes left out ...]\n", 21) != 0)
        return false;
    rest += 21;
    return n == head + missing + strlen(rest) && strncmp(got, whole, head) == 0 &&
           strcmp(whole + n - strlen(rest), rest) == 0;
}

/* Calls are answered once each, in the next message; results answer a call. */
static void check_pairs(const struct nf_completion_request *r)
{
    for (size_t i = 0; i < r->messages_n; i++) {
        const struct nf_chat_message *m = &r->messages[i];
        const struct nf_parts *results = &r->messages[i + 1].parts;
        size_t at = 0;

        assert_true(m->parts.n > 0);
        if (m->role == NF_ROLE_TOOL) {
            assert_true(i > 0 && nf_parts_tool_calls(&r->messages[i - 1].parts) == m->parts.n);
            continue;
        }
        if (nf_parts_tool_calls(&m->parts) == 0)
            continue;
        assert_int_equal(m->role, NF_ROLE_ASSISTANT);
        assert_true(i + 1 < r->messages_n && r->messages[i + 1].role == NF_ROLE_TOOL);
        for (size_t k = 0; k < m->parts.n; k++) {
            if (m->parts.v[k].type != NF_PART_TOOL_CALL)
                continue;
            assert_int_equal(results->v[at].type, NF_PART_TOOL_RESULT);
            assert_string_equal(results->v[at].call_id, m->parts.v[k].call_id);
            at++;
        }
    }
}

static void check_request(const struct nf_completion_request *r, const char *system)
{
    const struct nf_chat_message *last = r->messages;

    assert_true(r->messages_n > 0);
    assert_int_equal(r->messages[0].role, NF_ROLE_USER);
    assert_string_equal(r->system.v[0].text, system);
    for (size_t i = 0; i < r->messages_n; i++) {
        assert_int_not_equal(r->messages[i].role, NF_ROLE_NOTICE);
        if (r->messages[i].role == NF_ROLE_USER)
            last = &r->messages[i];
    }
    assert_int_equal(last->parts.v[0].type, NF_PART_TEXT);
    assert_true(is_cut_of(last->parts.v[0].text, newest_user()->content));
    check_pairs(r);
}

static int reached[4]; /* how often building went that far */

static int64_t build(struct nf_context_input in, int64_t window)
{
    NF_CLEANUP(nf_completion_request_done) struct nf_completion_request r;
    struct nf_context_report report;
    struct nf_err err;
    int64_t reply = in.reply_tokens < window / 2 ? in.reply_tokens : window / 2;

    in.window_tokens = window;
    nf_completion_request_init(&r);
    assert_ok(nf_context_build(&in, &r, &report, &err), &err);
    check_request(&r, in.system);
    assert_true(report.tokens + reply <= window);
    assert_true(count_request(&r) + in.tools_tokens <= report.tokens);
    assert_in_range(report.steps, 0, 3);
    reached[report.steps]++;
    assert_true(report.steps > 0 || report.shortened + report.rounds == 0);
    return report.tokens;
}

#ifdef __SANITIZE_ADDRESS__
#define ROUNDS 20000
#else
#define ROUNDS 100000
#endif

static void any_history_fits_any_window_and_a_smaller_one_never_gets_more(void **unused)
{
    int rounds = getenv("NF_UNDER_VALGRIND") ? 200 : ROUNDS;
    (void)unused;

    state = UINT64_C(0x9e3779b97f4a7c15);
    fill_pool();
    for (int i = 0; i < rounds; i++) {
        struct nf_context_input in = { .system = pool[below(POOL - 4)],
                                       .summary = one_in(5) ? text() : "",
                                       .history = &story.list,
                                       .reply_tokens = (int64_t)below(4096),
                                       .tools_tokens = (int64_t)below(500) };
        int64_t window = 4096, whole, wide, narrow;

        while (window < 1000000 && one_in(2))
            window *= 2;
        window = window > 1000000 ? 1000000 : window + (int64_t)below((size_t)window / 4);
        tell_story();
        narrow = build(in, window);
        wide = build(in, window + window / 3);
        assert_true(narrow <= wide);
        if (one_in(16) && in.summary[0] == '\0') {
            whole = build(in, INT64_C(1) << 40);
            assert_true(wide <= whole);
        }
    }
    /* It was not all easy. */
    for (int i = 0; i < 4; i++)
        assert_true(reached[i] > rounds / 100);
    for (size_t i = 0; i < POOL; i++)
        free(pool[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_history_fits_any_window_and_a_smaller_one_never_gets_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
