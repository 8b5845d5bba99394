/*
 * Included before all else in a second build of the tests of templates and programs: there each
 * jail that can be is made as a spare, with other limits, and then used, and has to be like any
 * other.
 */
#pragma once

#include "sandbox/program.h"
#include "sandbox/sandbox.h"

#define BY_SPARE_WAIT_MS 60000

static inline enum nf_code template_by_spare(struct nf_sandbox *s, const struct nf_jail_options *o,
                                             struct nf_jail_process *ret, struct nf_err *err)
{
    struct nf_jail_options other = *o;
    if (!nf_jail_spare_fits(o))
        return nf_jail_spawn(s, o, ret, err);
    other.memory_bytes = NF_JAIL_MEMORY_MIN;
    other.group_memory_bytes = 8 * o->group_memory_bytes;
    other.group_processes = 2;
    NF_TRY(nf_jail_spare(s, &other, ret, err));
    NF_TRY(nf_jail_wait(ret, BY_SPARE_WAIT_MS, err));
    return nf_jail_use(o, ret, err);
}

/* Not there where it cannot be: NF_E_DENIED. */
static inline enum nf_code spare_program(struct nf_sandbox *s, const struct nf_program_options *o,
                                         struct nf_jail_process *ret, int *order,
                                         struct nf_err *err)
{
    struct nf_program_options other = *o;
    other.argv = other.read_only = NULL;
    other.work_dir = NULL;
    other.slot = 0;
    other.memory_bytes = 8 * o->memory_bytes;
    other.processes = 2;
    other.cpu_seconds = other.file_bytes = 1;
    NF_TRY(nf_program_spare(s, &other, ret, order, err));
    NF_TRY(nf_jail_wait(ret, BY_SPARE_WAIT_MS, err));
    return nf_program_use(s, o, ret, err);
}

static inline enum nf_code program_by_spare(struct nf_sandbox *s,
                                            const struct nf_program_options *o,
                                            struct nf_jail_process *ret, struct nf_err *err)
{
    enum nf_code rc = spare_program(s, o, ret, NULL, err);
    return rc == NF_E_DENIED ? nf_program_spawn(s, o, ret, err) : rc;
}

static inline enum nf_code keep_by_spare(struct nf_sandbox *s, const struct nf_program_options *o,
                                         struct nf_jail_process *ret, int *order,
                                         struct nf_err *err)
{
    enum nf_code rc = spare_program(s, o, ret, order, err);
    return rc == NF_E_DENIED ? nf_program_keep(s, o, ret, order, err) : rc;
}

#define nf_jail_spawn template_by_spare
#define nf_program_spawn program_by_spare
#define nf_program_keep keep_by_spare
