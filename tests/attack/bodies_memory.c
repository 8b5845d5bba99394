/* Attacks on memory: making code at run time, sharing, pinning and exhausting it. */
#include "tests/attack/attack.h"

#include <linux/mempolicy.h>
#include <mqueue.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Addresses are what this is about. NOLINTBEGIN(performance-no-int-to-ptr) */

#define PAGE ((size_t)4096)
#define MIB ((size_t)1 << 20)
#define BOMB_MIB 600

static long mapped(void *p)
{
    return p == MAP_FAILED ? -errno : ATTACK_WORKED;
}

static void *a_page(void)
{
    return mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

ATTACK(mmap_rwx)
{
    return mapped(
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

ATTACK(mmap_anonymous_rx)
{
    return mapped(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

/* Write code, then make it executable. */
ATTACK(mprotect_exec)
{
    void *p = a_page();
    return p == MAP_FAILED ? -errno : attack_result(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
}

/* Make existing code writable. */
ATTACK(mprotect_own_text)
{
    uintptr_t text = (uintptr_t)&attack_mprotect_own_text & ~(PAGE - 1);
    return attack_result(mprotect((void *)text, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
}

ATTACK(pkey_mprotect)
{
    void *p = a_page();
    if (p == MAP_FAILED)
        return -errno;
    return attack_result(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ | PROT_EXEC, -1));
}

ATTACK(exec_stack)
{
    char here;
    uintptr_t page = (uintptr_t)&here & ~(PAGE - 1);
    return attack_result(mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
}

ATTACK(memfd)
{
    return attack_result(syscall(SYS_memfd_create, "x", 0));
}

/* Code in a file without a name, mapped executable. */
ATTACK(memfd_code)
{
    static const char code[] = { (char)0xc3 };
    int fd = (int)syscall(SYS_memfd_create, "x", 0);
    if (fd < 0 || write(fd, code, sizeof code) != (ssize_t)sizeof code)
        return -errno;
    return mapped(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0));
}

/* 447 on every architecture (kernel, include/uapi/asm-generic/unistd.h). */
ATTACK(memfd_secret)
{
    return attack_result(syscall(447, 0));
}

/* What the test has made under its key, as another skill might. */
ATTACK(shared_memory)
{
    int id = shmget(ATTACK_KEY(o), PAGE, 0600);
    if (id < 0)
        return -errno;
    return shmat(id, NULL, 0) == (void *)-1 ? -errno : ATTACK_WORKED;
}

ATTACK(semaphores)
{
    return attack_result(semget(ATTACK_KEY(o), 1, 0600));
}

ATTACK(message_queue)
{
    return attack_result(msgget(ATTACK_KEY(o), 0600));
}

ATTACK(posix_queue)
{
    return attack_judged(syscall(SYS_mq_unlink, "nf-attack-no-such"), ENOENT);
}

ATTACK(mlock)
{
    void *p = a_page();
    return p == MAP_FAILED ? -errno : attack_result(mlock(p, PAGE));
}

ATTACK(mlockall)
{
    return attack_result(mlockall(MCL_CURRENT));
}

/* Which pages are in memory: the side channel of the page cache. */
ATTACK(mincore)
{
    unsigned char in_core[1];
    void *p = a_page();
    return p == MAP_FAILED ? -errno : attack_result(syscall(SYS_mincore, p, PAGE, in_core));
}

ATTACK(memory_policy)
{
    return attack_result(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0));
}

ATTACK(move_pages_of_daemon)
{
    return attack_result(syscall(SYS_move_pages, o->daemon, 0, NULL, NULL, NULL, 0));
}

ATTACK(userfault)
{
    return attack_result(syscall(SYS_userfaultfd, 0));
}

/* Give pages away to a pipe that another process reads. */
ATTACK(vmsplice)
{
    return attack_judged(syscall(SYS_vmsplice, -1, NULL, 0, 0), EBADF);
}

ATTACK(memory_bomb)
{
    for (size_t i = 0; i < BOMB_MIB; i += 20) {
        char *p = mmap(NULL, 20 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            return -errno;
        for (size_t k = 0; k < 20 * MIB; k += PAGE)
            p[k] = 1;
    }
    return ATTACK_WORKED;
}

static int deeper(int n) // NOLINT: without end is the point
{
    volatile char frame[4096];
    frame[0] = (char)n;
    return n < 1000000 ? deeper(n + 1) + frame[0] : 1;
}

/* Works only in the sense that it ends the process: the control expects SIGSEGV. */
ATTACK(stack_bomb)
{
    return deeper(0) ? ATTACK_WORKED : ATTACK_NOTHING;
}

/* The daemon's memory, had it been forked. */
ATTACK(find_needle)
{
    const volatile char *p = (const volatile char *)(uintptr_t)o->needle;
    for (size_t i = 0; i < sizeof ATTACK_NEEDLE - 1; i++)
        if (p[i] != ATTACK_NEEDLE[i])
            return ATTACK_NOTHING;
    return ATTACK_WORKED;
}

ATTACK(environment)
{
    return getenv(ATTACK_ENV) ? ATTACK_WORKED : -ENOENT;
}

ATTACK(inherited_read)
{
    char c;
    return attack_result(read((int)o->secret, &c, 1));
}

ATTACK(inherited_write)
{
    return attack_result(write((int)o->secret, "x", 1));
}

/* NOLINTEND(performance-no-int-to-ptr) */
