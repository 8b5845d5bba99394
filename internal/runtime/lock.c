#include "runtime/lock.h"

#include "base/own.h"
#include "base/string.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static NF_RC refuse(int fd, const char *what, const char *path, struct nf_err *err)
{
    if (errno != EWOULDBLOCK)
        return nf_err_set(err, NF_E_UNAVAILABLE, "cannot lock '%s.lock': %s", path,
                          strerror(errno));
    char pid[16] = { 0 };
    ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);
    if (n <= 0 || strspn(pid, "0123456789") == 0)
        return nf_err_set(err, NF_E_CONFLICT, "%s '%s' is used by another process", what, path);
    pid[strspn(pid, "0123456789")] = '\0';
    return nf_err_set(err, NF_E_CONFLICT, "%s '%s' is used by process %s: stop it first", what,
                      path, pid);
}

enum nf_code nf_lock_take(const char *what, const char *path, int *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str name = { 0 };
    NF_TRY(nf_str_addf(&name, err, "%s.lock", path));
    int fd = open(nf_str_c(&name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "cannot create '%s': %s", nf_str_c(&name),
                          strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum nf_code code = refuse(fd, what, path, err);
        close(fd);
        return code;
    }
    /* Only a hint for the message above, so it may fail: the lock itself is the kernel's. The
     * blanks cover a longer number of before. */
    char pid[16];
    int n = snprintf(pid, sizeof(pid), "%-10d\n", (int)getpid());
    (void)!pwrite(fd, pid, (size_t)n, 0);
    *ret = fd;
    return NF_OK;
}
