/* Descriptors that are watched: told once there is something to read, not after it was freed. */
#include "runtime/watch.h"

#include "tests/support/test.h"

#include <fcntl.h>
#include <unistd.h>

#define ENOUGH_MS 10000

static struct nf_loop *loop;
static struct nf_err err;
static int ends[2];
static struct nf_watch *watch;

struct seen {
    int calls;
    ssize_t last;
    struct nf_wait *waiter;
    bool leave; /* do not read */
};

static int setup(void **state)
{
    (void)state;
    watch = NULL;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    return nf_loop_new(&loop, &err) == NF_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    nf_loop_free(loop);
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 0)
            close(ends[i]);
    }
    return 0;
}

static void on_readable(void *arg)
{
    struct seen *s = arg;
    char c;
    s->calls++;
    if (!s->leave)
        s->last = read(ends[0], &c, 1);
    if (s->leave || s->last == 0)
        nf_watch_pause(watch);
    if (s->waiter)
        nf_wait_wake(s->waiter, NF_OK);
}

static NF_RC wait_for_call(struct seen *s, struct nf_err *e)
{
    struct nf_wait w = { 0 };
    s->waiter = &w;
    enum nf_code rc = nf_wait(&w, ENOUGH_MS, "a callback", e);
    s->waiter = NULL;
    return rc;
}

static enum nf_code bytes_and_the_end(void *arg, struct nf_err *e)
{
    struct seen *s = arg;
    NF_TRY(nf_watch_new(loop, ends[0], on_readable, s, &watch, e));
    assert_int_equal(write(ends[1], "a", 1), 1);
    NF_TRY(wait_for_call(s, e));
    assert_int_equal(s->last, 1);

    close(ends[1]);
    ends[1] = -1;
    NF_TRY(wait_for_call(s, e));
    assert_int_equal(s->last, 0);
    nf_watch_free(watch);
    return NF_OK;
}

static void tells_of_bytes_and_of_the_end(void **state)
{
    (void)state;
    struct seen s = { 0 };

    assert_ok(nf_loop_run(loop, bytes_and_the_end, &s, &err), &err);

    assert_int_equal(s.calls, 2);
}

static enum nf_code pause_and_free(void *arg, struct nf_err *e)
{
    struct seen *s = arg;
    s->leave = true;
    NF_TRY(nf_watch_new(loop, ends[0], on_readable, s, &watch, e));
    assert_int_equal(write(ends[1], "a", 1), 1);
    NF_TRY(wait_for_call(s, e));
    NF_TRY(nf_sleep(20, e));
    assert_int_equal(s->calls, 1);

    nf_watch_resume(watch);
    NF_TRY(wait_for_call(s, e));
    nf_watch_resume(watch);
    nf_watch_free(watch);
    return nf_sleep(20, e);
}

static void is_quiet_while_paused_and_after_it_was_freed(void **state)
{
    (void)state;
    struct seen s = { 0 };

    assert_ok(nf_loop_run(loop, pause_and_free, &s, &err), &err);

    assert_int_equal(s.calls, 2);
}

static enum nf_code watch_a_file(void *arg, struct nf_err *e)
{
    int fd = open("tests/layers.txt", O_RDONLY | O_CLOEXEC);
    (void)arg;
    enum nf_code rc = nf_watch_new(loop, fd, on_readable, NULL, &watch, e);
    close(fd);
    return rc;
}

static void refuses_what_cannot_be_waited_for(void **state)
{
    (void)state;
    assert_code(nf_loop_run(loop, watch_a_file, NULL, &err), NF_E_INVALID);
}

static void fill(void)
{
    static const char zeros[4096];
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (write(ends[1], zeros, sizeof zeros) > 0) {
    }
}

static enum nf_code drain_later(void *arg, struct nf_err *e)
{
    (void)arg;
    char bytes[16384];
    NF_TRY(nf_sleep(10, e));
    return read(ends[0], bytes, sizeof bytes) > 0 ? NF_OK : NF_E_IO;
}

static enum nf_code wait_for_room(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    fill();
    NF_TRY(nf_scope_spawn(&s, drain_later, NULL, NULL, e));
    NF_TRY(nf_wait_writable(loop, ends[1], "room", e));
    assert_true(write(ends[1], "a", 1) == 1);
    return nf_scope_join(&s, e);
}

static void waits_for_room_to_write(void **state)
{
    (void)state;
    assert_ok(nf_loop_run(loop, wait_for_room, NULL, &err), &err);
}

static enum nf_code wait_in_vain(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_deadline_pop) struct nf_deadline d;
    fill();
    nf_deadline_push(&d, 20);
    return nf_wait_writable(loop, ends[1], "room", e);
}

static void gives_up_at_the_deadline(void **state)
{
    (void)state;
    assert_code(nf_loop_run(loop, wait_in_vain, NULL, &err), NF_E_TIMEOUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_of_bytes_and_of_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(is_quiet_while_paused_and_after_it_was_freed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(refuses_what_cannot_be_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(waits_for_room_to_write, setup, teardown),
        cmocka_unit_test_setup_teardown(gives_up_at_the_deadline, setup, teardown),
    };
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
