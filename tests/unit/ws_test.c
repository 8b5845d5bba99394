#include "tests/support/test.h"

#include "codec/ws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 200000

static struct nf_err err;

/* What came, as "[opcode|payload]"; of a long payload its length. */
struct fixture {
    struct nf_ws_reader r;
    struct nf_str seen, wire;
    enum nf_code answer;
};

static enum nf_code on_frame(void *arg, enum nf_ws_opcode op, const char *p, size_t n,
                             struct nf_err *e)
{
    struct fixture *f = arg;
    if (f->answer != NF_OK)
        return nf_err_set(e, f->answer, "as told");
    if (n > 64)
        return nf_str_addf(&f->seen, e, "[%d|%zu bytes]", op, n);
    NF_TRY(nf_str_addf(&f->seen, e, "[%d|", op));
    NF_TRY(nf_str_add(&f->seen, p, n, e));
    return nf_str_adds(&f->seen, "]", e);
}

static void restart(struct fixture *f, bool from_client)
{
    nf_ws_reader_done(&f->r);
    nf_ws_reader_init(&f->r, from_client, MESSAGE_MAX, on_frame, f);
    nf_str_reset(&f->seen);
    nf_str_reset(&f->wire);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    if (!f)
        return -1;
    restart(f, false);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    nf_fail_alloc_at(0);
    nf_ws_reader_done(&f->r);
    nf_str_done(&f->seen);
    nf_str_done(&f->wire);
    free(f);
    return 0;
}

/* Feed bytes in pieces of `size`. */
static enum nf_code feed_pieces(struct fixture *f, const char *p, size_t n, size_t size)
{
    for (size_t at = 0; at < n; at += size)
        NF_TRY(nf_ws_feed(&f->r, p + at, n - at < size ? n - at : size, &err));
    return NF_OK;
}

#define FEED(f, literal) feed_pieces((f), (literal), sizeof(literal) - 1, sizeof(literal))

/* Put a frame of n times `c` on f->wire, as the other side would write it. */
static void put_frame(struct fixture *f, enum nf_ws_opcode op, char c, size_t n)
{
    static const uint8_t mask[4] = { 0x11, 0xa2, 0x00, 0xff };
    uint8_t head[NF_WS_HEAD_MAX];
    size_t k = nf_ws_frame_head(head, op, n, f->r.from_client ? mask : NULL);
    assert_ok(nf_str_add(&f->wire, (char *)head, k, &err), &err);
    assert_ok(nf_str_reserve(&f->wire, n, &err), &err);
    memset(f->wire.p + f->wire.len, c, n);
    if (f->r.from_client)
        nf_ws_mask(f->wire.p + f->wire.len, n, mask, 0);
    f->wire.len += n;
    f->wire.p[f->wire.len] = '\0';
}

/* RFC 6455, section 5.7. */
static void the_standards_examples_are_read(void **state)
{
    struct fixture *f = *state;
    assert_ok(FEED(f, "\x81\x05Hello"), &err);
    assert_ok(FEED(f, "\x01\x03Hel\x80\x02lo"), &err);
    assert_ok(FEED(f, "\x89\x05Hello"), &err);
    assert_string_equal(nf_str_c(&f->seen), "[1|Hello][1|Hello][9|Hello]");

    restart(f, true);
    assert_ok(FEED(f, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), &err);
    assert_ok(FEED(f, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), &err);
    assert_string_equal(nf_str_c(&f->seen), "[1|Hello][10|Hello]");
}

static void it_does_not_matter_where_frames_are_cut(void **state)
{
    struct fixture *f = *state;
    static const size_t lengths[] = { 0, 1, 125, 126, 127, 65535, 65536, MESSAGE_MAX };
    static const size_t sizes[] = { 1, 2, 3, 7, 4096, 1000000 };
    for (int from_client = 0; from_client < 2; from_client++)
        for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
            for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
                char want[64];
                restart(f, from_client);
                put_frame(f, NF_WS_BINARY, '\0', lengths[i]);
                put_frame(f, NF_WS_TEXT, 'x', lengths[i] < 64 ? 65 : lengths[i]);
                assert_ok(feed_pieces(f, f->wire.p, f->wire.len, sizes[s]), &err);
                if (lengths[i] <= 64) { /* NUL bytes as they are */
                    assert_int_equal(f->seen.len, 4 + lengths[i] + strlen("[1|65 bytes]"));
                    continue;
                }
                (void)snprintf(want, sizeof(want), "[2|%zu bytes][1|%zu bytes]", lengths[i],
                               lengths[i]);
                assert_string_equal(nf_str_c(&f->seen), want);
            }
}

static void control_frames_may_stand_within_a_message(void **state)
{
    struct fixture *f = *state;
    assert_ok(FEED(f, "\x01\x01"
                      "a\x89\x01p\x00\x01"
                      "b\x8a\x00\x80\x01"
                      "c"),
              &err);
    assert_string_equal(nf_str_c(&f->seen), "[9|p][10|][1|abc]");
}

static void empty_fragments_are_allowed(void **state)
{
    struct fixture *f = *state;
    assert_ok(FEED(f, "\x02\x00\x00\x00\x80\x00\x81\x00"), &err);
    assert_string_equal(nf_str_c(&f->seen), "[2|][1|]");
}

struct refusal {
    const char *p;
    size_t n;
    int close_code;
};
#define R(literal, code)                                                                           \
    {                                                                                              \
        literal, sizeof(literal) - 1, code                                                         \
    }

static void refuses_all(struct fixture *f, const struct refusal *all, size_t n, bool from_client)
{
    for (size_t i = 0; i < n; i++)
        for (size_t size = 1; size <= 16; size += 15) {
            restart(f, from_client);
            enum nf_code rc = feed_pieces(f, all[i].p, all[i].n, size);
            if (rc == NF_OK || f->r.close_code != all[i].close_code)
                fail_msg("case %zu: %s, close code %d", i, nf_code_name(rc), f->r.close_code);
            assert_code(rc, all[i].close_code == 1009 ? NF_E_LIMIT : NF_E_INVALID);
            assert_code(nf_ws_feed(&f->r, "\x81", 1, &err), NF_E_INVALID); /* and stays so */
        }
}

static void what_breaks_the_protocol_is_refused(void **state)
{
    static const struct refusal all[] = {
        R("\xc1", 1002), /* reserved bits */
        R("\xa1", 1002),
        R("\x91", 1002),
        R("\x83", 1002), /* reserved opcodes */
        R("\x87", 1002),
        R("\x8b", 1002),
        R("\x8f", 1002),
        R("\x80", 1002), /* continuation of nothing */
        R("\x00", 1002),
        R("\x01\x01x\x81", 1002),          /* a message within another */
        R("\x01\x01x\x80\x01y\x80", 1002), /* continuation after the end */
        R("\x09", 1002),                   /* fragmented control frames */
        R("\x08", 1002),
        R("\x89\x7e", 1002), /* long control frames */
        R("\x88\x7f", 1002),
        R("\x81\x85", 1002),         /* a server does not mask */
        R("\x82\x7e\x00\x7d", 1002), /* lengths in too many bytes */
        R("\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", 1002),
        R("\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", 1002), /* over 63 bits */
        R("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 1009),
        R("\x88\x01\x03", 1002),     /* close frames */
        R("\x88\x02\x03\xe7", 1002), /* 999 */
        R("\x88\x02\x03\xec", 1002), /* 1004 */
        R("\x88\x02\x03\xed", 1002), /* 1005 */
        R("\x88\x02\x03\xee", 1002), /* 1006 */
        R("\x88\x02\x03\xf7", 1002), /* 1015 */
        R("\x88\x03\x03\xe8\xff", 1007),
    };
    refuses_all(*state, all, sizeof(all) / sizeof(all[0]), false);
}

static void a_client_must_mask(void **state)
{
    static const struct refusal all[] = { R("\x81\x05", 1002), R("\x89\x00", 1002) };
    refuses_all(*state, all, sizeof(all) / sizeof(all[0]), true);
}

static void text_that_is_not_utf8_is_refused_as_soon_as_that_is_clear(void **state)
{
    static const struct refusal all[] = {
        R("\x81\x01\xff", 1007),
        R("\x81\x02\xc3\x28", 1007),
        R("\x81\x01\xc3", 1007), /* ends within a character */
        R("\x01\x01\xc3\x80\x00", 1007),
        R("\x81\x7e\x01\x00\xed\xa0", 1007), /* of 256 bytes, two have come */
        R("\x01\x02\xce\xba\x00\x02\xf4\x90", 1007),
    };
    refuses_all(*state, all, sizeof(all) / sizeof(all[0]), false);
}

static void a_character_may_be_cut_by_fragments(void **state)
{
    struct fixture *f = *state;
    assert_ok(FEED(f, "\x01\x01\xe2\x00\x01\x82\x89\x01\xff\x80\x01\xac"), &err);
    assert_string_equal(nf_str_c(&f->seen), "[9|\xff][1|\xe2\x82\xac]");
}

static void binary_may_hold_anything(void **state)
{
    struct fixture *f = *state;
    assert_ok(FEED(f, "\x82\x02\xff\xfe"), &err);
    assert_string_equal(nf_str_c(&f->seen), "[2|\xff\xfe]");
}

static void control_frames_end_at_125_bytes(void **state)
{
    struct fixture *f = *state;
    put_frame(f, NF_WS_PING, 'x', 125);
    assert_ok(feed_pieces(f, f->wire.p, f->wire.len, 50), &err);
    assert_string_equal(nf_str_c(&f->seen), "[9|125 bytes]");
}

static void a_message_ends_at_its_limit_however_it_is_cut(void **state)
{
    struct fixture *f = *state;
    put_frame(f, NF_WS_BINARY, 'x', MESSAGE_MAX - 1);
    f->wire.p[0] = 0x02;
    assert_ok(nf_str_add(&f->wire, "\x80\x01y", 3, &err), &err);
    assert_ok(feed_pieces(f, f->wire.p, f->wire.len, 70000), &err);
    assert_string_equal(nf_str_c(&f->seen), "[2|200000 bytes]");

    restart(f, false);
    put_frame(f, NF_WS_BINARY, 'x', MESSAGE_MAX);
    f->wire.p[0] = 0x02;
    assert_ok(feed_pieces(f, f->wire.p, f->wire.len, 70000), &err);
    assert_code(FEED(f, "\x80\x01"), NF_E_LIMIT);
    assert_int_equal(f->r.close_code, 1009);

    restart(f, false);
    assert_code(FEED(f, "\x82\x7f\x00\x00\x00\x00\x00\x03\x0d\x41"), NF_E_LIMIT); /* 200,001 */
    assert_int_equal(f->r.close_code, 1009);
}

static void memory_grows_with_what_came_and_not_with_what_is_claimed(void **state)
{
    struct fixture *f = *state;
    assert_ok(FEED(f, "\x82\x7f\x00\x00\x00\x00\x00\x03\x0d\x40xyz"), &err);
    assert_in_range(f->r.message.cap, 1, 4096);

    restart(f, false);
    put_frame(f, NF_WS_BINARY, 'x', MESSAGE_MAX);
    assert_ok(feed_pieces(f, f->wire.p, f->wire.len, MESSAGE_MAX), &err);
    assert_in_range(f->r.message.cap, 0, 65536); /* and a big message's is given back */
    assert_ok(FEED(f, "\x81\x01z"), &err);
}

static void close_frames_come_with_code_and_reason_and_are_the_last(void **state)
{
    struct fixture *f = *state;
    assert_ok(FEED(f, "\x88\x07\x03\xe8\xe2\x82\xac!!\x81\x01x\xff\xff"), &err);
    assert_string_equal(nf_str_c(&f->seen), "[8|\x03\xe8\xe2\x82\xac!!]");
    restart(f, false);
    assert_ok(FEED(f, "\x88\x00\x83"), &err);
    assert_string_equal(nf_str_c(&f->seen), "[8|]");
    assert_int_equal(f->r.close_code, 0);
}

static void close_codes_are_those_of_the_standard(void **state)
{
    (void)state;
    static const int good[] = { 1000, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999 };
    static const int bad[] = { -1,   0,    999,  1004, 1005, 1006, 1015,
                               1016, 1100, 2000, 2999, 5000, 65535 };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(nf_ws_close_code_ok(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(nf_ws_close_code_ok(bad[i]));
}

static void an_error_of_the_callback_stops_the_feed(void **state)
{
    struct fixture *f = *state;
    f->answer = NF_E_CANCELED;
    assert_code(FEED(f, "\x81\x01x\x81\x01y"), NF_E_CANCELED);
    assert_string_equal(err.msg, "as told");
}

static void a_failing_allocation_is_told(void **state)
{
    struct fixture *f = *state;
    nf_fail_alloc_at(1);
    assert_code(FEED(f, "\x81\x01x"), NF_E_NOMEM);
    assert_int_equal(f->r.close_code, 1011);
}

static void heads_are_written_in_the_fewest_bytes(void **state)
{
    (void)state;
    uint8_t h[NF_WS_HEAD_MAX];
    static const uint8_t mask[4] = { 1, 2, 3, 4 };

    assert_int_equal(nf_ws_frame_head(h, NF_WS_TEXT, 125, NULL), 2);
    assert_memory_equal(h, "\x81\x7d", 2);
    assert_int_equal(nf_ws_frame_head(h, NF_WS_BINARY, 126, NULL), 4);
    assert_memory_equal(h, "\x82\x7e\x00\x7e", 4);
    assert_int_equal(nf_ws_frame_head(h, NF_WS_TEXT, 65535, NULL), 4);
    assert_int_equal(nf_ws_frame_head(h, NF_WS_TEXT, 65536, NULL), 10);
    assert_memory_equal(h, "\x81\x7f\0\0\0\0\0\1\0\0", 10);
    assert_int_equal(nf_ws_frame_head(h, NF_WS_CLOSE, 2, mask), 6);
    assert_memory_equal(h, "\x88\x82\1\2\3\4", 6);
    assert_int_equal(nf_ws_frame_head(h, NF_WS_TEXT, UINT64_C(1) << 40, mask), 14);
}

static void masking_in_pieces_is_masking_at_once(void **state)
{
    (void)state;
    static const uint8_t mask[4] = { 0xde, 0xad, 0x00, 0xef };
    char a[100], b[100];
    for (size_t cut = 0; cut <= sizeof(a); cut++) {
        for (size_t i = 0; i < sizeof(a); i++)
            a[i] = b[i] = (char)i;
        for (size_t i = 0; i < sizeof(a); i++)
            a[i] = (char)(a[i] ^ mask[i % 4]);
        nf_ws_mask(b, cut, mask, 0);
        nf_ws_mask(b + cut, sizeof(b) - cut, mask, cut);
        assert_memory_equal(a, b, sizeof(a));
    }
}

/* RFC 6455, section 1.3. */
static void the_accept_key_is_the_standards(void **state)
{
    (void)state;
    char got[29], long_key[200];
    nf_ws_accept_key("dGhlIHNhbXBsZSBub25jZQ==", 24, got);
    assert_string_equal(got, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    memset(long_key, 'x', sizeof(long_key));
    nf_ws_accept_key(long_key, sizeof(long_key), got);
    assert_int_equal(strlen(got), 28);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_standards_examples_are_read),
        T(it_does_not_matter_where_frames_are_cut),
        T(control_frames_may_stand_within_a_message),
        T(empty_fragments_are_allowed),
        T(what_breaks_the_protocol_is_refused),
        T(a_client_must_mask),
        T(text_that_is_not_utf8_is_refused_as_soon_as_that_is_clear),
        T(a_character_may_be_cut_by_fragments),
        T(binary_may_hold_anything),
        T(control_frames_end_at_125_bytes),
        T(a_message_ends_at_its_limit_however_it_is_cut),
        T(memory_grows_with_what_came_and_not_with_what_is_claimed),
        T(close_frames_come_with_code_and_reason_and_are_the_last),
        T(close_codes_are_those_of_the_standard),
        T(an_error_of_the_callback_stops_the_feed),
        T(a_failing_allocation_is_told),
        T(heads_are_written_in_the_fewest_bytes),
        T(masking_in_pieces_is_masking_at_once),
        T(the_accept_key_is_the_standards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
