#include "tests/contract/fixture.h"

static void put(struct fixture *f, int64_t run, int64_t part, const char *ref, int64_t now)
{
    assert_ok(f->s.chats->ops->put(f->s.chats, run, part, ref, now, &f->err), &f->err);
}

/* "part=ref " of a run, in order. */
static const char *refs(struct fixture *f, int64_t run)
{
    static char text[512];
    struct nf_chat_refs list = { 0 };
    size_t at = 0;
    assert_ok(f->s.chats->ops->refs(f->s.chats, run, &list, &f->err), &f->err);
    text[0] = '\0';
    for (size_t i = 0; i < list.n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%lld=%s ", (long long)list.v[i].part,
                               list.v[i].ref);
    nf_chat_refs_done(&list);
    return text;
}

static void messages_of_a_run_are_listed_by_part(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(refs(f, 1), "");
    put(f, 1, 1, "b", 10);
    put(f, 1, NF_CHAT_ASKED, "q", 10);
    put(f, 1, 0, "a", 10);
    put(f, 2, 0, "z", 10);
    assert_string_equal(refs(f, 1), "-1=q 0=a 1=b ");
    assert_string_equal(refs(f, 2), "0=z ");
}

static void only_one_message_stands_for_a_part(void **state)
{
    struct fixture *f = *state;
    char longest[NF_CHAT_REF_MAX + 1];
    memset(longest, 'r', NF_CHAT_REF_MAX);
    longest[NF_CHAT_REF_MAX] = '\0';
    put(f, 1, 0, longest, 10);
    put(f, 1, 0, longest, 20);
    assert_code(f->s.chats->ops->put(f->s.chats, 1, 0, "a", 30, &f->err), NF_E_CONFLICT);
    assert_string_equal(f->err.msg, "another message stands for this part");
    char want[NF_CHAT_REF_MAX + 8];
    (void)snprintf(want, sizeof(want), "0=%s ", longest);
    assert_string_equal(refs(f, 1), want);
    assert_ok(f->s.chats->ops->forget(f->s.chats, 1, 0, "a", &f->err), &f->err); /* not that one */
    assert_string_equal(refs(f, 1), want);
    assert_ok(f->s.chats->ops->forget(f->s.chats, 1, 0, longest, &f->err), &f->err);
    put(f, 1, 0, "a", 30);
    assert_string_equal(refs(f, 1), "0=a ");
}

static void what_is_forgotten_or_old_is_gone(void **state)
{
    struct fixture *f = *state;
    put(f, 1, 0, "a", 10);
    put(f, 1, 1, "b", 20);
    put(f, 2, 0, "c", 30);
    assert_ok(f->s.chats->ops->forget(f->s.chats, 1, 0, "a", &f->err), &f->err);
    assert_ok(f->s.chats->ops->forget(f->s.chats, 1, 7, "a", &f->err), &f->err);
    assert_string_equal(refs(f, 1), "1=b ");
    assert_ok(f->s.chats->ops->tidy(f->s.chats, 30, &f->err), &f->err);
    assert_string_equal(refs(f, 1), "");
    assert_string_equal(refs(f, 2), "0=c ");
}

/* --- what came in ---------------------------------------------------------------------------- */

static const char *cursor(struct fixture *f, const char *source)
{
    static char place[NF_CURSOR_MAX + 1];
    assert_ok(f->s.chats->ops->cursor(f->s.chats, source, place, &f->err), &f->err);
    return place;
}

static void a_cursor_is_what_was_written_last(void **state)
{
    struct fixture *f = *state;
    struct nf_chat_store *s = f->s.chats;
    char longest[NF_CURSOR_MAX + 1];
    memset(longest, '9', NF_CURSOR_MAX);
    longest[NF_CURSOR_MAX] = '\0';

    assert_string_equal(cursor(f, "telegram:1"), "");
    assert_ok(s->ops->set_cursor(s, "telegram:1", "41", 10, &f->err), &f->err);
    assert_ok(s->ops->set_cursor(s, "telegram:1", longest, 20, &f->err), &f->err);
    assert_ok(s->ops->set_cursor(s, "telegram:2", "7", 20, &f->err), &f->err);

    assert_string_equal(cursor(f, "telegram:1"), longest);
    assert_string_equal(cursor(f, "telegram:2"), "7");
}

static void cursors_are_listed_by_what_they_begin_with(void **state)
{
    struct fixture *f = *state;
    struct nf_chat_store *s = f->s.chats;
    struct nf_cursors page = { 0 };
    static const char *const sources[] = { "discord:1:30", "discord:1:10", "discord:1",
                                           "discord:12:9", "discord:1:20" };

    for (size_t i = 0; i < 5; i++)
        assert_ok(s->ops->set_cursor(s, sources[i], "7", 10, &f->err), &f->err);
    assert_ok(s->ops->cursors(s, "discord:1:", "", 2, &page, &f->err), &f->err);
    assert_int_equal(page.n, 2);
    assert_string_equal(page.v[0].source, "discord:1:10");
    assert_string_equal(page.v[0].place, "7");
    assert_string_equal(page.v[1].source, "discord:1:20");
    nf_cursors_done(&page);
    assert_ok(s->ops->cursors(s, "discord:1:", "discord:1:20", 2, &page, &f->err), &f->err);
    assert_int_equal(page.n, 1);
    assert_string_equal(page.v[0].source, "discord:1:30");
    nf_cursors_done(&page);
}

static void an_event_is_dealt_with_once_and_moves_the_cursor_anyway(void **state)
{
    struct fixture *f = *state;
    struct nf_chat_store *s = f->s.chats;
    struct nf_chat_event e = { "telegram:1", "u1", "telegram:1", "1" };

    assert_ok(s->ops->once(s, &e, 10, &f->err), &f->err);
    e.cursor = "2";
    assert_code(s->ops->once(s, &e, 10, &f->err), NF_E_CONFLICT);
    assert_string_equal(cursor(f, "telegram:1"), "2");
    e = (struct nf_chat_event){ "telegram:2", "u1", NULL, NULL };
    assert_ok(s->ops->once(s, &e, 10, &f->err), &f->err);
}

static void a_message_comes_with_its_cursor_its_ref_and_what_is_attached(void **state)
{
    struct fixture *f = *state;
    struct nf_parts parts = { 0 };
    struct nf_part *p;
    int64_t run = 0;
    given_session(f, 7);
    assert_ok(nf_parts_add(&parts, NF_PART_IMAGE, &p, &f->err), &f->err);
    assert_ok(nf_strdup("aGk=", &p->data, &f->err), &f->err);
    struct nf_accept in = message(7, 1, "u1");
    in.parts = &parts;
    in.ref = "55";
    in.cursor_source = "telegram:1";
    in.cursor = "1";
    struct nf_accepted got;

    enum nf_code rc = f->s.turns->ops->accept(f->s.turns, &in, &got, &f->err);

    nf_parts_done(&parts);
    assert_ok(rc, &f->err);
    assert_string_equal(cursor(f, "telegram:1"), "1");
    assert_string_equal(refs(f, 100), "-1=55 ");
    assert_ok(f->s.chats->ops->asked(f->s.chats, 7, "55", &run, &f->err), &f->err);
    assert_int_equal(run, 100);
    assert_code(f->s.chats->ops->asked(f->s.chats, 8, "55", &run, &f->err), NF_E_NOT_FOUND);
    assert_code(f->s.chats->ops->asked(f->s.chats, 7, "56", &run, &f->err), NF_E_NOT_FOUND);
    struct nf_session_store *sessions = f->s.sessions;
    assert_ok(sessions->ops->history(sessions, 7, 1, 9, &f->messages, &f->err), &f->err);
    assert_string_equal(f->messages.v[0].parts.v[0].data, "aGk=");
    nf_messages_done(&f->messages);
    assert_ok(sessions->ops->history(sessions, 7, 2, 9, &f->messages, &f->err), &f->err);
    assert_int_equal(f->messages.v[0].parts.n, 0);
    nf_messages_done(&f->messages);
    assert_ok(sessions->ops->messages(sessions, 7, 0, 9, &f->messages, &f->err), &f->err);
    assert_int_equal(f->messages.v[0].parts.n, 0);
}

/* --- who reads ------------------------------------------------------------------------------- */

static enum nf_code lease(struct fixture *f, int64_t owner, int64_t now, int64_t *fence)
{
    return f->s.chats->ops->lease(f->s.chats, "telegram:1", owner, now + 100, now, fence, &f->err);
}

static void one_instance_reads_a_source_at_a_time(void **state)
{
    struct fixture *f = *state;
    int64_t fence = 0;

    assert_ok(lease(f, 1, 1000, &fence), &f->err);
    assert_int_equal(fence, 1);
    assert_code(lease(f, 2, 1050, &fence), NF_E_CONFLICT);
    assert_ok(lease(f, 1, 1050, &fence), &f->err); /* it goes on */
    assert_int_equal(fence, 1);
    assert_code(lease(f, 2, 1149, &fence), NF_E_CONFLICT);
    assert_ok(lease(f, 2, 1150, &fence), &f->err); /* it has ended */
    assert_int_equal(fence, 2);
    assert_code(lease(f, 1, 1151, &fence), NF_E_CONFLICT);
    assert_ok(f->s.chats->ops->unlease(f->s.chats, "telegram:1", 1, &f->err), &f->err);
    assert_code(lease(f, 1, 1152, &fence), NF_E_CONFLICT); /* it was not theirs to give up */
    assert_ok(f->s.chats->ops->unlease(f->s.chats, "telegram:1", 2, &f->err), &f->err);
    assert_ok(lease(f, 1, 1153, &fence), &f->err);
    assert_int_equal(fence, 3);
}

/* --- where it cannot be written, and where else ----------------------------------------------- */

static void chats_that_cannot_be_written_to_are_known_until_they_can(void **state)
{
    struct fixture *f = *state;
    struct nf_chat_store *s = f->s.chats;
    struct nf_unreachables list = { 0 };
    assert_ok(s->ops->set_unreachable(s, "tg", "2", "blocked", 10, &f->err), &f->err);
    assert_ok(s->ops->set_unreachable(s, "tg", "1", "kicked", 20, &f->err), &f->err);
    assert_ok(s->ops->set_unreachable(s, "tg", "1", "blocked", 30, &f->err), &f->err);
    assert_ok(s->ops->set_unreachable(s, "other", "1", "blocked", 30, &f->err), &f->err);
    assert_ok(s->ops->set_unreachable(s, "tg", "2", NULL, 40, &f->err), &f->err);
    assert_ok(s->ops->set_unreachable(s, "tg", "3", NULL, 40, &f->err), &f->err);

    enum nf_code rc = s->ops->unreachable(s, "tg", "", 9, &list, &f->err);

    struct nf_unreachable first = list.n ? list.v[0] : (struct nf_unreachable){ 0 };
    size_t n = list.n;
    bool one = false, two = true;
    nf_unreachables_done(&list);
    assert_ok(rc, &f->err);
    assert_ok(s->ops->is_unreachable(s, "tg", "1", &one, &f->err), &f->err);
    assert_ok(s->ops->is_unreachable(s, "tg", "2", &two, &f->err), &f->err);
    assert_true(one);
    assert_false(two);
    assert_int_equal(n, 1);
    assert_string_equal(first.address, "1");
    assert_string_equal(first.reason, "blocked");
    assert_int_equal(first.since_ms, 20);
}

static void given_group(struct fixture *f, int64_t id, const char *address)
{
    struct nf_session s = { .id = id, .user_id = 1, .channel = "tg", .shared = true };
    (void)snprintf(s.address, sizeof(s.address), "%s", address);
    assert_ok(f->s.sessions->ops->create(f->s.sessions, &s, &f->err), &f->err);
}

static int64_t group_at(struct fixture *f, const char *address)
{
    struct nf_session s;
    enum nf_code rc = f->s.sessions->ops->find(f->s.sessions, 0, "tg", address, &s, &f->err);
    return rc == NF_OK ? s.id : 0;
}

static void a_group_moves_with_its_topics(void **state)
{
    struct fixture *f = *state;
    given_group(f, 1, "-5");
    given_group(f, 2, "-5:7");
    given_group(f, 3, "-55");
    given_group(f, 4, "-100:7"); /* began there already */

    assert_ok(f->s.chats->ops->move(f->s.chats, "tg", "-5", "-100", &f->err), &f->err);

    assert_int_equal(group_at(f, "-100"), 1);
    assert_int_equal(group_at(f, "-100:7"), 2);
    assert_int_equal(group_at(f, "-55"), 3);
    assert_int_equal(group_at(f, "-5"), 0);
}

static void what_fails_for_lack_of_memory_can_be_done_again(void **state)
{
    struct fixture *f = *state;
    struct nf_chat_store *s = f->s.chats;
    const struct nf_chat_event e = { "telegram:1", "u1", "telegram:1", "1" };
    struct nf_unreachables list = { 0 };
    int64_t fence;
    bool there = false;
    TORTURE(s->ops->once(s, &e, 10, &f->err), (void)0);
    TORTURE(s->ops->set_cursor(s, "telegram:2", "1", 10, &f->err), (void)0);
    TORTURE(s->ops->lease(s, "telegram:3", 1, 100, 10, &fence, &f->err), (void)0);
    TORTURE(s->ops->set_unreachable(s, "tg", "1", "blocked", 10, &f->err), (void)0);
    TORTURE(s->ops->unreachable(s, "tg", "", 9, &list, &f->err), assert_int_equal(list.n, 0));
    TORTURE(s->ops->is_unreachable(s, "tg", "1", &there, &f->err), assert_false(there));
    assert_true(there);
    assert_int_equal(list.n, 1);
    nf_unreachables_done(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_a_run_are_listed_by_part),
        cmocka_unit_test(only_one_message_stands_for_a_part),
        cmocka_unit_test(what_is_forgotten_or_old_is_gone),
        cmocka_unit_test(a_cursor_is_what_was_written_last),
        cmocka_unit_test(cursors_are_listed_by_what_they_begin_with),
        cmocka_unit_test(an_event_is_dealt_with_once_and_moves_the_cursor_anyway),
        cmocka_unit_test(a_message_comes_with_its_cursor_its_ref_and_what_is_attached),
        cmocka_unit_test(one_instance_reads_a_source_at_a_time),
        cmocka_unit_test(chats_that_cannot_be_written_to_are_known_until_they_can),
        cmocka_unit_test(a_group_moves_with_its_topics),
        cmocka_unit_test(what_fails_for_lack_of_memory_can_be_done_again),
    };
    return RUN_SUITE("chat_store", tests);
}
