/* The spare that the warden keeps for the next skill: when there is one, who gets it, and what ends
 * it. */
#include "skills/program.h"
#include "skills/warden_impl.h"
#include "tests/integration/skills_rig.h"

#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define CHILDREN_MAX 16
#define TRIES 2000 /* of 5 ms */

/* --- what there is ---------------------------------------------------------------------------- */

/* The children of the warden, oldest first; how many. */
static int children(pid_t ret[CHILDREN_MAX])
{
    char path[64];
    int n = 0, pid;
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)warden->pid,
                   (int)warden->pid);
    FILE *f = fopen(path, "re");
    while (f && n < CHILDREN_MAX && fscanf(f, "%d", &pid) == 1)
        ret[n++] = (pid_t)pid;
    if (f)
        (void)fclose(f);
    return n;
}

static bool is_filtered(pid_t pid)
{
    char path[64], line[256];
    int mode = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        (void)sscanf(line, "Seccomp: %d", &mode);
    if (f)
        (void)fclose(f);
    return mode == 2;
}

static void rest(void)
{
    assert_ok(nf_sleep(5, &err), &err);
}

/* Behind `templates` there is one process more, and it is in its jail. */
static pid_t wait_for_spare(int templates)
{
    pid_t pids[CHILDREN_MAX];
    for (int i = 0; i < TRIES; i++) {
        if (children(pids) == templates + 1 && is_filtered(pids[templates])) {
            rest();
            return pids[templates];
        }
        rest();
    }
    fail_msg("there is no spare");
    return 0;
}

static void wait_for_children(int n)
{
    pid_t pids[CHILDREN_MAX];
    for (int i = 0; i < TRIES && children(pids) != n; i++)
        rest();
    assert_int_equal(children(pids), n);
}

static bool is_child(pid_t pid)
{
    pid_t pids[CHILDREN_MAX];
    for (int n = children(pids); n > 0; n--) {
        if (pids[n - 1] == pid)
            return true;
    }
    return false;
}

static void call_another(const char *hash)
{
    unit.hash = hash;
    assert_result("count", "{}", "1");
}

/* --- tests ------------------------------------------------------------------------------------ */

static void nothing_called(void)
{
    pid_t pids[CHILDREN_MAX];
    for (int i = 0; i < 20; i++)
        rest();
    assert_int_equal(children(pids), 0);
}

static void as_long_as_no_skill_is_used_there_is_none(void **state)
{
    (void)state;
    run(nothing_called);
}

static void taken(void)
{
    call_another("1");
    assert_int_equal(stats().spared, 0);
    pid_t spare = wait_for_spare(1);

    call_another("2");

    assert_int_equal(stats().templates, 2);
    assert_int_equal(stats().spared, 1);
    assert_true(is_child(spare)); /* it is the second template now */
    pid_t next = wait_for_spare(2);
    assert_true(next != spare);
    call_another("3");
    assert_int_equal(stats().spared, 2);
}

static void the_next_skill_takes_it_and_the_one_after_another(void **state)
{
    (void)state;
    run(taken);
}

static void threads(void)
{
    call_another("1");
    pid_t spare = wait_for_spare(1);

    unit.threads = true;
    call_another("2");

    assert_int_equal(stats().spared, 0);
    assert_true(is_child(spare));
}

static void a_skill_with_threads_leaves_it(void **state)
{
    (void)state;
    run(threads);
}

static void its_own_killed(void)
{
    call_another("1");
    pid_t spare = wait_for_spare(1);
    kill(spare, SIGKILL);
    wait_for_children(1);

    call_another("2");

    assert_int_equal(stats().spared, 0);
    (void)wait_for_spare(2);
}

static void if_it_is_killed_the_next_skill_does_without(void **state)
{
    (void)state;
    run(its_own_killed);
}

static void warden_killed(void)
{
    call_another("1");
    struct pollfd gone = { .fd = pidfd_open(wait_for_spare(1), 0), .events = POLLIN };
    assert_true(gone.fd >= 0);

    kill(warden->pid, SIGKILL);

    assert_int_equal(poll(&gone, 1, ENOUGH_MS), 1);
    close(gone.fd);
}

static void it_ends_with_its_warden(void **state)
{
    (void)state;
    run(warden_killed);
}

static void unused(void)
{
    call_another("1");
    struct pollfd gone = { .fd = pidfd_open(wait_for_spare(1), 0), .events = POLLIN };
    assert_true(gone.fd >= 0);

    assert_int_equal(poll(&gone, 1, ENOUGH_MS), 1);
    close(gone.fd);
}

static void if_no_skill_needs_it_for_long_it_is_given_up(void **state)
{
    (void)state;
    options.idle_ms = 3000;
    run(unused);
}

static void refused(void)
{
    call_another("1");
    struct pollfd gone = { .fd = pidfd_open(wait_for_spare(1), 0), .events = POLLIN };
    assert_true(gone.fd >= 0);

    unit.hash = "2";
    unit.min_level = "L9";
    assert_fails("count", "{}", NF_E_INVALID, "min_level");

    assert_int_equal(poll(&gone, 1, ENOUGH_MS), 1);
    close(gone.fd);
    assert_int_equal(stats().spared, 0);
}

static void where_a_skill_is_refused_there_is_none_for_the_next(void **state)
{
    (void)state;
    run(refused);
}

/* --- programs --------------------------------------------------------------------------------- */

/* /bin/true says nothing, which is a failure of a skill's, and all the same here. */
static void run_program(const char *work)
{
    const struct nf_program_run r = { .name = "true",
                                      .dir = "/usr/share",
                                      .entry = "../bin/true",
                                      .work_dir = work,
                                      .min_level = "",
                                      .memory_bytes = (int64_t)256 << 20,
                                      .output_bytes = 65536,
                                      .tool = "none",
                                      .args = "{}",
                                      .timeout_ms = ENOUGH_MS,
                                      .broker = &broker.base };
    nf_skill_ran_done(&ran);
    assert_code(nf_warden_program(warden, &r, &ran, &err), NF_E_UNAVAILABLE);
    assert_says(err.msg, "code 0");
}

static void programs(void)
{
    char dirs[3][40];
    pid_t pids[CHILDREN_MAX];
    for (int i = 0; i < 3; i++) {
        (void)strcpy(dirs[i], "/tmp/nexflow-spare-XXXXXX");
        assert_non_null(mkdtemp(dirs[i]));
    }
    run_program(dirs[0]);
    assert_int_equal(stats().spared_programs, 0);
    wait_for_children(2); /* the jail that is kept, and the spare */
    (void)children(pids);
    pid_t spare = pids[1];
    for (int i = 0; i < 20; i++)
        rest();

    run_program(dirs[1]);

    assert_int_equal(stats().spared_programs, 1);
    assert_true(is_child(spare)); /* it is kept, too */
    run_program(dirs[1]);
    assert_int_equal(stats().spared_programs, 1); /* that was the same jail again */
    wait_for_children(3);
    (void)children(pids);
    assert_true(pids[2] != spare);
    for (int i = 0; i < 3; i++)
        assert_int_equal(rmdir(dirs[i]), 0);
}

static void the_next_program_takes_the_one_for_programs(void **state)
{
    (void)state;
    run(programs);
}

#define DIRS (NF_PROGRAMS_KEPT + 3)
static_assert(NF_PROGRAMS_KEPT + 1 < CHILDREN_MAX, "more than there is room for would not be seen");

static void many_programs(void)
{
    char dirs[DIRS][40];
    pid_t pids[CHILDREN_MAX], last;
    for (int i = 0; i < DIRS; i++) {
        (void)strcpy(dirs[i], "/tmp/nexflow-spare-XXXXXX");
        assert_non_null(mkdtemp(dirs[i]));
        run_program(dirs[i]);
    }
    wait_for_children(NF_PROGRAMS_KEPT + 1); /* and the spare */
    last = pids[children(pids) - 1];

    run_program(dirs[DIRS - 1]);
    assert_true(is_child(last));
    wait_for_children(NF_PROGRAMS_KEPT + 1);
    run_program(dirs[0]); /* whose jail is no longer there */
    wait_for_children(NF_PROGRAMS_KEPT + 1);
    for (int i = 0; i < DIRS; i++)
        assert_int_equal(rmdir(dirs[i]), 0);
}

static void of_many_jails_those_that_are_idle_longest_end(void **state)
{
    (void)state;
    run(many_programs);
}

int main(void)
{
#define SPARE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        SPARE_TEST(as_long_as_no_skill_is_used_there_is_none),
        SPARE_TEST(the_next_skill_takes_it_and_the_one_after_another),
        SPARE_TEST(a_skill_with_threads_leaves_it),
        SPARE_TEST(if_it_is_killed_the_next_skill_does_without),
        SPARE_TEST(it_ends_with_its_warden),
        SPARE_TEST(if_no_skill_needs_it_for_long_it_is_given_up),
        SPARE_TEST(the_next_program_takes_the_one_for_programs),
        SPARE_TEST(of_many_jails_those_that_are_idle_longest_end),
        SPARE_TEST(where_a_skill_is_refused_there_is_none_for_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
