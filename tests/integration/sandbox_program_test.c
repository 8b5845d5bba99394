/* Programs in the looser jail, driven with the shell of the machine. */
#include "sandbox/cgroup.h"
#include "sandbox/program.h"

#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 10000
#define FILE_BYTES 65536

struct rig {
    struct nf_sandbox *sandbox;
    struct nf_jail_process process;
    char work[64], text[8192];
    int out[2];
    const char *proxy;
    const char *const *read_only;
    int64_t memory, processes;
};

static int setup(void **data)
{
    static struct rig r;
    struct nf_err err;
    r = (struct rig){ .process = NF_JAIL_PROCESS_NONE, .processes = 32 };
    (void)snprintf(r.work, sizeof(r.work), "/tmp/nexflow-work-XXXXXX");
    if (nf_sandbox_new(&r.sandbox, &err) != NF_OK || !mkdtemp(r.work) ||
        pipe2(r.out, O_CLOEXEC) != 0)
        return -1;
    *data = &r;
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static int teardown(void **data)
{
    struct rig *r = *data;
    nf_jail_end(&r->process, NULL);
    close(r->out[0]);
    if (r->out[1] >= 0)
        close(r->out[1]);
    nf_sandbox_free(r->sandbox);
    return nftw(r->work, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static bool has(const struct rig *r, enum nf_layer l)
{
    return nf_sandbox_report(r->sandbox)->have[l];
}

#define needs(r, layer)                                                                            \
    do {                                                                                           \
        if (!has(r, layer)) {                                                                      \
            print_message("skipped: this machine has no %s\n", nf_layer_name(layer));              \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

static void take_away(struct rig *r, enum nf_layer a, enum nf_layer b)
{
    bool keep[NF_LAYERS];
    for (enum nf_layer l = 0; l < NF_LAYERS; l++)
        keep[l] = l != a && l != b;
    nf_sandbox_restrict(r->sandbox, keep);
}

static struct nf_program_options options(const struct rig *r, const char *const *argv)
{
    static const char *const env[] = { "PATH=/usr/bin:/bin", "GREETING=hello", NULL };
    return (struct nf_program_options){
        .argv = argv,
        .env = env,
        .work_dir = r->work,
        .read_only = r->read_only,
        .proxy_socket = r->proxy,
        .in_fd = -1,
        .out_fd = r->out[1],
        .err_fd = r->out[1],
        .slot = 9,
        .memory_bytes = r->memory,
        .processes = r->processes,
        .cpu_seconds = 20,
        .file_bytes = FILE_BYTES,
    };
}

static enum nf_code start(struct rig *r, const char *const *argv, struct nf_err *err)
{
    const struct nf_program_options o = options(r, argv);
    enum nf_code rc = nf_program_spawn(r->sandbox, &o, &r->process, err);
    return rc == NF_OK ? nf_jail_wait(&r->process, WAIT_MS, err) : rc;
}

static void begin(struct rig *r, const char *script)
{
    const char *const argv[] = { "/bin/bash", "-c", script, NULL };
    struct nf_err err;
    assert_ok(start(r, argv, &err), &err);
}

static const char *output(struct rig *r)
{
    struct pollfd p = { .fd = r->out[0], .events = POLLIN };
    size_t n = 0;
    close(r->out[1]);
    r->out[1] = -1;
    for (ssize_t got = 1; got > 0; n += got > 0 ? (size_t)got : 0) {
        if (poll(&p, 1, WAIT_MS) <= 0)
            fail_msg("no end of output after: %s", r->text);
        got = read(r->out[0], r->text + n, sizeof(r->text) - 1 - n);
        r->text[n + (got > 0 ? (size_t)got : 0)] = '\0';
    }
    return r->text;
}

static int status(struct rig *r)
{
    int st = -1;
    siginfo_t info;
    waitid(P_PID, (id_t)r->process.pid, &info, WEXITED | WNOWAIT);
    nf_jail_end(&r->process, &st);
    return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

static void assert_says(struct rig *r, const char *script, const char *want)
{
    begin(r, script);
    assert_string_equal(output(r), want);
    assert_int_equal(status(r), 0);
}

/* --- what it has ------------------------------------------------------------------------------ */

static void it_works_in_its_directory(void **data)
{
    struct rig *r = *data;
    char path[128], text[16] = "";

    assert_says(r, "mkdir -p a && echo $GREETING >a/b && cat a/b", "hello\n");

    (void)snprintf(path, sizeof(path), "%s/a/b", r->work);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof(text), f));
    (void)fclose(f);
    assert_string_equal(text, "hello\n");
}

static void so_it_does_without_namespaces(void **data)
{
    take_away(*data, NF_LAYER_NAMESPACES, NF_LAYER_NAMESPACES);
    it_works_in_its_directory(data);
}

/* The daemon made the files; the program is another user. */
static void files_of_the_daemon_are_its_own(void **data)
{
    struct rig *r = *data;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/given", r->work);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "x\n", 2), 2);
    close(fd);

    assert_says(r, "cat given && echo more >>given && cat given", "x\nx\nmore\n");
}

/* As root: a name for a file elsewhere must not make that the program's. */
static void links_out_of_the_directory_are_not_followed(void **data)
{
    struct rig *r = *data;
    char path[128], victim[] = "/tmp/nexflow-victim-XXXXXX";
    struct stat before, after;
    int fd = mkstemp(victim);
    close(fd);
    assert_int_equal(stat(victim, &before), 0);
    (void)snprintf(path, sizeof(path), "%s/soft", r->work);
    assert_int_equal(symlink(victim, path), 0);
    (void)snprintf(path, sizeof(path), "%s/hard", r->work);
    assert_int_equal(link(victim, path), 0);

    begin(r, "cat soft 2>/dev/null; true");
    output(r);
    assert_int_equal(status(r), 0);

    assert_int_equal(stat(victim, &after), 0);
    assert_int_equal(after.st_uid, before.st_uid);
    unlink(victim);
}

static void it_has_only_the_environment_it_was_given(void **data)
{
    assert_says(*data, "env | grep -v -E '^(PWD|SHLVL|_|HOME|TMPDIR)=' | sort",
                "GREETING=hello\nPATH=/usr/bin:/bin\n");
}

static void it_has_a_home_and_a_place_for_files(void **data)
{
    needs((struct rig *)*data, NF_LAYER_NAMESPACES);
    assert_says(*data, "cd && echo x >y && cd $TMPDIR && echo x >z && echo $HOME $TMPDIR",
                "/work /tmp\n");
}

static void also_where_names_are_the_machines(void **data)
{
    struct rig *r = *data;
    char want[160];
    take_away(r, NF_LAYER_NAMESPACES, NF_LAYER_NAMESPACES);
    (void)snprintf(want, sizeof(want), "%s %s\n", r->work, r->work);
    assert_says(r, "cd && echo x >y && cd $TMPDIR && echo x >z && echo $HOME $TMPDIR", want);
}

static void it_may_start_processes_and_threads(void **data)
{
    assert_says(*data, "for i in 1 2 3; do echo $i | cat & done | sort; wait", "1\n2\n3\n");
}

static void more_can_be_shown_to_it(void **data)
{
    static const char *const shown[] = { "/var/lib/dpkg", NULL };
    struct rig *r = *data;
    if (access("/var/lib/dpkg/status", R_OK) != 0)
        skip();
    r->read_only = shown;
    assert_says(r,
                "test -s /var/lib/dpkg/status && echo seen; touch /var/lib/dpkg/x 2>/dev/null || "
                "echo refused",
                "seen\nrefused\n");
}

static void its_exit_code_is_told(void **data)
{
    struct rig *r = *data;
    begin(r, "exit 7");
    assert_int_equal(status(r), 7);
}

static void the_signal_that_ended_it_is_told(void **data)
{
    struct rig *r = *data;
    begin(r, "kill -SEGV $$");
    assert_int_equal(status(r), 128 + SIGSEGV);
}

static void what_cannot_run_says_why(void **data)
{
    struct rig *r = *data;
    const char *const argv[] = { "/usr/bin/no-such-program", NULL };
    struct nf_err err;
    assert_ok(start(r, argv, &err), &err);
    assert_string_equal(output(r), "/usr/bin/no-such-program: No such file or directory\n");
    assert_int_equal(status(r), NF_PROGRAM_NOT_RUN);
}

/* --- what it has not -------------------------------------------------------------------------- */

static void it_sees_no_other_files(void **data)
{
    struct rig *r = *data;
    needs(r, NF_LAYER_NAMESPACES);
    assert_says(r, "ls -d /home /root /var /opt /srv /etc/shadow 2>/dev/null; ls -A /tmp", "");
}

static void without_namespaces_landlock_hides_them(void **data)
{
    struct rig *r = *data;
    take_away(r, NF_LAYER_NAMESPACES, NF_LAYER_NAMESPACES);
    assert_says(r,
                "cat /etc/passwd /proc/1/environ 2>/dev/null; ls /tmp /root /home 2>/dev/null; "
                "touch /tmp/x /var/tmp/x 2>/dev/null; true",
                "");
}

static void it_writes_nowhere_else(void **data)
{
    assert_says(*data,
                "for d in / /usr /usr/bin /etc /dev /proc /lib; do (echo x >$d/x) 2>/dev/null && "
                "echo $d; done; true",
                "");
}

/* Which Landlock does not guard, and permissions do not if the user is the same. */
static void nor_does_it_change_their_attributes(void **data)
{
    struct rig *r = *data;
    char victim[] = "/tmp/nexflow-victim-XXXXXX", script[256];
    struct stat before, after;
    take_away(r, NF_LAYER_NAMESPACES, NF_LAYER_UID);
    int fd = mkstemp(victim);
    assert_int_equal(fstat(fd, &before), 0);
    (void)snprintf(script, sizeof(script),
                   "chmod 777 %s; touch -d 2001-01-01 %s; setfattr -n user.x -v y %s; chown 1 %s",
                   victim, victim, victim, victim);

    begin(r, script);
    (void)status(r);

    assert_int_equal(fstat(fd, &after), 0);
    assert_memory_equal(&after, &before, sizeof(after));
    close(fd);
    unlink(victim);
}

/* The same user's, without namespaces: its limits, priority and life. */
static void other_processes_are_safe_from_it(void **data)
{
    struct rig *r = *data;
    char script[256];
    int me = (int)getpid();
    take_away(r, NF_LAYER_NAMESPACES, NF_LAYER_UID);
    (void)snprintf(
        script, sizeof(script),
        "prlimit --pid %d --core=0:0 2>/dev/null || echo safe; kill -0 %d 2>/dev/null || "
        "echo safe; renice -n 5 -p %d >/dev/null 2>&1 || echo safe",
        me, me, me);

    assert_says(r, script, "safe\nsafe\nsafe\n");
}

static void it_sees_no_other_processes(void **data)
{
    struct rig *r = *data;
    needs(r, NF_LAYER_NAMESPACES);
    assert_says(r, "cd /proc && for p in [0-9]*; do test $p -gt 9 && echo $p; done; true", "");
}

static void it_has_no_network(void **data)
{
    assert_says(*data, "(echo >/dev/tcp/127.0.0.1/1) 2>&1 | grep -o 'Permission denied' | head -1",
                "Permission denied\n");
}

static void nor_without_namespaces(void **data)
{
    take_away(*data, NF_LAYER_NAMESPACES, NF_LAYER_CGROUP);
    it_has_no_network(data);
}

static void it_makes_no_namespaces_and_mounts_nothing(void **data)
{
    assert_says(*data,
                "unshare -U true 2>&1 | grep -c 'not permitted'; unshare -n true 2>&1 | grep -c "
                "'not permitted'; mount -t tmpfs x /tmp 2>/dev/null || echo refused",
                "1\n1\nrefused\n");
}

static void it_has_no_capability_and_gets_none(void **data)
{
    struct rig *r = *data;
    needs(r, NF_LAYER_NAMESPACES); /* without them it does not see itself */
    assert_says(r, "grep -E '^(CapEff|CapPrm|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status",
                "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapAmb:\t0000000000000000\n"
                "NoNewPrivs:\t1\nSeccomp:\t2\n");
}

/* --- the proxy's socket ----------------------------------------------------------------------- */

static int listener(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
    if (bind(s, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(s, 4) != 0 ||
        chmod(path, 0666) != 0)
        fail_msg("listen at %s: %s", path, strerror(errno));
    return s;
}

#define CONNECT                                                                                    \
    "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\nprint('there')\n"

static void it_reaches_the_proxy_and_nothing_else(void **data)
{
    struct rig *r = *data;
    char path[96];
    needs(r, NF_LAYER_NAMESPACES);
    if (access("/usr/bin/python3", X_OK) != 0)
        skip();
    (void)snprintf(path, sizeof(path), "%s.sock", r->work);
    int s = listener(path);
    r->proxy = path;
    const char *const argv[] = { "/usr/bin/python3", "-I", "-S", "-c", CONNECT,
                                 "/run/proxy.sock",  NULL };
    struct nf_err err;

    assert_ok(start(r, argv, &err), &err);
    const char *got = output(r);
    unlink(path);

    assert_string_equal(got, "there\n");
    int c = accept4(s, NULL, NULL, SOCK_CLOEXEC);
    assert_true(c >= 0);
    close(c);
    close(s);
}

static void without_a_proxy_it_has_no_sockets(void **data)
{
    struct rig *r = *data;
    if (access("/usr/bin/python3", X_OK) != 0)
        skip();
    const char *const argv[] = { "/usr/bin/python3", "-I", "-S", "-c", CONNECT,
                                 "/run/proxy.sock",  NULL };
    struct nf_err err;
    assert_ok(start(r, argv, &err), &err);
    assert_non_null(strstr(output(r), "PermissionError"));
}

static void a_proxy_needs_namespaces(void **data)
{
    struct rig *r = *data;
    const char *const argv[] = { "/bin/true", NULL };
    struct nf_err err;
    take_away(r, NF_LAYER_NAMESPACES, NF_LAYER_NAMESPACES);
    r->proxy = "/tmp/x";
    assert_code(start(r, argv, &err), NF_E_DENIED);
    assert_non_null(strstr(err.msg, "namespaces"));
}

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
    return r->text;
}

static void a_jail_that_stays_runs_it_again(void **data)
{
    struct rig *r = *data;
    int st, order = keep(r, "read x; echo \"$GREETING $x\"; exit ${#x}");

    assert_string_equal(run_in(r, order, "you\n", &st), "hello you\n");
    assert_int_equal(st, 3);
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
#define PROGRAM_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(it_works_in_its_directory),
        PROGRAM_TEST(so_it_does_without_namespaces),
        PROGRAM_TEST(files_of_the_daemon_are_its_own),
        PROGRAM_TEST(links_out_of_the_directory_are_not_followed),
        PROGRAM_TEST(it_has_only_the_environment_it_was_given),
        PROGRAM_TEST(it_has_a_home_and_a_place_for_files),
        PROGRAM_TEST(also_where_names_are_the_machines),
        PROGRAM_TEST(it_may_start_processes_and_threads),
        PROGRAM_TEST(more_can_be_shown_to_it),
        PROGRAM_TEST(its_exit_code_is_told),
        PROGRAM_TEST(the_signal_that_ended_it_is_told),
        PROGRAM_TEST(what_cannot_run_says_why),
        PROGRAM_TEST(it_sees_no_other_files),
        PROGRAM_TEST(without_namespaces_landlock_hides_them),
        PROGRAM_TEST(it_writes_nowhere_else),
        PROGRAM_TEST(nor_does_it_change_their_attributes),
        PROGRAM_TEST(other_processes_are_safe_from_it),
        PROGRAM_TEST(it_sees_no_other_processes),
        PROGRAM_TEST(it_has_no_network),
        PROGRAM_TEST(nor_without_namespaces),
        PROGRAM_TEST(it_makes_no_namespaces_and_mounts_nothing),
        PROGRAM_TEST(it_has_no_capability_and_gets_none),
        PROGRAM_TEST(it_reaches_the_proxy_and_nothing_else),
        PROGRAM_TEST(without_a_proxy_it_has_no_sockets),
        PROGRAM_TEST(a_proxy_needs_namespaces),
        PROGRAM_TEST(a_jail_that_stays_runs_it_again),
        PROGRAM_TEST(nothing_outlives_its_run),
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
