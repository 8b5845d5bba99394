#include "runtime/file.h"

#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno != EINTR)
            return false;
        if (k > 0) {
            p += k;
            n -= (size_t)k;
        }
    }
    return true;
}

enum nf_code nf_file_replace(const char *path, const char *p, size_t n, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str fresh = { 0 };
    NF_TRY(nf_str_addf(&fresh, err, "%s.new", path));
    const char *name = nf_str_c(&fresh);
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return nf_err_set(err, NF_E_IO, "create '%s': %s", name, strerror(errno));
    /* One that was left behind may have been readable by others. */
    bool ok = fchmod(fd, 0600) == 0 && write_all(fd, p, n) && fsync(fd) == 0;
    int why = ok ? 0 : errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        why = errno;
    }
    if (ok && rename(name, path) != 0) {
        ok = false;
        why = errno;
    }
    if (ok)
        return NF_OK;
    (void)unlink(name);
    return nf_err_set(err, NF_E_IO, "write '%s': %s", path, strerror(why));
}
