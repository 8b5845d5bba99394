/* What a program costs as a skill, and its jail alone. */
#include "sandbox/program.h"
#include "skills/program.h"
#include "tests/bench/skills_bench.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As a skill /bin/true fails, since it says nothing; that is all the same here. */
double run_program(const char *work)
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
                                      .timeout_ms = 10000,
                                      .broker = &broker.base };
    struct nf_skill_ran ran;
    struct nf_err err;
    double from = now();
    if (nf_warden_program(warden, &r, &ran, &err) != NF_E_UNAVAILABLE || !strstr(err.msg, "code 0"))
        die(err.msg);
    double took = now() - from;
    nf_skill_ran_done(&ran);
    return took;
}

void measure_program(void)
{
    char work[] = "/tmp/skills_bench.XXXXXX";
    if (!mkdtemp(work))
        die("mkdtemp");
    nap(60); /* what ended is cleared away, and the next jail made */
    add(FIRST, run_program(work));
    nap(60);
    add(PROGRAM, run_program(work));
    nap(60);
    measure_bwrap(BWRAP_RESTED);
    rmdir(work);
}

void measure_jail(int rounds)
{
    static const char *const nothing[] = { "/bin/true", NULL };
    static const char *const none[] = { NULL };
    char dir[] = "/tmp/skills_bench.XXXXXX";
    struct nf_sandbox *s;
    struct nf_err err;
    if (!mkdtemp(dir) || nf_sandbox_new(&s, &err) != NF_OK)
        die("no sandbox");
    const struct nf_program_options o = { .argv = nothing,
                                          .env = none,
                                          .work_dir = dir,
                                          .in_fd = -1,
                                          .out_fd = -1,
                                          .err_fd = -1,
                                          .memory_bytes = (int64_t)256 << 20,
                                          .processes = 32,
                                          .file_bytes = 1 << 20 };
    for (int i = 0; i < rounds; i++) {
        struct nf_jail_process p = NF_JAIL_PROCESS_NONE;
        double from = now();
        if (nf_program_spawn(s, &o, &p, &err) != NF_OK || nf_jail_wait(&p, 5000, &err) != NF_OK)
            die(err.msg);
        struct pollfd ended = { .fd = p.pidfd, .events = POLLIN };
        (void)poll(&ended, 1, -1);
        nf_jail_end(&p, NULL);
        add(JAIL, now() - from);
        measure_bwrap(BWRAP);
        from = now();
        spawn_and_wait(nothing);
        add(SPAWN, now() - from);
    }
    nf_sandbox_free(s);
    rmdir(dir);
}
