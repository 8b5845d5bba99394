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

static void a_later_message_takes_the_place_of_an_earlier_one(void **state)
{
    struct fixture *f = *state;
    char longest[NF_CHAT_REF_MAX + 1];
    memset(longest, 'r', NF_CHAT_REF_MAX);
    longest[NF_CHAT_REF_MAX] = '\0';
    put(f, 1, 0, "a", 10);
    put(f, 1, 0, longest, 20);
    char want[NF_CHAT_REF_MAX + 8];
    (void)snprintf(want, sizeof(want), "0=%s ", longest);
    assert_string_equal(refs(f, 1), want);
}

static void what_is_forgotten_or_old_is_gone(void **state)
{
    struct fixture *f = *state;
    put(f, 1, 0, "a", 10);
    put(f, 1, 1, "b", 20);
    put(f, 2, 0, "c", 30);
    assert_ok(f->s.chats->ops->forget(f->s.chats, 1, 0, &f->err), &f->err);
    assert_ok(f->s.chats->ops->forget(f->s.chats, 1, 7, &f->err), &f->err);
    assert_string_equal(refs(f, 1), "1=b ");
    assert_ok(f->s.chats->ops->tidy(f->s.chats, 30, &f->err), &f->err);
    assert_string_equal(refs(f, 1), "");
    assert_string_equal(refs(f, 2), "0=c ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_a_run_are_listed_by_part),
        cmocka_unit_test(a_later_message_takes_the_place_of_an_earlier_one),
        cmocka_unit_test(what_is_forgotten_or_old_is_gone),
    };
    return RUN_SUITE("chat_store", tests);
}
