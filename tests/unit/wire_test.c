/* Frames between the daemon and a plugin's process: whole, cut, forged. */
#include "skills/wire.h"

#include "skills/include/nexflow/skill.h"
#include "tests/support/test.h"

#include <string.h>

static struct nf_wire_reader reader;
static struct nf_err err;

static int teardown(void **state)
{
    (void)state;
    nf_wire_reader_done(&reader);
    return 0;
}

static void feed(const char *p, size_t n)
{
    while (n > 0) {
        char *to;
        size_t room;
        assert_ok(nf_wire_room(&reader, &to, &room, &err), &err);
        room = room < n ? room : n;
        memcpy(to, p, room);
        nf_wire_fed(&reader, room);
        p += room;
        n -= room;
    }
}

static struct nf_wire_frame take(void)
{
    struct nf_wire_frame f = { 0 };
    bool have = false;
    assert_ok(nf_wire_next(&reader, &f, &have, &err), &err);
    assert_true(have);
    return f;
}

static void assert_nothing(void)
{
    struct nf_wire_frame f;
    bool have = true;
    assert_ok(nf_wire_next(&reader, &f, &have, &err), &err);
    assert_false(have);
}

static void assert_refused(const char *head, size_t n)
{
    struct nf_wire_frame f;
    bool have = true;
    feed(head, n);
    assert_code(nf_wire_next(&reader, &f, &have, &err), NF_E_INVALID);
    assert_false(have);
    nf_wire_reader_done(&reader);
}

static void a_frame_has_the_documented_bytes(void **state)
{
    (void)state;
    char head[NF_WIRE_HEAD];

    nf_wire_put_head(head, NF_WIRE_RESULT, 0x1122334455667788u, 0x0203);

    const unsigned char want[16] = { 0x03, 0x02, 0,    0,    4,    0,    0,    0,
                                     0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11 };
    assert_memory_equal(head, want, sizeof want);
}

static void frames_are_the_same_however_they_are_cut(void **state)
{
    (void)state;
    char text[3 * NF_WIRE_HEAD + 9];
    nf_wire_put_head(text, NF_WIRE_READY, 7, 0);
    nf_wire_put_head(text + 16, NF_WIRE_RESULT, 8, 5);
    memcpy(text + 32, "hello", 5);
    nf_wire_put_bulk(text + 37, NF_WIRE_ASK, 9, 123456);

    for (size_t piece = 1; piece <= sizeof text; piece++) {
        size_t seen = 0;
        for (size_t at = 0; at < sizeof text; at += piece) {
            feed(text + at, sizeof text - at < piece ? sizeof text - at : piece);
            struct nf_wire_frame f;
            bool have;
            while (nf_wire_next(&reader, &f, &have, &err) == NF_OK && have) {
                assert_int_equal(f.id, 7 + seen);
                assert_int_equal(f.bulk_n, seen == 2 ? 123456 : 0);
                if (seen == 1)
                    assert_true(nf_slice_eq(f.payload, "hello"));
                seen++;
            }
        }
        assert_int_equal(seen, 3);
        assert_int_equal(nf_wire_left(&reader), 0);
    }
}

static void the_largest_frame_is_taken_and_one_byte_more_is_refused(void **state)
{
    (void)state;
    static char big[NF_WIRE_INLINE_MAX];
    char head[NF_WIRE_HEAD];
    nf_wire_put_head(head, NF_WIRE_RESULT, 1, sizeof big);

    feed(head, sizeof head);
    assert_nothing();
    feed(big, sizeof big);
    assert_int_equal(take().payload.n, sizeof big);

    const uint32_t over = NF_WIRE_INLINE_MAX + 1;
    memcpy(head, &over, 4);
    assert_refused(head, sizeof head);
}

static void shared_memory_is_bounded_too(void **state)
{
    (void)state;
    char text[NF_WIRE_HEAD + 4];
    nf_wire_put_bulk(text, NF_WIRE_RESULT, 1, NF_WIRE_BULK_MAX);
    feed(text, sizeof text);
    assert_int_equal(take().bulk_n, NF_WIRE_BULK_MAX);

    const uint32_t over = NF_WIRE_BULK_MAX + 1;
    memcpy(text + NF_WIRE_HEAD, &over, 4);
    assert_refused(text, sizeof text);
}

static void a_frame_for_shared_memory_carries_a_length_and_nothing_else(void **state)
{
    (void)state;
    char text[NF_WIRE_HEAD + 8] = { 8, 0, 0, 0, NF_WIRE_RESULT, 0, 0, (char)0x80 };

    assert_refused(text, sizeof text);
}

static void an_unknown_type_is_refused(void **state)
{
    (void)state;
    const char types[] = { 0, NF_WIRE_LOAD + 1, 127 };
    for (size_t i = 0; i < sizeof types; i++) {
        char head[NF_WIRE_HEAD] = { 0, 0, 0, 0, types[i] };
        assert_refused(head, sizeof head);
    }
}

static void payloads_come_back_as_they_were_put(void **state)
{
    (void)state;
    char p[64];
    struct nf_wire_call c = { .deadline_us = -5, .output_max = 4000000000u, .tool = { "add", 3 } };
    nf_wire_put_call(p, &c);
    memcpy(p + NF_WIRE_CALL_HEAD, "add{}", 5);
    struct nf_wire_call call;
    assert_ok(nf_wire_get_call((struct nf_slice){ p, NF_WIRE_CALL_HEAD + 5 }, &call, &err), &err);
    assert_int_equal(call.deadline_us, -5);
    assert_int_equal(call.output_max, 4000000000u);
    assert_true(nf_slice_eq(call.tool, "add") && nf_slice_eq(call.args, "{}"));

    nf_wire_put_ask(p, NF_SKILL_OP_KV_PUT, 2);
    memcpy(p + NF_WIRE_ASK_HEAD, "{}value", 7);
    struct nf_wire_ask ask;
    assert_ok(nf_wire_get_ask((struct nf_slice){ p, NF_WIRE_ASK_HEAD + 7 }, &ask, &err), &err);
    assert_int_equal(ask.op, NF_SKILL_OP_KV_PUT);
    assert_true(nf_slice_eq(ask.fields, "{}") && nf_slice_eq(ask.raw, "value"));

    nf_wire_put_result(p, NF_SKILL_E_LIMIT, NF_WIRE_RETIRE);
    memcpy(p + NF_WIRE_RESULT_HEAD, "why", 3);
    struct nf_wire_result result;
    assert_ok(nf_wire_get_result((struct nf_slice){ p, NF_WIRE_RESULT_HEAD + 3 }, &result, &err),
              &err);
    assert_int_equal(result.code, NF_SKILL_E_LIMIT);
    assert_int_equal(result.flags, NF_WIRE_RETIRE);
    assert_true(nf_slice_eq(result.text, "why"));
}

static void forged_payloads_are_refused(void **state)
{
    (void)state;
    char p[NF_WIRE_ASK_HEAD];
    struct nf_wire_ask ask;
    struct nf_wire_result result;
    struct nf_wire_call call;

    nf_wire_put_ask(p, NF_SKILL_OP_KV_GET, 1); /* announces a byte that is not there */
    assert_code(nf_wire_get_ask((struct nf_slice){ p, sizeof p }, &ask, &err), NF_E_INVALID);
    nf_wire_put_ask(p, NF_SKILL_OP_KV_GET, SIZE_MAX);
    assert_code(nf_wire_get_ask((struct nf_slice){ p, sizeof p }, &ask, &err), NF_E_INVALID);
    nf_wire_put_ask(p, NF_SKILL_OPS, 0);
    assert_code(nf_wire_get_ask((struct nf_slice){ p, sizeof p }, &ask, &err), NF_E_INVALID);
    nf_wire_put_ask(p, 0, 0);
    assert_code(nf_wire_get_ask((struct nf_slice){ p, sizeof p }, &ask, &err), NF_E_INVALID);
    nf_wire_put_result(p, NF_SKILL_E_INTERNAL + 1, 0);
    assert_code(nf_wire_get_result((struct nf_slice){ p, sizeof p }, &result, &err), NF_E_INVALID);
    nf_wire_put_result(p, 0, 2);
    assert_code(nf_wire_get_result((struct nf_slice){ p, sizeof p }, &result, &err), NF_E_INVALID);
    for (size_t n = 0; n < sizeof p; n++) {
        assert_code(nf_wire_get_ask((struct nf_slice){ p, n }, &ask, &err), NF_E_INVALID);
        assert_code(nf_wire_get_result((struct nf_slice){ p, n }, &result, &err), NF_E_INVALID);
        assert_code(nf_wire_get_call((struct nf_slice){ p, n }, &call, &err), NF_E_INVALID);
    }
}

static void a_full_reader_says_so(void **state)
{
    (void)state;
    char head[NF_WIRE_HEAD], *to;
    size_t room;
    nf_wire_put_head(head, NF_WIRE_READY, 1, 0);
    do
        feed(head, sizeof head);
    while (reader.len < reader.cap);

    assert_code(nf_wire_room(&reader, &to, &room, &err), NF_E_LIMIT);

    assert_int_equal(take().type, NF_WIRE_READY);
    assert_ok(nf_wire_room(&reader, &to, &room, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_frame_has_the_documented_bytes, teardown),
        cmocka_unit_test_teardown(frames_are_the_same_however_they_are_cut, teardown),
        cmocka_unit_test_teardown(the_largest_frame_is_taken_and_one_byte_more_is_refused,
                                  teardown),
        cmocka_unit_test_teardown(shared_memory_is_bounded_too, teardown),
        cmocka_unit_test_teardown(a_frame_for_shared_memory_carries_a_length_and_nothing_else,
                                  teardown),
        cmocka_unit_test_teardown(an_unknown_type_is_refused, teardown),
        cmocka_unit_test_teardown(payloads_come_back_as_they_were_put, teardown),
        cmocka_unit_test_teardown(forged_payloads_are_refused, teardown),
        cmocka_unit_test_teardown(a_full_reader_says_so, teardown),
    };
    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
