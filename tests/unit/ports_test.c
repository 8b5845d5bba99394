/* The few functions that come with the ports. */
#include "application/ports/channel.h"
#include "application/ports/session_store.h"
#include "application/ports/task_store.h"
#include "application/ports/turn_store.h"
#include "application/ports/user_store.h"
#include "tests/support/test.h"

#include <stdlib.h>

static void a_channel_is_found_by_its_whole_name(void **data)
{
    struct nf_channel web = { .name = "web" }, telegram = { .name = "telegram" };
    struct nf_channels channels = { .v = { &web, &telegram }, .n = 2 }, none = { 0 };
    (void)data;

    assert_ptr_equal(nf_channels_find(&channels, "web"), &web);
    assert_ptr_equal(nf_channels_find(&channels, "telegram"), &telegram);
    assert_null(nf_channels_find(&channels, "we"));
    assert_null(nf_channels_find(&channels, "web2"));
    assert_null(nf_channels_find(&channels, ""));
    assert_null(nf_channels_find(&none, "web"));
}

/* Valgrind and LeakSanitizer see whether it is freed, and freed once. */
#define FREED_TWICE_IS_FREED_ONCE(type, member, done)                                              \
    do {                                                                                           \
        struct type list = { .member = calloc(3, sizeof(*list.member)), .n = 3 };                  \
        done(&list);                                                                               \
        done(&list);                                                                               \
        assert_null(list.member);                                                                  \
        assert_int_equal(list.n, 0);                                                               \
    } while (0)

static void lists_can_be_freed_twice(void **data)
{
    (void)data;

    FREED_TWICE_IS_FREED_ONCE(nf_sessions, v, nf_sessions_done);
    FREED_TWICE_IS_FREED_ONCE(nf_task_changes, v, nf_task_changes_done);
    FREED_TWICE_IS_FREED_ONCE(nf_claims, session_ids, nf_claims_done);
    FREED_TWICE_IS_FREED_ONCE(nf_users, v, nf_users_done);
    FREED_TWICE_IS_FREED_ONCE(nf_identities, v, nf_identities_done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_is_found_by_its_whole_name),
        cmocka_unit_test(lists_can_be_freed_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
