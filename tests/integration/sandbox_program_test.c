/* Programs in the looser jail, driven with the shell of the machine: what they have and have not.
 */
#include "tests/integration/program_rig.h"

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
    needs_signals_kept(r);
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
    needs_signals_kept(r);
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

/* --- the proxy ------------------------------------------------------------------------------- */

/* What can be reached, and which sockets there are. */
#define CONNECT                                                                                    \
    "import socket\n"                                                                              \
    "def can(family, kind, to, protocol=0):\n"                                                     \
    "    try:\n"                                                                                   \
    "        s = socket.socket(family, kind, protocol)\n"                                          \
    "        s.settimeout(5)\n"                                                                    \
    "        s.connect(to)\n"                                                                      \
    "        return 'yes'\n"                                                                       \
    "    except OSError as e:\n"                                                                   \
    "        return type(e).__name__\n"                                                            \
    "I, T, D = socket.AF_INET, socket.SOCK_STREAM, socket.SOCK_DGRAM\n"                            \
    "print(can(I, T, ('127.0.0.1', 3128)), can(I, T, ('127.0.0.1', 22)) != 'yes',\n"               \
    "      can(I, T, ('192.0.2.1', 3128)) != 'yes', can(I, D, ('127.0.0.1', 3128)),\n"             \
    "      can(socket.AF_UNIX, T, '/x'), can(socket.AF_INET6, T, ('::1', 3128)),\n"                \
    "      can(I, T, ('127.0.0.1', 3128), 262), can(I, socket.SOCK_RAW, ('127.0.0.1', 0), 1))\n"

static const char *const connector[] = { "/usr/bin/python3", "-I", "-S", "-c", CONNECT, NULL };

static void it_reaches_the_proxy_and_nothing_else(void **data)
{
    struct rig *r = *data;
    struct nf_err err;
    needs(r, NF_LAYER_NAMESPACES);
    if (access("/usr/bin/python3", X_OK) != 0)
        skip();
    r->proxy = true;

    assert_ok(start(r, connector, &err), &err);

    assert_true(r->process.listener >= 0);
    assert_string_equal(output(r), "yes True True PermissionError PermissionError PermissionError "
                                   "PermissionError PermissionError\n");
    int c = accept4(r->process.listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(c >= 0);
    close(c);
}

/* It cannot take the place of whoever listens outside, for what it starts later. */
static void it_cannot_listen_itself(void **data)
{
    struct rig *r = *data;
    struct nf_err err;
    static const char *const argv[] = { "/usr/bin/python3",
                                        "-I",
                                        "-S",
                                        "-c",
                                        ("import socket\ns=socket.socket()\n"
                                         "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)\n"
                                         "s.bind(('127.0.0.1', 3128))\nprint('bound')\n"),
                                        NULL };
    needs(r, NF_LAYER_NAMESPACES);
    if (access("/usr/bin/python3", X_OK) != 0)
        skip();
    r->proxy = true;
    assert_ok(start(r, argv, &err), &err);
    assert_null(strstr(output(r), "bound"));
}

static void without_a_proxy_it_has_no_sockets(void **data)
{
    struct rig *r = *data;
    if (access("/usr/bin/python3", X_OK) != 0)
        skip();
    struct nf_err err;
    assert_ok(start(r, connector, &err), &err);
    assert_int_equal(r->process.listener, -1);
    assert_string_equal(output(r), "PermissionError True True PermissionError PermissionError "
                                   "PermissionError PermissionError PermissionError\n");
}

static void a_proxy_needs_namespaces(void **data)
{
    struct rig *r = *data;
    const char *const argv[] = { "/bin/true", NULL };
    struct nf_err err;
    take_away(r, NF_LAYER_NAMESPACES, NF_LAYER_NAMESPACES);
    r->proxy = true;
    assert_code(start(r, argv, &err), NF_E_DENIED);
    assert_non_null(strstr(err.msg, "namespaces"));
}

int main(void)
{
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
        PROGRAM_TEST(it_cannot_listen_itself),
        PROGRAM_TEST(without_a_proxy_it_has_no_sockets),
        PROGRAM_TEST(a_proxy_needs_namespaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
