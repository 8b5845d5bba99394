/*
 * Child processes, with pipes for standard input, output and error. Nothing is inherited but what
 * is asked for, no shell is involved, and nothing outlives the call: the child leads a session and
 * process group of its own, which is killed as a whole.
 */
#pragma once

#include "base/string.h"
#include "runtime/fiber.h"

#define NF_PROCESS_OUTPUT_MAX ((size_t)1 << 30) /* bytes, the highest output_max */

struct nf_process_options {
    /* NULL-terminated; argv[0] is the path, searched in the PATH of `env` if bare */
    const char *const *argv;
    const char *const *env; /* NULL-terminated "NAME=value"; NULL: ours */
    const char *cwd;        /* NULL: ours */
    const char *input;      /* written to its standard input, which is then closed */
    size_t input_n;
    size_t output_max;  /* bytes kept of each of stdout and stderr; the process is killed over it */
    int64_t timeout_ms; /* then it and its process group are killed; 0: the fiber's deadline only */
};

struct nf_process_result {
    struct nf_str out, err;
    int exit_code; /* -1 if it was killed or did not start */
    int signal;    /* 0 if it exited */
};
void nf_process_result_done(struct nf_process_result *r);

/* Start it, feed it, collect what it prints, wait for it. When it ends, what is left of its group
 * is killed, as on a limit, timeout or cancel; it is always reaped. An exit code other than 0 is no
 * failure. NF_E_NOT_FOUND: no such program or cwd; NF_E_DENIED: it may not be run; NF_E_LIMIT: too
 * much output; NF_E_TIMEOUT; NF_E_CANCELED; NF_E_UNAVAILABLE: no descriptors or processes left;
 * NF_E_NOMEM. *ret is set in every case, with what was printed until then. Suspends. */
NF_RC nf_process_run(struct nf_loop *l, const struct nf_process_options *o,
                     struct nf_process_result *ret, struct nf_err *err);
