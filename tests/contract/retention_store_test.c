#include "base/id.h"
#include "tests/contract/fixture.h"

#define OLD INT64_C(1000)
#define NEW INT64_C(5000)

static void given_event(struct fixture *f, const char *id, int64_t at_ms)
{
    struct nf_chat_event e = { .source = "telegram:1", .event_id = id };
    assert_ok(f->s.chats->ops->once(f->s.chats, &e, at_ms, &f->err), &f->err);
}

static enum nf_code again(struct fixture *f, const char *id)
{
    struct nf_chat_event e = { .source = "telegram:1", .event_id = id };
    return f->s.chats->ops->once(f->s.chats, &e, NEW, &f->err);
}

static bool prune(struct fixture *f, const struct nf_retention *r)
{
    bool more = true;
    assert_ok(f->s.retention->ops->prune(f->s.retention, r, &more, &f->err), &f->err);
    return more;
}

static void what_came_long_ago_is_forgotten(void **state)
{
    struct fixture *f = *state;
    const struct nf_retention r = { .inbox_before_ms = OLD + 1 };
    given_event(f, "old", OLD);
    given_event(f, "new", OLD + 1);

    assert_false(prune(f, &r));

    assert_ok(again(f, "old"), &f->err);
    assert_code(again(f, "new"), NF_E_CONFLICT);
}

static void zero_keeps_everything(void **state)
{
    struct fixture *f = *state;
    const struct nf_retention none = { 0 };
    given_event(f, "old", OLD);
    assert_false(prune(f, &none));
    assert_code(again(f, "old"), NF_E_CONFLICT);
}

static void it_is_done_in_batches(void **state)
{
    struct fixture *f = *state;
    const struct nf_retention r = { .inbox_before_ms = NEW };
    for (int i = 0; i < NF_RETENTION_BATCH + 1; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "%d", i);
        given_event(f, id, OLD);
    }
    assert_true(prune(f, &r));
    assert_false(prune(f, &r));
    assert_ok(again(f, "0"), &f->err);
    assert_ok(again(f, "500"), &f->err);
}

static void channels_that_are_silent_for_long_are_forgotten(void **state)
{
    struct fixture *f = *state;
    const struct nf_retention r = { .cursors_before_ms = OLD + 1 };
    char place[NF_CURSOR_MAX + 1];
    struct nf_chat_store *s = f->s.chats;
    assert_ok(s->ops->set_cursor(s, "discord:1:2", "77", OLD, &f->err), &f->err);
    assert_ok(s->ops->set_cursor(s, "discord:1:3", "78", OLD + 1, &f->err), &f->err);

    assert_false(prune(f, &r));

    assert_ok(s->ops->cursor(s, "discord:1:2", place, &f->err), &f->err);
    assert_string_equal(place, "");
    assert_ok(s->ops->cursor(s, "discord:1:3", place, &f->err), &f->err);
    assert_string_equal(place, "78");
}

static void a_skill_that_is_here_stays_however_old(void **state)
{
    struct fixture *f = *state;
    struct nf_skill k = { .id = 3, .status = NF_SKILL_INSTALLED, .name = "here" };
    const struct nf_retention r = { .skills_before_ms = NF_ID_EPOCH_MS + NEW };
    (void)snprintf(k.version, sizeof k.version, "1.0.0");
    memset(k.hash, 'a', NF_SKILL_HASH);
    k.created_ms = k.updated_ms = OLD;
    assert_ok(f->s.skills->ops->create(f->s.skills, &k, 1, &f->err), &f->err);

    assert_false(prune(f, &r));

    assert_ok(f->s.skills->ops->find(f->s.skills, "here", &k, &f->err), &f->err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_long_ago_is_forgotten),
        cmocka_unit_test(zero_keeps_everything),
        cmocka_unit_test(it_is_done_in_batches),
        cmocka_unit_test(channels_that_are_silent_for_long_are_forgotten),
        cmocka_unit_test(a_skill_that_is_here_stays_however_old),
    };
    return RUN_SUITE("retention_store", tests);
}
