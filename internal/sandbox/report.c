#include "sandbox/impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = {
    [NF_LEVEL_NONE] = "none", [NF_LEVEL_L0_5] = "L0.5", [NF_LEVEL_L1] = "L1",
    [NF_LEVEL_L2] = "L2",     [NF_LEVEL_L3] = "L3",
};
static const char *const layer_names[NF_LAYERS] = {
    [NF_LAYER_SECCOMP] = "seccomp",
    [NF_LAYER_LANDLOCK] = "landlock",
    [NF_LAYER_NAMESPACES] = "namespaces",
    [NF_LAYER_CGROUP] = "cgroup",
    [NF_LAYER_NOTIFY] = "notify",
    [NF_LAYER_MDWE] = "mdwe",
    [NF_LAYER_UID] = "uid",
    [NF_LAYER_PLAIN] = "plain",
};

const char *nf_level_name(enum nf_level l)
{
    assert(l <= NF_LEVEL_L3);
    return level_names[l];
}

bool nf_level_parse(const char *name, enum nf_level *ret)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *ret = (enum nf_level)i;
            return true;
        }
    }
    return false;
}

const char *nf_layer_name(enum nf_layer l)
{
    assert(l < NF_LAYERS);
    return layer_names[l];
}

void nf_report_level(struct nf_sandbox_report *r)
{
    r->level = NF_LEVEL_NONE;
    for (enum nf_layer l = NF_LAYER_SECCOMP; l <= NF_LAYER_CGROUP && r->have[l]; l++)
        r->level = (enum nf_level)(l + 1);
}

void nf_report_gap(struct nf_sandbox_report *r, enum nf_layer layer, int error, const char *why,
                   const char *fix)
{
    assert(r->gaps_n < NF_LAYERS);
    struct nf_gap *g = &r->gaps[r->gaps_n++];
    *g = (struct nf_gap){ .layer = layer, .error = error };
    (void)snprintf(g->why, sizeof(g->why), "%s", why);
    (void)snprintf(g->fix, sizeof(g->fix), "%s", fix);
}

void nf_sandbox_gaps_text(const struct nf_sandbox_report *r, char *ret, size_t n)
{
    size_t at = 0;
    if (n > 0)
        ret[0] = '\0';
    for (size_t i = 0; i < r->gaps_n && at < n; i++) {
        const struct nf_gap *g = &r->gaps[i];
        int k = snprintf(ret + at, n - at, "%s%s: %s (%s)", i > 0 ? "; " : "",
                         nf_layer_name(g->layer), g->why, g->fix);
        at += k > 0 ? (size_t)k : 0;
    }
}

/* --- what to do about it ---------------------------------------------------------------------- */

static long setting(const char *path)
{
    char text[24] = "";
    FILE *f = fopen(path, "re");
    char *got = f ? fgets(text, sizeof(text), f) : NULL;
    if (f)
        (void)fclose(f);
    return got ? strtol(text, NULL, 10) : -1;
}

/* Debian's and Ubuntu's switches, and the kernel's own (user_namespaces(7)). */
static const char *fix_namespaces(int error)
{
    if (setting("/proc/sys/user/max_user_namespaces") == 0)
        return "sysctl -w user.max_user_namespaces=10000";
    if (setting("/proc/sys/kernel/unprivileged_userns_clone") == 0)
        return "sysctl -w kernel.unprivileged_userns_clone=1";
    if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
        return "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile "
               "with 'userns,' for nexflow-skill";
    if (error == ENOSPC)
        return "sysctl -w user.max_user_namespaces=10000";
    return "a container forbids it: run it with --security-opt seccomp=unconfined "
           "--security-opt apparmor=unconfined";
}

const char *nf_fix_for(enum nf_layer layer, int error)
{
    switch (layer) {
    case NF_LAYER_SECCOMP:
        return "a kernel with CONFIG_SECCOMP_FILTER; in a container, a profile that allows seccomp";
    case NF_LAYER_LANDLOCK:
        return error == EOPNOTSUPP ? "add landlock to lsm= on the kernel's command line"
               : error == ENOSYS   ? "Linux 5.13 or later with CONFIG_SECURITY_LANDLOCK; in a "
                                     "container, a profile that allows landlock_*"
                                   : "in a container, a profile that allows landlock_*";
    case NF_LAYER_NAMESPACES:
        return fix_namespaces(error);
    case NF_LAYER_CGROUP:
        return "Delegate=yes and DelegateSubgroup=daemon in the systemd unit, or run as root; in a "
               "container mount /sys/fs/cgroup writable";
    case NF_LAYER_NOTIFY:
        return error == EBUSY ? "a supervisor outside has the only listener; violations kill "
                                "without a record"
                              : "Linux 5.5 or later; violations kill without a record";
    case NF_LAYER_MDWE:
        return "Linux 6.3 or later";
    case NF_LAYER_UID:
        return "give the daemon CAP_SETUID and CAP_SETGID, or start it as an unprivileged user";
    default:
        return "use a build without sanitizers";
    }
}
