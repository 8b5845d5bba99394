/* Programs in the looser jail: jails that stay, limits, and the end of everything a program
 * started. */
#include "tests/integration/program_rig.h"

/* --- a jail that stays -------------------------------------------------------------------------
 */

static int keep(struct rig *r, const char *script)
{
    const char *const argv[] = { "/bin/bash", "-c", script, NULL };
    const struct nf_program_options o = options(r, argv);
    struct nf_err err;
    int order = -1;
    assert_ok(nf_program_keep(r->sandbox, &o, &r->process, &order, &err), &err);
    assert_ok(nf_jail_wait(&r->process, WAIT_MS, &err), &err);
    return order;
}

/* What one run says; its status goes to *status. */
static const char *run_in(struct rig *r, int order, const char *input, int *st)
{
    int in[2], out[2];
    struct nf_err err;
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    const int fds[] = { in[0], out[1], out[1] };
    assert_ok(nf_program_run(order, fds, 3, &err), &err);
    assert_int_equal(write(in[1], input, strlen(input)), strlen(input));
    close(in[0]);
    close(in[1]);
    close(out[1]);
    size_t n = 0;
    for (ssize_t got = 1; got > 0; n += got > 0 ? (size_t)got : 0)
        got = read(out[0], r->text + n, sizeof(r->text) - 1 - n);
    r->text[n] = '\0';
    close(out[0]);
    assert_ok(nf_program_ran(order, st, &err), &err);
    assert_ok(nf_program_was_last(order, &r->last, &err), &err);
    return r->text;
}

static void a_jail_that_stays_runs_it_again(void **data)
{
    struct rig *r = *data;
    int st, order = keep(r, "read x; echo \"$GREETING $x\"; exit ${#x}");

    assert_string_equal(run_in(r, order, "you\n", &st), "hello you\n");
    assert_int_equal(st, 3);
    assert_false(r->last);
    assert_string_equal(run_in(r, order, "there\n", &st), "hello there\n");
    assert_int_equal(st, 5);
    close(order);
}

/* A run that left a process behind would have it read what the next is given. */
static void nothing_outlives_its_run(void **data)
{
    struct rig *r = *data;
    int st, order = keep(r, "(setsid sleep 1000 >/dev/null 2>&1 </dev/null &); set -- /proc/[0-9]*;"
                            "echo $#");
    needs(r, NF_LAYER_NAMESPACES);

    char first[16];
    (void)snprintf(first, sizeof(first), "%s", run_in(r, order, "", &st));
    assert_string_equal(run_in(r, order, "", &st), first);
    assert_int_equal(st, 0);
    close(order);
}

static void nor_without_both(void **data)
{
    struct rig *r = *data;
    int st;
    take_away(r, NF_LAYER_NAMESPACES, NF_LAYER_CGROUP);
    int order = keep(r, "(setsid sleep 1000 &); echo done"); /* which keeps its output open */

    assert_string_equal(run_in(r, order, "", &st), "done\n");
    assert_string_equal(run_in(r, order, "", &st), "done\n");
    close(order);
}

/* What it leaves in the jail, which the next run would find there, is the end of the jail. */
static void assert_is_the_last(struct rig *r, const char *script)
{
    struct nf_err err;
    int st, order = keep(r, script);
    needs(r, NF_LAYER_NAMESPACES);
    assert_string_equal(run_in(r, order, "", &st), "done\n");
    assert_int_equal(st, 0);
    assert_true(r->last);

    assert_code(nf_program_ran(order, &st, &err), NF_E_UNAVAILABLE);

    close(order);
}

static void a_file_left_in_tmp_ends_the_jail(void **data)
{
    assert_is_the_last(*data, "mkdir /tmp/a; echo done");
}

static void a_file_left_in_shared_memory_ends_the_jail(void **data)
{
    assert_is_the_last(*data, "touch /dev/shm/.a; echo done");
}

static void shared_memory_left_ends_the_jail(void **data)
{
    if (access("/usr/bin/ipcmk", X_OK) != 0)
        skip();
    assert_is_the_last(*data, "ipcmk -M 4096 >/dev/null && echo done");
}

static void a_semaphore_left_ends_the_jail(void **data)
{
    if (access("/usr/bin/ipcmk", X_OK) != 0)
        skip();
    assert_is_the_last(*data, "ipcmk -S 1 >/dev/null && echo done");
}

static void a_queue_left_ends_the_jail(void **data)
{
    if (access("/usr/bin/ipcmk", X_OK) != 0)
        skip();
    assert_is_the_last(*data, "ipcmk -Q >/dev/null && echo done");
}

static void its_work_directory_stays(void **data)
{
    struct rig *r = *data;
    int st, order = keep(r, "rm -f /tmp/x; cat a 2>/dev/null; echo one >>a");

    assert_string_equal(run_in(r, order, "", &st), "");
    assert_string_equal(run_in(r, order, "", &st), "one\n");
    close(order);
}

/* Others may write there as well: root, that is, for whom nobody is refused. */
static void its_work_directory_is_its_own_again(void **data)
{
    struct rig *r = *data;
    char path[128];
    struct nf_err err;
    const char *const argv[] = { "/bin/true", NULL };
    const struct nf_program_options o = options(r, argv);
    int st, order = keep(r, "echo more >>theirs && cat theirs");
    needs(r, NF_LAYER_UID);
    (void)snprintf(path, sizeof(path), "%s/theirs", r->work);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0600), 0);

    assert_string_not_equal(run_in(r, order, "", &st), "more\n");
    assert_ok(nf_program_adopt_again(r->sandbox, &o, &err), &err);
    assert_string_equal(run_in(r, order, "", &st), "more\n");
    close(order);
}

/* It holds the socket on which the next runs come. */
static void the_first_process_cannot_be_touched(void **data)
{
    struct rig *r = *data;
    int st,
        order = keep(r, "kill -KILL 1; kill -TERM 1; ls /proc/1/fd 2>/dev/null; cat /proc/1/environ"
                        " 2>/dev/null; echo still");
    needs(r, NF_LAYER_NAMESPACES);

    assert_string_equal(run_in(r, order, "", &st), "still\n");
    assert_string_equal(run_in(r, order, "", &st), "still\n");
    close(order);
}

static void its_end_is_told(void **data)
{
    struct rig *r = *data;
    struct nf_err err;
    int status, order = keep(r, "true");

    nf_jail_end(&r->process, NULL);

    const int fds[] = { r->out[0], r->out[1], r->out[1] };
    assert_code(nf_program_run(order, fds, 3, &err), NF_E_UNAVAILABLE);
    assert_code(nf_program_ran(order, &status, &err), NF_E_UNAVAILABLE);
    close(order);
}

/* --- limits and the end ------------------------------------------------------------------------
 */

static void files_have_a_size(void **data)
{
    assert_says(*data, "(head -c 100000 /dev/zero >big; true) 2>/dev/null; stat -c %s big",
                "65536\n");
}

static void the_tree_has_a_number_of_processes(void **data)
{
    struct rig *r = *data;
    needs(r, NF_LAYER_CGROUP);
    r->processes = 6;
    begin(r, "for i in 1 2 3 4 5 6 7 8 9; do sleep 100 & done 2>/dev/null; wait");
    struct pollfd p = { .fd = r->process.pidfd, .events = POLLIN };
    for (int i = 0; i < 100 && *nf_cgroup_hit(r->process.cgroup) == '\0'; i++)
        poll(&p, 1, 100); /* bash tries again for a while */
    assert_string_equal(nf_cgroup_hit(r->process.cgroup), "processes");
}

static void the_tree_has_its_memory(void **data)
{
    struct rig *r = *data;
    needs(r, NF_LAYER_CGROUP);
    r->memory = 32 << 20;
    begin(r, "exec head -c 200000000 /dev/zero | tail -c 150000000 >/dev/null; exit 0");
    siginfo_t info;
    waitid(P_PID, (id_t)r->process.pid, &info, WEXITED | WNOWAIT);
    assert_string_equal(nf_cgroup_hit(r->process.cgroup), "memory");
}

/* Whoever is left would hold the pipe open. */
static void assert_tree_ends(struct rig *r)
{
    char c;
    begin(r, "(setsid bash -c 'setsid sleep 1000 & sleep 1000' &) ; (trap '' TERM; sleep 1000) & "
             "sleep 0.05; echo x; sleep 1000");
    assert_int_equal(read(r->out[0], &c, 1), 1);

    nf_jail_end(&r->process, NULL);

    assert_string_equal(output(r), "\n");
}

static void the_whole_tree_ends(void **data)
{
    assert_tree_ends(*data);
}

static void also_without_a_cgroup(void **data)
{
    take_away(*data, NF_LAYER_CGROUP, NF_LAYER_CGROUP);
    assert_tree_ends(*data);
}

static void also_without_namespaces(void **data)
{
    take_away(*data, NF_LAYER_NAMESPACES, NF_LAYER_NAMESPACES);
    assert_tree_ends(*data);
}

static void also_without_both(void **data)
{
    take_away(*data, NF_LAYER_NAMESPACES, NF_LAYER_CGROUP);
    assert_tree_ends(*data);
}

static void what_it_leaves_behind_ends_with_it(void **data)
{
    assert_says(*data, "(setsid sleep 1000 &); echo done", "done\n");
}

static void nor_is_anything_left_without_both(void **data)
{
    take_away(*data, NF_LAYER_NAMESPACES, NF_LAYER_CGROUP);
    what_it_leaves_behind_ends_with_it(data);
}

static void below_l1_programs_are_refused(void **data)
{
    struct rig *r = *data;
    const char *const argv[] = { "/bin/true", NULL };
    struct nf_err err;
    take_away(r, NF_LAYER_LANDLOCK, NF_LAYER_LANDLOCK);
    assert_code(start(r, argv, &err), NF_E_DENIED);
    assert_non_null(strstr(err.msg, "landlock"));
}

static void paths_must_be_absolute(void **data)
{
    struct rig *r = *data;
    const char *const argv[] = { "true", NULL };
    struct nf_err err;
    assert_code(start(r, argv, &err), NF_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(a_jail_that_stays_runs_it_again),
        PROGRAM_TEST(nothing_outlives_its_run),
        PROGRAM_TEST(a_file_left_in_tmp_ends_the_jail),
        PROGRAM_TEST(a_file_left_in_shared_memory_ends_the_jail),
        PROGRAM_TEST(shared_memory_left_ends_the_jail),
        PROGRAM_TEST(a_semaphore_left_ends_the_jail),
        PROGRAM_TEST(a_queue_left_ends_the_jail),
        PROGRAM_TEST(its_work_directory_stays),
        PROGRAM_TEST(its_work_directory_is_its_own_again),
        PROGRAM_TEST(nor_without_both),
        PROGRAM_TEST(the_first_process_cannot_be_touched),
        PROGRAM_TEST(its_end_is_told),
        PROGRAM_TEST(files_have_a_size),
        PROGRAM_TEST(the_tree_has_a_number_of_processes),
        PROGRAM_TEST(the_tree_has_its_memory),
        PROGRAM_TEST(the_whole_tree_ends),
        PROGRAM_TEST(also_without_a_cgroup),
        PROGRAM_TEST(also_without_namespaces),
        PROGRAM_TEST(also_without_both),
        PROGRAM_TEST(what_it_leaves_behind_ends_with_it),
        PROGRAM_TEST(nor_is_anything_left_without_both),
        PROGRAM_TEST(below_l1_programs_are_refused),
        PROGRAM_TEST(paths_must_be_absolute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
