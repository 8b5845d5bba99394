/* Descriptors beside a message, as jails and their warden hand them to each other. */
#include "sandbox/impl.h"

#include "tests/support/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static bool is_same_file(int a, int b)
{
    struct stat x, y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

struct rig {
    int ends[2];
    int pipes[NF_BESIDE_MAX]; /* of different files: one end of each of so many pipes */
    int others[NF_BESIDE_MAX];
};

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    if (!r || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, r->ends) != 0)
        return -1;
    for (int i = 0; i < NF_BESIDE_MAX; i++) {
        int p[2];
        if (pipe2(p, O_CLOEXEC) != 0)
            return -1;
        r->pipes[i] = p[0];
        r->others[i] = p[1];
    }
    *state = r;
    return 0;
}

static int done(void **state)
{
    struct rig *r = *state;
    for (int i = 0; i < NF_BESIDE_MAX; i++) {
        close(r->pipes[i]);
        close(r->others[i]);
    }
    close(r->ends[0]);
    close(r->ends[1]);
    free(r);
    return 0;
}

static void as_many_as_can_be_arrive_in_their_order(void **state)
{
    struct rig *r = *state;
    char text[8];
    int fds[NF_BESIDE_MAX];
    size_t n = 0;
    assert_true(nf_beside_send(r->ends[0], "text", 5, r->pipes, NF_BESIDE_MAX));

    assert_int_equal(nf_beside_recv(r->ends[1], text, sizeof(text), fds, NF_BESIDE_MAX, &n, 0), 5);

    assert_string_equal(text, "text");
    assert_int_equal(n, NF_BESIDE_MAX);
    for (size_t i = 0; i < n; i++) {
        assert_true(is_same_file(fds[i], r->pipes[i]));
        close(fds[i]);
    }
}

/* Both numbers of parity: the kernel rounds the room for descriptors up to 8 bytes. */
static void what_comes_beyond_the_room_for_it_is_closed(void **state)
{
    struct rig *r = *state;
    for (size_t room = 1; room <= 4; room++) {
        char byte;
        int fds[6] = { -7, -7, -7, -7, -7, -7 };
        size_t n = 0;
        int before = open_descriptors();
        assert_true(nf_beside_send(r->ends[0], "b", 1, r->pipes, 5));

        assert_int_equal(nf_beside_recv(r->ends[1], &byte, 1, fds, room, &n, 0), 1);

        assert_int_equal(n, room);
        assert_int_equal(fds[room], -7);
        for (size_t i = 0; i < n; i++)
            close(fds[i]);
        assert_int_equal(open_descriptors(), before);
    }
}

static void a_message_may_come_alone(void **state)
{
    struct rig *r = *state;
    char byte = 0;
    int fds[2];
    size_t n = 9;
    assert_true(nf_beside_send(r->ends[0], "b", 1, NULL, 0));
    assert_int_equal(nf_beside_recv(r->ends[1], &byte, 1, fds, 2, &n, 0), 1);
    assert_int_equal(byte, 'b');
    assert_int_equal(n, 0);
}

static void they_are_closed_by_exec_if_asked_for(void **state)
{
    struct rig *r = *state;
    char byte;
    int fd;
    size_t n;
    assert_true(nf_beside_send(r->ends[0], "b", 1, r->pipes, 1));
    assert_int_equal(nf_beside_recv(r->ends[1], &byte, 1, &fd, 1, &n, MSG_CMSG_CLOEXEC), 1);
    assert_int_equal(n, 1);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}

static void the_end_of_the_other_side_is_told(void **state)
{
    struct rig *r = *state;
    char byte;
    int fd;
    size_t n = 9;
    assert_int_equal(nf_beside_recv(r->ends[1], &byte, 1, &fd, 1, &n, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(n, 0);
    shutdown(r->ends[0], SHUT_RDWR);
    assert_int_equal(nf_beside_recv(r->ends[1], &byte, 1, &fd, 1, &n, 0), 0);
    assert_int_equal(n, 0);
    assert_false(nf_beside_send(r->ends[1], "b", 1, r->pipes, 1));
    assert_int_equal(errno, EPIPE);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, done)
    const struct CMUnitTest tests[] = {
        T(as_many_as_can_be_arrive_in_their_order),
        T(what_comes_beyond_the_room_for_it_is_closed),
        T(a_message_may_come_alone),
        T(they_are_closed_by_exec_if_asked_for),
        T(the_end_of_the_other_side_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
