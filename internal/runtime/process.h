/* Child processes, with pipes for standard input, output and error. Nothing is inherited but what
 * is asked for; no shell is involved. */
#pragma once

#include "base/string.h"
#include "runtime/fiber.h"

struct nf_process_options {
    const char *const *argv; /* NULL-terminated; argv[0] is the path, searched in PATH if bare */
    const char *const *env;  /* NULL-terminated "NAME=value"; NULL: ours */
    const char *cwd;         /* NULL: ours */
    const char *input;       /* written to its standard input, which is then closed */
    size_t input_n;
    size_t output_max;  /* bytes kept of each of stdout and stderr; the process is killed over it */
    int64_t timeout_ms; /* then it and its process group are killed */
};

struct nf_process_result {
    struct nf_str out, err;
    int exit_code; /* -1 if it was killed */
    int signal;    /* 0 if it exited */
};
void nf_process_result_done(struct nf_process_result *r);

/* Start it, feed it, collect what it prints, wait for it. It leads a process group of its own,
 * which is killed as a whole on a limit, timeout or cancel; it is always reaped. NF_E_NOT_FOUND: no
 * such program; NF_E_LIMIT: too much output; NF_E_TIMEOUT; NF_E_CANCELED. *ret is set in the first
 * two cases of failure too, as far as it came. Suspends. */
NF_RC nf_process_run(struct nf_loop *l, const struct nf_process_options *o,
                     struct nf_process_result *ret, struct nf_err *err);
