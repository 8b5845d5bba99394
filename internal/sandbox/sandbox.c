#include "sandbox/sandbox.h"

#include "sandbox/impl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static NF_RC compile_policies(struct nf_sandbox *sb, struct nf_err *err)
{
    for (int threads = 0; threads < 2; threads++) {
        for (int notify = 0; notify < 2; notify++)
            NF_TRY(nf_policy_new(nf_policy_profile_of(threads), NF_ARCH_NATIVE, notify,
                                 &sb->plugin[threads][notify], err));
    }
    static const enum nf_policy_profile programs[NF_PROGRAMS] = {
        [NF_OFFLINE] = NF_PROFILE_PROGRAM_OFFLINE,
        [NF_ONLINE] = NF_PROFILE_PROGRAM_ONLINE,
        [NF_BARE] = NF_PROFILE_PROGRAM_BARE,
    };
    for (int i = 0; i < NF_PROGRAMS; i++)
        NF_TRY(nf_policy_new(programs[i], NF_ARCH_NATIVE, false, &sb->program[i], err));
    return NF_OK;
}

enum nf_code nf_sandbox_new(struct nf_sandbox **ret, struct nf_err *err)
{
    struct nf_sandbox *sb = calloc(1, sizeof(*sb));
    if (!sb)
        return nf_err_set(err, NF_E_NOMEM, "no memory for a sandbox");
    sb->empty_net = -1;
    sb->uid = geteuid();
    sb->gid = getegid();
    sb->root = sb->uid == 0;
    enum nf_code rc = compile_policies(sb, err);
    if (rc == NF_OK)
        rc = nf_probe(sb, err);
    if (rc == NF_OK)
        *ret = sb;
    else
        nf_sandbox_free(sb);
    return rc;
}

void nf_sandbox_free(struct nf_sandbox *sb)
{
    if (!sb)
        return;
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 2; k++)
            nf_policy_free(sb->plugin[i][k]);
    }
    for (int i = 0; i < NF_PROGRAMS; i++)
        nf_policy_free(sb->program[i]);
    nf_cgroup_base_free(sb->cgroups);
    if (sb->empty_net >= 0)
        close(sb->empty_net);
    free(sb);
}

const struct nf_sandbox_report *nf_sandbox_report(const struct nf_sandbox *sb)
{
    return &sb->report;
}

void nf_sandbox_restrict(struct nf_sandbox *sb, const bool keep[NF_LAYERS])
{
    for (enum nf_layer l = 0; l < NF_LAYERS; l++) {
        /* How it is built cannot be switched; without PLAIN it is the sanitizers' profile. */
        if (keep[l] || !sb->report.have[l] || l == NF_LAYER_PLAIN)
            continue;
        sb->report.have[l] = false;
        nf_report_gap(&sb->report, l, 0, "switched off", "switch it on");
    }
    if (!sb->report.have[NF_LAYER_NAMESPACES])
        sb->report.user_ns = false;
    if (!sb->report.have[NF_LAYER_CGROUP])
        sb->report.cgroup_version = 0;
    if (!sb->report.have[NF_LAYER_LANDLOCK])
        sb->report.landlock_abi = 0;
    nf_report_level(&sb->report);
}

enum nf_code nf_sandbox_require(const struct nf_sandbox *sb, enum nf_level min, struct nf_err *err)
{
    if (sb->report.level >= min)
        return NF_OK;
    /* Only what stands between: the message has room for little. */
    struct nf_sandbox_report between = { 0 };
    for (size_t i = 0; i < sb->report.gaps_n; i++) {
        const struct nf_gap *g = &sb->report.gaps[i];
        if (g->layer <= NF_LAYER_CGROUP && (int)g->layer < (int)min)
            between.gaps[between.gaps_n++] = *g;
    }
    char gaps[200];
    nf_sandbox_gaps_text(&between, gaps, sizeof(gaps));
    return nf_err_set(err, NF_E_DENIED, "the sandbox is %s here, %s is required: %s",
                      nf_level_name(sb->report.level), nf_level_name(min), gaps);
}
