/* What the sandbox lacks, as the process that found it out wrote it (internal/sandbox), and what
 * stands in place of a level. */
#include "domain/said.h"

static const struct nf_saying parts[] = {
    { "layer-seccomp", "seccomp", .russian = NULL },
    { "layer-landlock", "landlock", .russian = NULL },
    { "layer-namespaces", "namespaces", .russian = NULL },
    { "layer-cgroup", "cgroup", .russian = NULL },
    { "layer-notify", "notify", .russian = NULL },
    { "layer-mdwe", "mdwe", .russian = NULL },
    { "layer-uid", "uid", .russian = NULL },
    { "layer-plain", "plain", .russian = NULL },
    { "lack-nothing-forbidden", "it can be set up here, but forbids nothing", .russian = NULL },
    { "lack-switched-off", "switched off", .russian = NULL },
    { "lack-sanitizer",
      "built with a sanitizer: the profile 'asan', a wider filter and no limit of address space",
      .russian = NULL },
    { "lack-cgroups", "version 2: %s; version 1: %s", .russian = NULL },
    { "lack-not-permitted", "%s: Operation not permitted", .russian = NULL },
    { "lack-no-access", "%s: Permission denied", .russian = NULL },
    { "lack-not-built-in", "%s: Function not implemented", .russian = NULL },
    { "lack-unsupported", "%s: Operation not supported", .russian = NULL },
    { "lack-no-such-argument", "%s: Invalid argument", .russian = NULL },
    { "lack-busy", "%s: Device or resource busy", .russian = NULL },
    { "fix-userns-max", "sysctl -w user.max_user_namespaces=10000", .russian = NULL },
    { "fix-userns-clone", "sysctl -w kernel.unprivileged_userns_clone=1", .russian = NULL },
    { "fix-apparmor",
      "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile with "
      "'userns,' for nexflow-skill",
      .russian = NULL },
    { "fix-container",
      "a container forbids it: run it with --security-opt seccomp=unconfined --security-opt "
      "apparmor=unconfined",
      .russian = NULL },
    { "fix-seccomp",
      "a kernel with CONFIG_SECCOMP_FILTER; in a container, a profile that allows seccomp",
      .russian = NULL },
    { "fix-landlock-lsm", "add landlock to lsm= on the kernel's command line", .russian = NULL },
    { "fix-landlock-kernel",
      "Linux 5.13 or later with CONFIG_SECURITY_LANDLOCK; in a container, a profile that allows "
      "landlock_*",
      .russian = NULL },
    { "fix-landlock-profile", "in a container, a profile that allows landlock_*", .russian = NULL },
    { "fix-cgroup",
      "Delegate=yes and DelegateSubgroup=daemon in the systemd unit, or run as root; in a "
      "container mount /sys/fs/cgroup writable",
      .russian = NULL },
    { "fix-notify-taken",
      "a supervisor outside has the only listener; violations kill without a record",
      .russian = NULL },
    { "fix-notify-kernel", "Linux 5.5 or later; violations kill without a record",
      .russian = NULL },
    { "fix-mdwe", "Linux 6.3 or later", .russian = NULL },
    { "fix-uid", "give the daemon CAP_SETUID and CAP_SETGID, or start it as an unprivileged user",
      .russian = NULL },
    { "fix-plain", "use a build without sanitizers", .russian = NULL },
    { "fix-switch", "switch it on", .russian = NULL },
};
static const struct nf_sayings in_parts = { parts, sizeof(parts) / sizeof(parts[0]) };

static const struct nf_saying rows[] = {
    { "sandbox-off", "they are switched off (setting skills.enabled)", .russian = NULL },
    { "sandbox-lack", "%s: %s (%s)", .russian = NULL, .values = &in_parts },
};
const struct nf_sayings nf_sandbox_sayings = { rows, sizeof(rows) / sizeof(rows[0]) };
