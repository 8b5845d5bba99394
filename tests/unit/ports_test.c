/* The few functions that come with the ports. */
#include "application/ports/channel.h"
#include "application/ports/chat.h"
#include "application/ports/pairing_store.h"
#include "application/ports/session_store.h"
#include "application/ports/task_store.h"
#include "application/ports/turn_store.h"
#include "application/ports/user_store.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

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
    FREED_TWICE_IS_FREED_ONCE(nf_leases, v, nf_leases_done);
    FREED_TWICE_IS_FREED_ONCE(nf_users, v, nf_users_done);
    FREED_TWICE_IS_FREED_ONCE(nf_identities, v, nf_identities_done);
    FREED_TWICE_IS_FREED_ONCE(nf_pairings, v, nf_pairings_done);
}

static void a_network_is_deaf_after_a_minute_without_a_sign_of_life(void **data)
{
    struct nf_chat_health h = { .state = NF_CHAT_STARTING, .started_ms = 1000 };
    (void)data;

    assert_false(nf_chat_is_deaf(&h, 1000 + NF_CHAT_DEAF_MS));
    assert_true(nf_chat_is_deaf(&h, 1001 + NF_CHAT_DEAF_MS));
    h.state = NF_CHAT_CONNECTED;
    h.alive_ms = 5000;
    assert_false(nf_chat_is_deaf(&h, 5000 + NF_CHAT_DEAF_MS));
    assert_true(nf_chat_is_deaf(&h, 5001 + NF_CHAT_DEAF_MS));
    h.deaf_ms = 3000; /* as configured */
    assert_false(nf_chat_is_deaf(&h, 8000));
    assert_true(nf_chat_is_deaf(&h, 8001));
    h.deaf_ms = 0;
    h.state = NF_CHAT_STANDBY; /* another instance hears */
    assert_false(nf_chat_is_deaf(&h, 5001 + NF_CHAT_DEAF_MS));
    h.state = NF_CHAT_REFUSED;
    assert_true(nf_chat_is_deaf(&h, 5000));
}

static void who_cannot_tell_anything_says_so(void **data)
{
    static const struct nf_channel_ops mute = { 0 };
    struct nf_channel c = { .ops = &mute, .name = "web" };
    struct nf_err err;
    (void)data;

    assert_code(nf_channel_tell(&c, "1", "hello", &err), NF_E_DENIED);
    assert_non_null(strstr(err.msg, "web"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_is_found_by_its_whole_name),
        cmocka_unit_test(lists_can_be_freed_twice),
        cmocka_unit_test(a_network_is_deaf_after_a_minute_without_a_sign_of_life),
        cmocka_unit_test(who_cannot_tell_anything_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
