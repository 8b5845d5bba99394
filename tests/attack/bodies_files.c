/* Attacks on files: reading, writing, looking, and everything that changes what a path means. */
#include "tests/attack/attack.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PASSWD "/etc/passwd"

static long read_a_byte(const char *path)
{
    char c;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    long r = read(fd, &c, 1);
    long result = r == 1 ? ATTACK_WORKED : r == 0 ? ATTACK_NOTHING : -errno;
    (void)close(fd);
    return result;
}

static const char *in_dir(const struct attack_orders *o, const char *name, char buf[256])
{
    (void)snprintf(buf, 256, "%s/%s", o->dir, name);
    return buf;
}

ATTACK(open_passwd)
{
    return read_a_byte(PASSWD);
}

#ifdef SYS_open
ATTACK(open_legacy)
{
    return attack_result(syscall(SYS_open, PASSWD, O_RDONLY));
}
#endif

ATTACK(openat2)
{
    struct open_how how = { .flags = O_RDONLY };
    return attack_result(syscall(SYS_openat2, AT_FDCWD, PASSWD, &how, sizeof how));
}

ATTACK(open_secret)
{
    char path[256];
    return read_a_byte(in_dir(o, "secret", path));
}

ATTACK(open_parent_dirs)
{
    return read_a_byte("../../../../../../../../../../../../etc/passwd");
}

ATTACK(open_path_only)
{
    return attack_result(open("/etc", O_PATH | O_CLOEXEC));
}

ATTACK(open_device)
{
    return read_a_byte("/dev/zero");
}

ATTACK(create_file)
{
    char path[256];
    return attack_result(open(in_dir(o, "made", path), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

ATTACK(create_here)
{
    return attack_result(open("made-here", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

ATTACK(create_unnamed)
{
    return attack_result(open(o->dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
}

ATTACK(overwrite)
{
    char path[256];
    return attack_result(open(in_dir(o, "victim", path), O_WRONLY | O_TRUNC | O_CLOEXEC));
}

ATTACK(truncate)
{
    char path[256];
    return attack_result(truncate(in_dir(o, "victim", path), 0));
}

ATTACK(unlink)
{
    char path[256];
    return attack_result(unlink(in_dir(o, "victim", path)));
}

ATTACK(rename)
{
    char from[256], to[256];
    return attack_result(rename(in_dir(o, "victim", from), in_dir(o, "moved", to)));
}

ATTACK(hard_link)
{
    char from[256], to[256];
    return attack_result(link(in_dir(o, "secret", from), in_dir(o, "linked", to)));
}

ATTACK(symlink)
{
    char to[256];
    return attack_result(symlink(PASSWD, in_dir(o, "pointer", to)));
}

ATTACK(mkdir)
{
    char path[256];
    return attack_result(mkdir(in_dir(o, "made-dir", path), 0700));
}

ATTACK(mknod)
{
    char path[256];
    return attack_result(mknod(in_dir(o, "made-fifo", path), S_IFIFO | 0600, 0));
}

ATTACK(chmod)
{
    char path[256];
    return attack_result(chmod(in_dir(o, "victim", path), 0777));
}

ATTACK(chown)
{
    char path[256];
    return attack_result(chown(in_dir(o, "victim", path), (uid_t)-1, (gid_t)-1));
}

ATTACK(set_times)
{
    char path[256];
    return attack_result(utimensat(AT_FDCWD, in_dir(o, "victim", path), NULL, 0));
}

ATTACK(set_xattr)
{
    char path[256];
    return attack_result(setxattr(in_dir(o, "victim", path), "user.nf", "x", 1, 0));
}

ATTACK(stat)
{
    struct stat st;
    return attack_result(stat(PASSWD, &st));
}

ATTACK(statx)
{
    char buf[256];
    return attack_result(syscall(SYS_statx, AT_FDCWD, PASSWD, 0, 0x7ff, buf));
}

ATTACK(statfs)
{
    struct statfs st;
    return attack_result(statfs("/etc", &st));
}

ATTACK(access)
{
    return attack_result(faccessat(AT_FDCWD, PASSWD, R_OK, 0));
}

ATTACK(readlink)
{
    char buf[64];
    return attack_result(readlink("/proc/self/exe", buf, sizeof buf));
}

ATTACK(list_root)
{
    char buf[512];
    int fd = open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    long r = syscall(SYS_getdents64, fd, buf, sizeof buf);
    long result = attack_result(r);
    (void)close(fd);
    return result;
}

ATTACK(chdir)
{
    return attack_result(chdir("/etc"));
}

ATTACK(chroot)
{
    return attack_result(chroot(o->dir));
}

ATTACK(pivot_root)
{
    return attack_judged(syscall(SYS_pivot_root, "", ""), ENOENT);
}

ATTACK(mount)
{
    return attack_result(mount("none", o->dir, "tmpfs", 0, NULL));
}

ATTACK(umount)
{
    return attack_judged(umount2(o->dir, MNT_DETACH), EINVAL); /* no mount */
}

ATTACK(fsopen)
{
    return attack_result(syscall(SYS_fsopen, "tmpfs", 0));
}

ATTACK(open_tree)
{
    return attack_result(syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */));
}

ATTACK(mount_setattr)
{
    return attack_judged(syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, NULL, 32), EFAULT);
}

ATTACK(handle_of_root)
{
    struct {
        unsigned bytes;
        int type;
        char id[128];
    } h = { .bytes = 128 };
    int mount_id;
    return attack_result(syscall(SYS_name_to_handle_at, AT_FDCWD, "/etc", &h, &mount_id, 0));
}

ATTACK(open_by_handle)
{
    struct {
        unsigned bytes;
        int type;
        char id[8];
    } h = { .bytes = 8, .type = 1 }; /* of an inode 0, which no file system has */
    return attack_judged(syscall(SYS_open_by_handle_at, AT_FDCWD, &h, O_RDONLY), ESTALE);
}

ATTACK(inotify)
{
    int fd = inotify_init1(IN_CLOEXEC);
    return fd < 0 ? -errno : attack_result(inotify_add_watch(fd, "/etc", IN_MODIFY));
}

ATTACK(fanotify)
{
    return attack_result(syscall(SYS_fanotify_init, FAN_CLASS_NOTIF, O_RDONLY));
}

ATTACK(proc_self_mem)
{
    return attack_result(open("/proc/self/mem", O_RDWR | O_CLOEXEC));
}

ATTACK(proc_self_maps)
{
    return read_a_byte("/proc/self/maps");
}

ATTACK(proc_daemon_environ)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)o->daemon);
    return read_a_byte(path);
}

ATTACK(proc_daemon_mem)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/mem", (int)o->daemon);
    return attack_result(open(path, O_RDONLY | O_CLOEXEC));
}

ATTACK(proc_daemon_fd)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)o->daemon, (int)o->secret);
    return attack_result(open(path, O_RDWR | O_CLOEXEC));
}

ATTACK(proc_daemon_cwd)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/cwd/", (int)o->daemon);
    return attack_result(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/* libcrypt is part of every Debian and nothing of ours links it. */
ATTACK(second_dlopen)
{
    return dlopen("libcrypt.so.1", RTLD_NOW | RTLD_LOCAL) ? ATTACK_WORKED : -EACCES;
}

ATTACK(copy_file_range)
{
    return attack_judged(syscall(SYS_copy_file_range, -1, NULL, -1, NULL, 1, 0), EBADF);
}

ATTACK(sendfile)
{
    return attack_judged(syscall(SYS_sendfile, -1, -1, NULL, 1), EBADF);
}

ATTACK(swapon)
{
    return attack_judged(syscall(SYS_swapon, "", 0), ENOENT);
}

ATTACK(acct)
{
    char path[256];
    return attack_judged(syscall(SYS_acct, in_dir(o, "no-such", path)), ENOENT);
}
