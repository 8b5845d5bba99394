#include "codec/zlib_stream.h"

#include "base/own.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define MAX 100000

/* A sender: one stream, each message flushed. */
struct sender {
    z_stream z;
    unsigned char out[2 * MAX];
    size_t n;
};

static int setup(void **data)
{
    struct sender *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    assert_int_equal(deflateInit(&s->z, Z_DEFAULT_COMPRESSION), Z_OK);
    *data = s;
    return 0;
}

static int teardown(void **data)
{
    struct sender *s = *data;
    (void)deflateEnd(&s->z);
    free(s);
    return 0;
}

static void say(struct sender *s, const char *text, size_t n)
{
    s->z.next_in = (z_const Bytef *)text;
    s->z.avail_in = (uInt)n;
    s->z.next_out = s->out;
    s->z.avail_out = sizeof(s->out);
    assert_int_equal(deflate(&s->z, Z_SYNC_FLUSH), Z_OK);
    s->n = sizeof(s->out) - s->z.avail_out;
}

static void messages_share_one_stream(void **data)
{
    struct sender *s = *data;
    struct nf_zlib_stream *z;
    struct nf_err err;
    const char *got;
    size_t n;

    assert_ok(nf_zlib_stream_new(MAX, &z, &err), &err);
    for (int i = 0; i < 100; i++) {
        say(s, "{\"op\":11}", 9);
        assert_ok(nf_zlib_stream_feed(z, (char *)s->out, s->n, &got, &n, &err), &err);
        assert_non_null(got);
        assert_int_equal(n, 9);
        assert_memory_equal(got, "{\"op\":11}", 9);
    }
    nf_zlib_stream_free(z);
}

static void pieces_are_joined(void **data)
{
    struct sender *s = *data;
    struct nf_zlib_stream *z;
    struct nf_err err;
    const char *got;
    size_t n;

    assert_ok(nf_zlib_stream_new(MAX, &z, &err), &err);
    say(s, "hello", 5);
    for (size_t i = 0; i + 1 < s->n; i++) {
        assert_ok(nf_zlib_stream_feed(z, (char *)s->out + i, 1, &got, &n, &err), &err);
        assert_null(got);
    }
    assert_ok(nf_zlib_stream_feed(z, (char *)s->out + s->n - 1, 1, &got, &n, &err), &err);
    assert_int_equal(n, 5);
    assert_memory_equal(got, "hello", 5);
    nf_zlib_stream_free(z);
}

static void a_bomb_is_refused_before_it_is_written_down(void **data)
{
    struct sender *s = *data;
    static char zeros[MAX + 1];
    struct nf_zlib_stream *z;
    struct nf_err err;
    const char *got;
    size_t n;

    assert_ok(nf_zlib_stream_new(MAX, &z, &err), &err);
    say(s, zeros, MAX);
    assert_ok(nf_zlib_stream_feed(z, (char *)s->out, s->n, &got, &n, &err), &err);
    assert_int_equal(n, MAX);
    say(s, zeros, MAX + 1);
    assert_code(nf_zlib_stream_feed(z, (char *)s->out, s->n, &got, &n, &err), NF_E_LIMIT);
    nf_zlib_stream_free(z);

    assert_ok(nf_zlib_stream_new(MAX, &z, &err), &err); /* nor is what never ends kept */
    assert_ok(nf_zlib_stream_feed(z, zeros, MAX, &got, &n, &err), &err);
    assert_code(nf_zlib_stream_feed(z, zeros, 1, &got, &n, &err), NF_E_LIMIT);
    nf_zlib_stream_free(z);
}

static void what_is_no_stream_is_refused(void **data)
{
    struct sender *s = *data;
    struct nf_zlib_stream *z;
    struct nf_err err;
    const char *got;
    size_t n;

    assert_ok(nf_zlib_stream_new(MAX, &z, &err), &err);
    assert_code(nf_zlib_stream_feed(z, "nonsense\0\0\xff\xff", 12, &got, &n, &err), NF_E_INVALID);
    nf_zlib_stream_free(z);

    assert_ok(nf_zlib_stream_new(MAX, &z, &err), &err);
    s->z.next_in = (z_const Bytef *)"x";
    s->z.avail_in = 1;
    s->z.next_out = s->out;
    s->z.avail_out = sizeof(s->out);
    assert_int_equal(deflate(&s->z, Z_FINISH), Z_STREAM_END);
    n = sizeof(s->out) - s->z.avail_out;
    memcpy(s->out + n, "\0\0\xff\xff", 4);
    assert_code(nf_zlib_stream_feed(z, (char *)s->out, n + 4, &got, &n, &err), NF_E_INVALID);
    nf_zlib_stream_free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages_share_one_stream, setup, teardown),
        cmocka_unit_test_setup_teardown(pieces_are_joined, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bomb_is_refused_before_it_is_written_down, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_no_stream_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
