/*
 * Landlock by its system calls. The constants that Debian 12's header does not have are those of
 * include/uapi/linux/landlock.h and Documentation/userspace-api/landlock.rst of Linux 6.12, where
 * it is said which version brought which.
 */
#include "sandbox/impl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FS_VERSION_1 ((UINT64_C(1) << 13) - 1) /* EXECUTE to MAKE_SYM */
#define FS_REFER (UINT64_C(1) << 13)           /* 2 */
#define FS_TRUNCATE (UINT64_C(1) << 14)        /* 3 */
#define NET_BIND_TCP (UINT64_C(1) << 0)        /* 4 */
#define NET_CONNECT_TCP (UINT64_C(1) << 1)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)       /* 5 */
#define SCOPE_ABSTRACT_UNIX (UINT64_C(1) << 0) /* 6 */
#define SCOPE_SIGNAL (UINT64_C(1) << 1)

/* struct landlock_ruleset_attr with what later versions appended. */
struct ruleset {
    uint64_t fs, net, scoped;
};

#define RULE_NET_PORT 2 /* enum landlock_rule_type, 4 */
struct port_rule {
    uint64_t allowed, port;
};

int nf_landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi < 0 ? 0 : (int)abi;
}

static struct ruleset handled(int abi, size_t *size)
{
    struct ruleset r = { .fs = FS_VERSION_1 };
    *size = sizeof(r.fs);
    if (abi >= 2)
        r.fs |= FS_REFER;
    if (abi >= 3)
        r.fs |= FS_TRUNCATE;
    if (abi >= 4) {
        r.net = NET_BIND_TCP | NET_CONNECT_TCP;
        *size = offsetof(struct ruleset, scoped);
    }
    if (abi >= 5)
        r.fs |= FS_IOCTL_DEV;
    if (abi >= 6) {
        r.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
        *size = sizeof(r);
    }
    return r;
}

static uint64_t rights(enum nf_land may, uint64_t all)
{
    const uint64_t read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    switch (may) {
    case NF_LAND_READ:
        return read;
    case NF_LAND_RUN:
        return read | LANDLOCK_ACCESS_FS_EXECUTE;
    case NF_LAND_DEVICE:
        return read | LANDLOCK_ACCESS_FS_WRITE_FILE;
    default: /* everything but making devices */
        return all & ~(uint64_t)(LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK);
    }
}

/* A right to a directory's content makes no sense for a file, and the kernel says so (EINVAL). */
#define OF_FILES                                                                                   \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |   \
     FS_TRUNCATE | FS_IOCTL_DEV)

static int add_rule(int ruleset, const struct nf_land_rule *rule, uint64_t all)
{
    int fd = rule->path ? open(rule->path, O_PATH | O_CLOEXEC) : rule->fd;
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    struct landlock_path_beneath_attr attr = { .allowed_access = rights(rule->may, all) & all,
                                               .parent_fd = fd };
    long rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attr, 0);
    if (rc != 0 && errno == EINVAL) {
        attr.allowed_access &= OF_FILES;
        rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attr, 0);
    }
    int error = errno;
    if (rule->path)
        close(fd);
    return rc == 0 ? 0 : -error;
}

static int add_port(int ruleset, const struct nf_land_rule *rule)
{
    const struct port_rule attr = { .allowed = NET_CONNECT_TCP, .port = rule->port };
    long rc = syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &attr, 0);
    return rc == 0 ? 0 : -errno;
}

int nf_landlock_begin(void)
{
    size_t size;
    struct ruleset attr = handled(nf_landlock_abi(), &size);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    return ruleset < 0 ? -errno : ruleset;
}

int nf_landlock_add(int ruleset, const struct nf_land_rule *rules, size_t n)
{
    size_t size;
    struct ruleset attr = handled(nf_landlock_abi(), &size);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (rules[i].may != NF_LAND_CONNECT)
            rc = add_rule(ruleset, &rules[i], attr.fs);
        else if (attr.net != 0)
            rc = add_port(ruleset, &rules[i]);
    }
    return rc;
}

int nf_landlock_enforce(int ruleset)
{
    int rc = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 ? 0 : -errno;
    close(ruleset);
    return rc;
}

int nf_landlock_restrict(const struct nf_land_rule *rules, size_t n)
{
    int ruleset = nf_landlock_begin();
    if (ruleset < 0)
        return ruleset;
    int rc = nf_landlock_add(ruleset, rules, n);
    if (rc == 0)
        return nf_landlock_enforce(ruleset);
    close(ruleset);
    return rc;
}
