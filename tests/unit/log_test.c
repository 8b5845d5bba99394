#include "tests/support/test.h"

#include "base/context.h"
#include "base/own.h"
#include "codec/json.h"
#include "observe/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_MAX ((size_t)1 << 20)

static struct nf_err err;

struct fixture {
    int in, out; /* a pipe: the log writes to `out` */
    char *text;  /* what was read, NUL-terminated */
    size_t n;
    struct nf_json_doc *doc;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    int fd[2];
    if (!f)
        return -1;
    *state = f;
    if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    f->in = fd[0];
    f->out = fd[1];
    f->text = malloc(READ_MAX + 1);
    return f->text ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    nf_log_setup(STDERR_FILENO, NF_LOG_INFO, NF_LOG_JSON);
    (void)close(f->in);
    (void)close(f->out);
    nf_json_free(f->doc);
    free(f->text);
    free(f);
    return 0;
}

/* Everything in the pipe. */
static const char *taken(struct fixture *f)
{
    f->n = 0;
    for (ssize_t k; (k = read(f->in, f->text + f->n, READ_MAX - f->n)) > 0;)
        f->n += (size_t)k;
    f->text[f->n] = '\0';
    return f->text;
}

/* The one line in the pipe, as JSON. */
static const struct nf_json *taken_json(struct fixture *f)
{
    const char *line = taken(f);
    assert_true(f->n > 0);
    assert_ptr_equal(strchr(line, '\n'), line + f->n - 1);
    nf_json_free(f->doc);
    f->doc = NULL;
    assert_ok(nf_json_parse(line, f->n, 0, &f->doc, &err), &err);
    return nf_json_root(f->doc);
}

static const char *member(const struct nf_json *v, const char *key)
{
    const char *text = nf_json_str(nf_json_get(v, key));
    return text ? text : "(none)";
}

static bool looks_like(const char *text, const char *pattern)
{
    regex_t re;
    assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool yes = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return yes;
}

static void a_json_line_has_time_level_event_and_fields(void **state)
{
    struct fixture *f = *state;
    nf_log_setup(f->out, NF_LOG_INFO, NF_LOG_JSON);

    nf_log_warn("channel.send.failed", "chat", "a\"b\\\n\t\x1b\x7f\xc2\x9b\xe2\x82\xac", "empty",
                "", "n", nf_num(&(struct nf_num_buf){ "" }, -42), NULL);

    const struct nf_json *v = taken_json(f);
    assert_true(
        looks_like(member(v, "ts"), "^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z$"));
    assert_string_equal(member(v, "level"), "warn");
    assert_string_equal(member(v, "event"), "channel.send.failed");
    assert_string_equal(member(v, "chat"), "a\"b\\\n\t\x1b\x7f\xc2\x9b\xe2\x82\xac");
    assert_string_equal(member(v, "empty"), "");
    assert_string_equal(member(v, "n"), "-42");
    assert_null(strchr(f->text, '\x1b'));
    assert_null(strchr(f->text, '\x7f'));
    assert_null(strchr(f->text, '\x9b'));
}

static void invalid_utf8_becomes_the_replacement_character(void **state)
{
    struct fixture *f = *state;
    nf_log_setup(f->out, NF_LOG_INFO, NF_LOG_JSON);
    nf_log_info("e", "k", "a\xff\xe2\x82", NULL);
    assert_string_equal(member(taken_json(f), "k"), "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

static void a_value_without_text_reads_null(void **state)
{
    struct fixture *f = *state;
    nf_log_setup(f->out, NF_LOG_INFO, NF_LOG_JSON);
    nf_log_info("e", "k", (char *)NULL, NULL);
    assert_int_equal(nf_json_type(nf_json_get(taken_json(f), "k")), NF_JSON_NULL);
}

static void levels_below_the_set_one_are_not_written(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = { "debug", "info", "warn", "error" };
    for (int set = NF_LOG_DEBUG; set <= NF_LOG_ERROR; set++)
        for (int level = NF_LOG_DEBUG; level <= NF_LOG_ERROR; level++) {
            nf_log_setup(f->out, (enum nf_log_level)set, NF_LOG_JSON);
            nf_log_event((enum nf_log_level)level, "e", NULL);
            bool written = *taken(f) != '\0';
            assert_int_equal(written, level >= set);
            if (written)
                assert_non_null(strstr(f->text, names[level - NF_LOG_DEBUG]));
        }
}

static void the_context_adds_fields_unless_something_nearer_has_the_key(void **state)
{
    struct fixture *f = *state;
    nf_log_setup(f->out, NF_LOG_INFO, NF_LOG_JSON);
    NF_CLEANUP(nf_context_pop) struct nf_context outer;
    nf_context_push(&outer, "session", "outer");
    NF_CLEANUP(nf_context_pop) struct nf_context task;
    nf_context_push(&task, "task", "t");
    NF_CLEANUP(nf_context_pop) struct nf_context inner;
    nf_context_push(&inner, "session", "inner");

    nf_log_info("e", "task", "mine", NULL);
    const struct nf_json *v = taken_json(f);
    assert_string_equal(member(v, "session"), "inner");
    assert_string_equal(member(v, "task"), "mine");
    assert_false(nf_json_has_duplicate_keys(v));
}

static void the_console_quotes_what_is_not_plain(void **state)
{
    struct fixture *f = *state;
    nf_log_setup(f->out, NF_LOG_INFO, NF_LOG_CONSOLE);
    nf_log_error("a.b", "plain", "x-1:2", "blank", "x y", "eq", "a=b", "e", "", "esc", "\x1b[31m\n",
                 NULL);
    assert_true(looks_like(taken(f),
                           "^20[^ ]*Z error a\\.b plain=x-1:2 blank=\"x y\" eq=\"a=b\" e=\"\" "
                           "esc=\"\\\\u001b\\[31m\\\\n\"\n$"));
}

static void only_a_terminal_gets_colours(void **state)
{
    struct fixture *f = *state;
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
        skip();
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    nf_log_setup(slave, NF_LOG_INFO, NF_LOG_CONSOLE);
    nf_log_warn("e", "k", "v", NULL);
    ssize_t n = read(master, f->text, READ_MAX);
    (void)close(slave);
    (void)close(master);
    assert_true(n > 0);
    f->text[n] = '\0';
    assert_non_null(strstr(f->text, "\x1b[33mwarn \x1b[0m e k=v"));

    nf_log_setup(f->out, NF_LOG_INFO, NF_LOG_CONSOLE);
    nf_log_warn("e", "k", "v", NULL);
    assert_null(strchr(taken(f), '\x1b'));
}

/* A line with a value of n bytes; its length. */
static size_t line_length(struct fixture *f, size_t n, enum nf_log_format format)
{
    char *value = malloc(n + 1);
    assert_non_null(value);
    memset(value, 'x', n);
    value[n] = '\0';
    nf_log_setup(f->out, NF_LOG_INFO, format);
    nf_log_info("e", "k", value, "after", "y", NULL);
    free(value);
    (void)taken(f);
    return f->n;
}

static void a_long_line_is_cut_and_says_so(void **state)
{
    struct fixture *f = *state;
    size_t rest = line_length(f, 0, NF_LOG_JSON), end = strlen(",\"cut\":true");
    size_t last = NF_LOG_LINE_MAX - rest - end;

    assert_int_equal(line_length(f, last, NF_LOG_JSON), NF_LOG_LINE_MAX - end);
    assert_null(strstr(f->text, "\"cut\""));
    for (size_t n = last + 1; n < last + 40; n++) {
        size_t length = line_length(f, n, NF_LOG_JSON);
        assert_in_range(length, NF_LOG_LINE_MAX - 40, NF_LOG_LINE_MAX);
        nf_json_free(f->doc);
        f->doc = NULL;
        assert_ok(nf_json_parse(f->text, f->n, 0, &f->doc, &err), &err);
        assert_true(nf_json_bool(nf_json_get(nf_json_root(f->doc), "cut"), false));
    }
    assert_in_range(line_length(f, 100000, NF_LOG_CONSOLE), NF_LOG_LINE_MAX - 40, NF_LOG_LINE_MAX);
    assert_non_null(strstr(f->text, " cut=true\n"));
}

static void a_cut_does_not_split_a_character_or_an_escape(void **state)
{
    struct fixture *f = *state;
    static const char *const pieces[] = { "\xf0\x9f\x98\x80", "\x01", "\"" };
    nf_log_setup(f->out, NF_LOG_INFO, NF_LOG_JSON);
    for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++)
        for (size_t shift = 0; shift < 6; shift++) {
            char value[NF_LOG_LINE_MAX + 64] = "";
            memset(value, 'x', shift);
            size_t k = strlen(pieces[p]);
            for (size_t at = shift; at + k < sizeof(value); at += k)
                memcpy(value + at, pieces[p], k);
            nf_log_info("e", "k", value, NULL);
            const struct nf_json *v = taken_json(f);
            assert_true(nf_json_bool(nf_json_get(v, "cut"), false));
        }
}

static void fields_beyond_the_limit_are_cut(void **state)
{
    struct fixture *f = *state;
    nf_log_setup(f->out, NF_LOG_INFO, NF_LOG_JSON);
    struct nf_context frames[NF_LOG_FIELDS_MAX + 1];
    static char keys[NF_LOG_FIELDS_MAX + 1][8];
    for (int i = 0; i <= NF_LOG_FIELDS_MAX; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "k%d", i);
        nf_context_push(&frames[i], keys[i], "v");
        if (i == NF_LOG_FIELDS_MAX - 1) {
            nf_log_info("e", NULL);
            assert_null(strstr(taken(f), "\"cut\""));
        }
    }
    nf_log_info("e", NULL);
    for (int i = NF_LOG_FIELDS_MAX; i >= 0; i--)
        nf_context_pop(&frames[i]);
    const struct nf_json *v = taken_json(f);
    assert_true(nf_json_bool(nf_json_get(v, "cut"), false));
    assert_string_equal(member(v, "k1"), "v");
    assert_string_equal(member(v, "k0"), "(none)");
}

static void what_a_full_pipe_does_not_take_is_dropped_and_counted(void **state)
{
    struct fixture *f = *state;
    nf_log_setup(f->out, NF_LOG_INFO, NF_LOG_JSON);
    unsigned long long before = nf_log_dropped();
    char value[8000];
    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    int sent = 0;
    for (; nf_log_dropped() == before && sent < 1000; sent++)
        nf_log_info("e", "k", value, NULL);
    assert_in_range(sent, 2, 999);
    nf_log_info("lost", NULL);
    (void)taken(f);

    /* Whatever was cut in the middle ends there: the next line stands by itself. */
    nf_log_info("next", NULL);
    const char *after = taken(f);
    if (*after == '\n')
        after++;
    assert_ok(nf_json_parse(after, strlen(after), 0, &f->doc, &err), &err);
    assert_string_equal(member(nf_json_root(f->doc), "event"), "next");
}

static void a_reader_that_has_stopped_stops_nobody(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0); /* blocking, as standard error is */
    nf_log_setup(ends[1], NF_LOG_INFO, NF_LOG_JSON);
    unsigned long long before = nf_log_dropped();
    char value[3000];
    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    for (int i = 0; i < 100; i++)
        nf_log_info("e", "k", value, "k2", value, NULL);
    assert_true(nf_log_dropped() > before);
    nf_log_setup(STDERR_FILENO, NF_LOG_INFO, NF_LOG_JSON);
    close(ends[0]);
    close(ends[1]);
}

static void logging_keeps_errno_and_needs_no_memory(void **state)
{
    struct fixture *f = *state;
    nf_log_setup(f->out, NF_LOG_INFO, NF_LOG_JSON);
    nf_fail_alloc_at(1);
    errno = ENOENT;
    nf_log_info("e", "k", "v", NULL);
    int left = errno;
    void *still = malloc(1); /* the armed failure must not have been used up */
    nf_fail_alloc_at(0);
    assert_null(still); /* NOLINT(clang-analyzer-unix.Malloc): that is the question */
    assert_int_equal(left, ENOENT);
    assert_string_equal(member(taken_json(f), "k"), "v");
}

static void *log_much(void *arg)
{
    for (int i = 0; i < 50; i++)
        nf_log_info("thread", "who", (const char *)arg, "pad",
                    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", NULL);
    return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
    struct fixture *f = *state;
    static char *const names[] = { "a", "b", "c" };
    pthread_t t[3];
    nf_log_setup(f->out, NF_LOG_INFO, NF_LOG_JSON);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&t[i], NULL, log_much, names[i]), 0);
    for (int i = 0; i < 3; i++)
        (void)pthread_join(t[i], NULL);
    (void)taken(f);
    int lines = 0;
    for (char *line = f->text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, lines++) {
        nf_json_free(f->doc);
        f->doc = NULL;
        assert_ok(nf_json_parse(line, (size_t)(end - line), 0, &f->doc, &err), &err);
    }
    assert_int_equal(lines, 150);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_json_line_has_time_level_event_and_fields),
        T(invalid_utf8_becomes_the_replacement_character),
        T(a_value_without_text_reads_null),
        T(levels_below_the_set_one_are_not_written),
        T(the_context_adds_fields_unless_something_nearer_has_the_key),
        T(the_console_quotes_what_is_not_plain),
        T(only_a_terminal_gets_colours),
        T(a_long_line_is_cut_and_says_so),
        T(a_cut_does_not_split_a_character_or_an_escape),
        T(fields_beyond_the_limit_are_cut),
        T(what_a_full_pipe_does_not_take_is_dropped_and_counted),
        T(a_reader_that_has_stopped_stops_nobody),
        T(logging_keeps_errno_and_needs_no_memory),
        T(lines_of_threads_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
