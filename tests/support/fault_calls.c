/* Definitions that come before those of the C library, and call them. */
#include "tests/support/fault_calls.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static struct nf_fault_order own;
static _Atomic(struct nf_fault_order *) order = &own;

__attribute__((constructor)) static void take_orders(void)
{
    const char *path = getenv("NF_FAULT_FILE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1; /* no order yet: it comes through */
    if (fd < 0)
        return;
    void *p = mmap64(NULL, sizeof(own), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p != MAP_FAILED)
        order = p;
}

void nf_fault_call_at(int64_t n, int64_t times, enum nf_fault_calls calls, int error)
{
    own.left = 0;
    if (n == 0) /* what it came to can still be asked */
        return;
    own.struck = 0;
    own.times = times;
    own.calls = (int64_t)calls;
    own.fault = NF_FAULT_FAIL;
    own.error = error;
    own.left = n;
}

int64_t nf_fault_struck(char name[9])
{
    int64_t where = own.where;
    memset(name, 0, 9);
    memcpy(name, &where, 8);
    return own.struck;
}

/* --- how often each was called: for fault_calls_test.py ------------------------------------------
 */

#define NAMES_MAX 64

static struct {
    _Atomic(const char *) name;
    _Atomic int64_t n;
} counts[NAMES_MAX];

static void count(const char *name)
{
    for (size_t i = 0; i < NAMES_MAX; i++) {
        const char *none = NULL;
        if (atomic_compare_exchange_strong(&counts[i].name, &none, name) ||
            strcmp(none, name) == 0) {
            counts[i].n++;
            return;
        }
    }
}

__attribute__((destructor)) static void write_counts(void)
{
    const char *path = getenv("NF_FAULT_COUNTS");
    FILE *f = path ? fopen(path, "we") : NULL;
    for (size_t i = 0; f && i < NAMES_MAX && counts[i].name; i++)
        (void)fprintf(f, "%s %lld\n", counts[i].name, (long long)counts[i].n);
    if (f)
        (void)fclose(f);
}

static void note(struct nf_fault_order *o, const char *name)
{
    int64_t where = 0;
    size_t n = strlen(name);
    memcpy(&where, name, n < sizeof(where) ? n : sizeof(where));
    o->where = where;
    o->struck++;
}

static void die(void)
{
    (void)kill(getpid(), SIGKILL);
    for (;;)
        (void)pause();
}

/* What becomes of a call: 0 if nothing, else the fault that is due. Kills before it by itself. */
static enum nf_fault due(enum nf_fault_calls kind, const char *name)
{
    struct nf_fault_order *o = order;
    o->counted++;
    count(name);
    if (o->left <= 0 || !(o->calls & (int64_t)kind))
        return 0;
    int64_t left = --o->left;
    if (left != 0) /* below: another thread has taken it */
        return 0;
    enum nf_fault fault = (enum nf_fault)o->fault;
    /* Down to 1 again, so that the next call is next; or over. */
    o->left = fault == NF_FAULT_FAIL && --o->times > 0 ? 1 : 0;
    note(o, name);
    if (fault == NF_FAULT_KILL_BEFORE)
        die();
    if (fault == NF_FAULT_FAIL)
        errno = (int)o->error;
    return fault;
}

static bool is_socket(int fd)
{
    struct stat s;
    int before = errno;
    bool is = fstat(fd, &s) == 0 && S_ISSOCK(s.st_mode);
    errno = before;
    return is;
}

static bool is_file(int fd)
{
    struct stat s;
    int before = errno;
    bool is = fstat(fd, &s) == 0 && (S_ISREG(s.st_mode) || S_ISDIR(s.st_mode));
    errno = before;
    return is;
}

/* Descriptors of neither kind wake threads and fibers, or are somebody's terminal. */
static enum nf_fault due_on(int fd, const char *name)
{
    if (is_file(fd))
        return due(NF_CALLS_FILES, name);
    return is_socket(fd) ? due(NF_CALLS_SOCKETS, name) : 0;
}

/* clang-format off */
#define REAL(name) \
    static __typeof__(&(name)) real; \
    if (!real) \
        *(void **)&real = dlsym(RTLD_NEXT, #name)
#define CALL(type, due_, call) \
    do { \
        enum nf_fault fault_ = (due_); \
        if (fault_ == NF_FAULT_FAIL) \
            return -1; \
        type got_ = (call); \
        if (fault_) \
            die(); \
        return got_; \
    } while (0)
/* clang-format on */

/* A connection with such an error is gone for both sides. */
static void hang_up(int fd, enum nf_fault fault)
{
    int error = errno;
    if (fault == NF_FAULT_FAIL)
        (void)shutdown(fd, SHUT_RDWR);
    errno = error;
}

/* --- writing ---------------------------------------------------------------------------------- */

ssize_t write(int fd, const void *p, size_t n)
{
    REAL(write);
    enum nf_fault fault = due_on(fd, "write");
    CALL(ssize_t, fault, real(fd, p, fault == NF_FAULT_TORN ? n / 2 : n));
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
    REAL(pwrite64);
    enum nf_fault fault = due(NF_CALLS_FILES, "pwrite64");
    CALL(ssize_t, fault, real(fd, p, fault == NF_FAULT_TORN ? n / 2 : n, at));
}

/* The same call, as programs make it that do not ask for large files by name. */
ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    return pwrite64(fd, p, n, at);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
    REAL(writev);
    enum nf_fault fault = due_on(fd, "writev");
    CALL(ssize_t, fault, real(fd, v, fault == NF_FAULT_TORN ? 1 : n));
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
    REAL(send);
    enum nf_fault fault = due(NF_CALLS_SOCKETS, "send");
    hang_up(fd, fault);
    CALL(ssize_t, fault, real(fd, p, fault == NF_FAULT_TORN ? n / 2 : n, flags));
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    REAL(sendmsg);
    CALL(ssize_t, due(NF_CALLS_SOCKETS, "sendmsg"), real(fd, m, flags));
}

int fdatasync(int fd)
{
    REAL(fdatasync);
    CALL(int, due(NF_CALLS_FILES, "fdatasync"), real(fd));
}

int fsync(int fd)
{
    REAL(fsync);
    CALL(int, due(NF_CALLS_FILES, "fsync"), real(fd));
}

int ftruncate64(int fd, off64_t n)
{
    REAL(ftruncate64);
    CALL(int, due(NF_CALLS_FILES, "ftruncate"), real(fd, n));
}

int ftruncate(int fd, off_t n)
{
    return ftruncate64(fd, n);
}

int unlink(const char *path)
{
    REAL(unlink);
    CALL(int, due(NF_CALLS_FILES, "unlink"), real(path));
}

int rename(const char *from, const char *to)
{
    REAL(rename);
    CALL(int, due(NF_CALLS_FILES, "rename"), real(from, to));
}

int connect(int fd, const struct sockaddr *to, socklen_t n)
{
    REAL(connect);
    CALL(int, due(NF_CALLS_SOCKETS, "connect"), real(fd, to, n));
}

/* --- opening and reading ---------------------------------------------------------------------- */

static mode_t mode_of(int flags, va_list more)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
}

int open64(const char *path, int flags, ...)
{
    va_list more;
    REAL(open64);
    va_start(more, flags);
    mode_t mode = mode_of(flags, more);
    va_end(more);
    CALL(int, due(NF_CALLS_FILES, "open"), real(path, flags, mode));
}

int open(const char *path, int flags, ...)
{
    va_list more;
    REAL(open);
    va_start(more, flags);
    mode_t mode = mode_of(flags, more);
    va_end(more);
    CALL(int, due(NF_CALLS_FILES, "open"), real(path, flags, mode));
}

/* SQLite's shared memory. */
void *mmap64(void *at, size_t n, int protection, int flags, int fd, off64_t from)
{
    REAL(mmap64);
    enum nf_fault fault = fd >= 0 ? due(NF_CALLS_FILES, "mmap") : 0;
    if (fault == NF_FAULT_FAIL)
        return MAP_FAILED;
    void *p = real(at, n, protection, flags, fd, from);
    if (fault)
        die();
    return p;
}

int fstat64(int fd, struct stat64 *ret)
{
    REAL(fstat64);
    CALL(int, due(NF_CALLS_FILES, "fstat"), real(fd, ret));
}

int stat64(const char *path, struct stat64 *ret)
{
    REAL(stat64);
    CALL(int, due(NF_CALLS_FILES, "stat"), real(path, ret));
}

int lstat64(const char *path, struct stat64 *ret)
{
    REAL(lstat64);
    CALL(int, due(NF_CALLS_FILES, "lstat"), real(path, ret));
}

int access(const char *path, int how)
{
    REAL(access);
    CALL(int, due(NF_CALLS_FILES, "access"), real(path, how));
}

int socket(int domain, int type, int protocol)
{
    REAL(socket);
    CALL(int, due(NF_CALLS_SOCKETS, "socket"), real(domain, type, protocol));
}

ssize_t read(int fd, void *p, size_t n)
{
    REAL(read);
    CALL(ssize_t, due_on(fd, "read"), real(fd, p, n));
}

ssize_t pread64(int fd, void *p, size_t n, off64_t at)
{
    REAL(pread64);
    CALL(ssize_t, due(NF_CALLS_FILES, "pread64"), real(fd, p, n, at));
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
    return pread64(fd, p, n, at);
}

ssize_t recv(int fd, void *p, size_t n, int flags)
{
    REAL(recv);
    enum nf_fault fault = due(NF_CALLS_SOCKETS, "recv");
    hang_up(fd, fault);
    CALL(ssize_t, fault, real(fd, p, n, flags));
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
    REAL(recvmsg);
    CALL(ssize_t, due(NF_CALLS_SOCKETS, "recvmsg"), real(fd, m, flags));
}

int getsockopt(int fd, int level, int name, void *p, socklen_t *n)
{
    REAL(getsockopt);
    CALL(int, due(NF_CALLS_SOCKETS, "getsockopt"), real(fd, level, name, p, n));
}

int setsockopt(int fd, int level, int name, const void *p, socklen_t n)
{
    REAL(setsockopt);
    CALL(int, due(NF_CALLS_SOCKETS, "setsockopt"), real(fd, level, name, p, n));
}

int poll(struct pollfd *v, nfds_t n, int ms)
{
    REAL(poll);
    CALL(int, due(NF_CALLS_SOCKETS, "poll"), real(v, n, ms));
}

/* SQLite's locks, but for giving them back, which cannot fail. */
int fcntl64(int fd, int what, ...)
{
    va_list more;
    REAL(fcntl64);
    va_start(more, what);
    void *arg = va_arg(more, void *);
    va_end(more);
    bool locks = (what == F_SETLK || what == F_SETLKW || what == F_GETLK) &&
                 ((const struct flock *)arg)->l_type != F_UNLCK;
    CALL(int, locks ? due(NF_CALLS_FILES, "fcntl") : 0, real(fd, what, arg));
}
