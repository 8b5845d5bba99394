/* What a network gave us and is taken in later. */
#include "tests/contract/fixture.h"

#define SOURCE "telegram:1"

static size_t hold(struct fixture *f, const char *lane, const char *ids, int64_t now)
{
    struct nf_hold v[NF_HOLDS_MAX];
    char keys[NF_HOLDS_MAX][16];
    static int64_t token = 1000;
    size_t n = 0, held = 99;
    for (const char *p = ids; *p; p++) {
        (void)snprintf(keys[n], sizeof(keys[n]), "u%c", *p);
        v[n] = (struct nf_hold){
            .event_id = keys[n], .lane = lane, .id = *p - '0', .body = "{\"it\":\"\xD1\x8F\"}"
        };
        n++;
    }
    assert_ok(f->s.chats->ops->hold(f->s.chats, SOURCE, v, n, token++, now, &held, &f->err),
              &f->err);
    return held;
}

/* "id/lot " of a lane, in order. */
static const char *held(struct fixture *f, const char *lane, size_t limit)
{
    static char text[512];
    struct nf_helds list = { 0 };
    size_t at = 0;
    assert_ok(f->s.chats->ops->held(f->s.chats, SOURCE, lane, limit, &list, &f->err), &f->err);
    text[0] = '\0';
    for (size_t i = 0; i < list.n; i++) {
        assert_string_equal(list.v[i].body, "{\"it\":\"\xD1\x8F\"}");
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%lld/%lld ", (long long)list.v[i].id,
                               (long long)list.v[i].lot);
    }
    nf_helds_done(&list);
    return text;
}

static enum nf_code seal(struct fixture *f, const char *lane, int64_t first, int64_t last, size_t n)
{
    return f->s.chats->ops->seal(f->s.chats, SOURCE, lane, first, last, n, &f->err);
}

static void release(struct fixture *f, const char *lane, int64_t first)
{
    assert_ok(f->s.chats->ops->release(f->s.chats, SOURCE, lane, first, &f->err), &f->err);
}

static void what_is_held_is_listed_in_its_order(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(hold(f, "7", "31", 10), 2);
    assert_int_equal(hold(f, "7", "2", 20), 1);
    assert_int_equal(hold(f, "8", "4", 20), 1);
    assert_string_equal(held(f, "7", 9), "1/0 2/0 3/0 ");
    assert_string_equal(held(f, "7", 2), "1/0 2/0 ");
    assert_string_equal(held(f, "9", 9), "");
}

static void what_came_before_is_passed_over(void **state)
{
    struct fixture *f = *state;
    const struct nf_chat_event e = { SOURCE, "u1", NULL, NULL };
    assert_int_equal(hold(f, "7", "2", 10), 1);
    release(f, "7", 2);
    assert_ok(f->s.chats->ops->once(f->s.chats, &e, 10, &f->err), &f->err);

    assert_int_equal(hold(f, "7", "123", 20), 1);

    assert_string_equal(held(f, "7", 9), "3/0 ");
    const struct nf_chat_event held_event = { SOURCE, "u3", NULL, NULL };
    assert_code(f->s.chats->ops->once(f->s.chats, &held_event, 30, &f->err), NF_E_CONFLICT);
}

static void a_lot_is_what_was_there_when_it_was_sealed(void **state)
{
    struct fixture *f = *state;
    (void)hold(f, "7", "12", 10);
    (void)hold(f, "7", "5", 10);
    assert_code(seal(f, "7", 1, 2, 1), NF_E_CONFLICT);
    assert_ok(seal(f, "7", 1, 2, 2), &f->err);
    assert_code(seal(f, "7", 1, 5, 3), NF_E_CONFLICT); /* of another lot already */
    assert_string_equal(held(f, "7", 9), "1/1 2/1 5/0 ");
    release(f, "7", 1);
    assert_string_equal(held(f, "7", 9), "5/0 ");
    release(f, "7", 5);
    release(f, "7", 5);
    assert_string_equal(held(f, "7", 9), "");
}

static void lanes_are_listed_with_how_much_they_hold(void **state)
{
    struct fixture *f = *state;
    struct nf_held_lanes list = { 0 };
    (void)hold(f, "8", "12", 10);
    (void)hold(f, "8!", "3", 10);
    (void)hold(f, "9", "4", 50);

    assert_ok(f->s.chats->ops->held_lanes(f->s.chats, SOURCE, "", 40, 9, &list, &f->err), &f->err);
    assert_int_equal(list.n, 2);
    assert_string_equal(list.v[0].name, "8");
    assert_int_equal(list.v[0].n, 2);
    assert_string_equal(list.v[1].name, "8!");
    nf_held_lanes_done(&list);
    assert_ok(f->s.chats->ops->held_lanes(f->s.chats, SOURCE, "8!", INT64_MAX, 1, &list, &f->err),
              &f->err);
    assert_int_equal(list.n, 1);
    assert_string_equal(list.v[0].name, "9");
    nf_held_lanes_done(&list);
}

static void as_many_as_a_poll_gives_are_held_at_once(void **state)
{
    struct fixture *f = *state;
    struct nf_hold v[NF_HOLDS_MAX];
    char keys[NF_HOLDS_MAX][16];
    size_t n = 0;
    for (size_t i = 0; i < NF_HOLDS_MAX; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "u%zu", i);
        v[i] = (struct nf_hold){ .event_id = keys[i], .lane = "1", .id = (int64_t)i, .body = "{}" };
    }
    assert_ok(f->s.chats->ops->hold(f->s.chats, SOURCE, v, NF_HOLDS_MAX, 5, 10, &n, &f->err),
              &f->err);
    assert_int_equal(n, NF_HOLDS_MAX);
}

static void what_is_held_for_nobody_goes_with_its_keys(void **state)
{
    struct fixture *f = *state;
    const struct nf_retention r = { .inbox_before_ms = 20 };
    bool more = true;
    (void)hold(f, "7", "1", 10);
    (void)hold(f, "7", "2", 20);
    assert_ok(f->s.retention->ops->prune(f->s.retention, &r, &more, &f->err), &f->err);
    assert_false(more);
    assert_string_equal(held(f, "7", 9), "2/0 ");
}

static void what_fails_for_lack_of_memory_can_be_done_again(void **state)
{
    struct fixture *f = *state;
    const struct nf_hold v = { .event_id = "u1", .lane = "7", .id = 1, .body = "{}" };
    struct nf_helds list = { 0 };
    struct nf_held_lanes lanes = { 0 };
    struct nf_chat_store *s = f->s.chats;
    size_t n = 0;
    TORTURE(s->ops->hold(s, SOURCE, &v, 1, 5, 10, &n, &f->err), (void)0);
    assert_int_equal(n, 1);
    TORTURE(s->ops->held(s, SOURCE, "7", 9, &list, &f->err), assert_int_equal(list.n, 0));
    nf_helds_done(&list);
    TORTURE(s->ops->held_lanes(s, SOURCE, "", 99, 9, &lanes, &f->err),
            assert_int_equal(lanes.n, 0));
    nf_held_lanes_done(&lanes);
    TORTURE(seal(f, "7", 1, 1, 1), (void)0);
    TORTURE(s->ops->release(s, SOURCE, "7", 1, &f->err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_held_is_listed_in_its_order),
        cmocka_unit_test(what_came_before_is_passed_over),
        cmocka_unit_test(a_lot_is_what_was_there_when_it_was_sealed),
        cmocka_unit_test(lanes_are_listed_with_how_much_they_hold),
        cmocka_unit_test(as_many_as_a_poll_gives_are_held_at_once),
        cmocka_unit_test(what_is_held_for_nobody_goes_with_its_keys),
        cmocka_unit_test(what_fails_for_lack_of_memory_can_be_done_again),
    };
    return RUN_SUITE("chat_held", tests);
}
