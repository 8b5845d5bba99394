/*
 * Fibers on stacks of their own. The only file that switches stacks, so the only one that has to
 * tell AddressSanitizer, ThreadSanitizer and valgrind about it.
 *
 * On x86-64 a switch is a dozen instructions. Elsewhere it is swapcontext, which does the same but
 * asks the kernel for the signal mask each time, of which we have only one.
 *
 * A stack is a mapping of its own: untouched pages cost nothing, and the page below it is not
 * accessible, so that an overflow is a SIGSEGV and not a neighbour's changed data.
 */
#include "runtime/switch.h"

#include "base/own.h"
#include "runtime/fiber.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_STACK_REGISTER(from, to) 0
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#define VALGRIND_MAKE_MEM_UNDEFINED(p, n) ((void)0)
#endif

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN
#elif defined(__SANITIZE_THREAD__)
#define WITH_TSAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN
#elif __has_feature(thread_sanitizer)
#define WITH_TSAN
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* A shadow stack (the second bit of __CET__) has to be switched as well: glibc knows how. */
#if defined(__x86_64__) && defined(__LP64__) && !(defined(__CET__) && (__CET__ & 2))
#define BY_HAND
#else
#include <ucontext.h>
#endif

#define GUARD                                                                                      \
    ((size_t)65536) /* bytes: a multiple of every page size; only addresses, no memory             \
                     */
#define POOL_MAX 64 /* stacks */
#define POOL_KEEP ((size_t)12 * 1024) /* bytes of a recycled stack that stay in memory */

struct nf_switch {
#ifdef BY_HAND
    void *self, *loop; /* stack pointers; what else there is to know lies on the stacks */
#else
    ucontext_t self, loop;
#endif
    char *map;
    void (*entry)(void *arg);
    void *arg;
    pthread_t thread;       /* that made it */
    struct nf_switch *next; /* in the pool */
    bool used;              /* since its memory was given back */
    unsigned valgrind_id;
#ifdef WITH_ASAN
    void *fake, *loop_fake;
    const void *loop_stack;
    size_t loop_stack_size;
#endif
#ifdef WITH_TSAN
    void *tsan, *tsan_loop;
#endif
};

static char *stack_of(const struct nf_switch *s)
{
    return s->map + GUARD;
}

/* --- what the tools have to know -------------------------------------------------------------- */

static void tell_entering(struct nf_switch *s)
{
#ifdef WITH_ASAN
    __sanitizer_start_switch_fiber(&s->loop_fake, stack_of(s), NF_FIBER_STACK);
#endif
#ifdef WITH_TSAN
    s->tsan_loop = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(s->tsan, 0);
#endif
    (void)s;
}

static void tell_back_in_loop(struct nf_switch *s)
{
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(s->loop_fake, NULL, NULL);
#endif
    (void)s;
}

static void tell_leaving(struct nf_switch *s, bool for_good)
{
#ifdef WITH_ASAN
    __sanitizer_start_switch_fiber(for_good ? NULL : &s->fake, s->loop_stack, s->loop_stack_size);
#endif
#ifdef WITH_TSAN
    __tsan_switch_to_fiber(s->tsan_loop, 0);
#endif
    (void)s, (void)for_good;
}

static void tell_entered(struct nf_switch *s)
{
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(s->fake, &s->loop_stack, &s->loop_stack_size);
#endif
    (void)s;
}

/* --- stacks ----------------------------------------------------------------------------------- */

static void unmap(struct nf_switch *s)
{
    if (s->map) {
        VALGRIND_STACK_DEREGISTER(s->valgrind_id);
        munmap(s->map, GUARD + NF_FIBER_STACK);
    }
    free(s);
}

static struct nf_switch *map(struct nf_err *err)
{
    struct nf_switch *s = calloc(1, sizeof *s);
    if (!s) {
        (void)nf_err_set(err, NF_E_NOMEM, "no memory for a fiber");
        return NULL;
    }
    char *m = mmap(NULL, GUARD + NF_FIBER_STACK, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (m == MAP_FAILED) {
        (void)nf_err_set(err, NF_E_NOMEM, "no memory for a fiber's stack");
        unmap(s);
        return NULL;
    }
    s->map = m;
    s->valgrind_id = VALGRIND_STACK_REGISTER(stack_of(s), stack_of(s) + NF_FIBER_STACK);

    /* Fails when vm.max_map_count is reached: the guard page is a mapping of its own. */
    if (mprotect(m, GUARD, PROT_NONE) != 0) {
        (void)nf_err_set(err, NF_E_NOMEM, "no mapping left for a fiber's guard page");
        unmap(s);
        return NULL;
    }
    return s;
}

/* --- switching -------------------------------------------------------------------------------- */

static void run(struct nf_switch *s)
{
    tell_entered(s);
    s->entry(s->arg);
    abort();
}

#ifdef BY_HAND

/*
 * nf_stack_switch: leave the address of what it pushed in *from, and go on with what was pushed
 * onto `to`. To its caller it is a call, so that only the registers that survive calls matter. The
 * control words of floating point survive as well, and nobody here changes them.
 *
 * nf_stack_begin: where a new stack goes on, with run() and its argument in the registers in which
 * prepare() has put them. No frame is above it.
 */
void nf_stack_switch(void **from, void *to) __attribute__((visibility("hidden")));
void nf_stack_begin(void) __attribute__((visibility("hidden")));

__asm__(".pushsection .text\n"
        ".p2align 4\n"
        ".globl nf_stack_switch\n"
        ".hidden nf_stack_switch\n"
        ".type nf_stack_switch, @function\n"
        "nf_stack_switch:\n"
        "    .cfi_startproc\n"
        "    pushq %rbp\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    pushq %rbx\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    pushq %r12\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    pushq %r13\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    pushq %r14\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    pushq %r15\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    popq %r14\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    popq %r13\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    popq %r12\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    popq %rbx\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    popq %rbp\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    ret\n"
        "    .cfi_endproc\n"
        ".size nf_stack_switch, .-nf_stack_switch\n"
        ".p2align 4\n"
        ".globl nf_stack_begin\n"
        ".hidden nf_stack_begin\n"
        ".type nf_stack_begin, @function\n"
        "nf_stack_begin:\n"
        "    .cfi_startproc\n"
        "    .cfi_undefined rip\n"
        "    movq %rbx, %rdi\n"
        "    callq *%r12\n"
        "    ud2\n"
        "    .cfi_endproc\n"
        ".size nf_stack_begin, .-nf_stack_begin\n"
        ".popsection\n");

/* As if nf_stack_switch had pushed it, called by nf_stack_begin: 16 bytes stay above it, since a
 * stack is to be at a multiple of 16 where something is called. */
struct pushed {
    void *r15, *r14, *r13, *r12, *rbx, *rbp, *back, *above[2];
};

static void prepare(struct nf_switch *s)
{
    struct pushed *p = (struct pushed *)(void *)(stack_of(s) + NF_FIBER_STACK - sizeof *p);
    *p = (struct pushed){ .rbx = s };
    void (*const first)(struct nf_switch * s) = run;
    void (*const begin)(void) = nf_stack_begin;
    static_assert(sizeof first == sizeof p->r12, "a function's address is one word");
    memcpy((void *)&p->r12, (const void *)&first, sizeof first);
    memcpy((void *)&p->back, (const void *)&begin, sizeof begin);
    s->self = p;
}

static void to_fiber(struct nf_switch *s)
{
    nf_stack_switch(&s->loop, s->self);
}

static void to_loop(struct nf_switch *s)
{
    nf_stack_switch(&s->self, s->loop);
}

#else

static void start(unsigned first, unsigned second)
{
    /* makecontext hands on ints only. */
    const unsigned halves[2] = { first, second };
    struct nf_switch *s;
    static_assert(sizeof(void *) == sizeof halves, "a pointer is two ints");
    memcpy((void *)&s, halves, sizeof halves);
    run(s);
}

/* A function of its own, since getcontext "returns twice": no variable here changes in between. */
static void prepare(struct nf_switch *s)
{
    unsigned halves[2];
    memcpy(halves, (const void *)&s, sizeof halves);
    int rc = getcontext(&s->self);
    assert(rc == 0);
    (void)rc;
    s->self.uc_link = NULL;
    s->self.uc_stack = (stack_t){ .ss_sp = stack_of(s), .ss_size = NF_FIBER_STACK };
    makecontext(&s->self, (void (*)(void))start, 2, halves[0], halves[1]);

    /* Only makecontext needs it. AddressSanitizer's swapcontext would forget, each time, what it
     * knows about the frames on this stack. */
    s->self.uc_stack = (stack_t){ 0 };
}

static void to_fiber(struct nf_switch *s)
{
    int rc = swapcontext(&s->loop, &s->self);
    assert(rc == 0);
    (void)rc;
}

static void to_loop(struct nf_switch *s)
{
    int rc = swapcontext(&s->self, &s->loop);
    assert(rc == 0);
    (void)rc;
}

#endif

void nf_switch_enter(struct nf_switch *s)
{
    tell_entering(s);
    to_fiber(s);
    tell_back_in_loop(s);
}

void nf_switch_leave(struct nf_switch *s)
{
    tell_leaving(s, false);
    to_loop(s);
    tell_entered(s);
}

void nf_switch_exit(struct nf_switch *s)
{
    tell_leaving(s, true);
    to_loop(s);
    abort();
}

/* --- beginning and ending --------------------------------------------------------------------- */

NF_RC nf_switch_new(struct nf_switch_pool *pool, void (*entry)(void *arg), void *arg,
                    struct nf_switch **ret, struct nf_err *err)
{
    struct nf_switch *s = pool->free;
    if (s) {
        pool->free = s->next;
        pool->n--;
    } else {
        s = map(err);
        if (!s)
            return NF_E_NOMEM;
    }
    s->entry = entry;
    s->arg = arg;
    s->next = NULL;
    s->thread = pthread_self();
    prepare(s);
#ifdef WITH_ASAN
    s->fake = NULL;
#endif
#ifdef WITH_TSAN
    s->tsan = __tsan_create_fiber(0);
#endif
    *ret = s;
    return NF_OK;
}

void nf_switch_free(struct nf_switch_pool *pool, struct nf_switch *s)
{
#ifdef WITH_ASAN
    /* The frames that never returned. */
    __asan_unpoison_memory_region(stack_of(s), NF_FIBER_STACK);
#endif
#ifdef WITH_TSAN
    __tsan_destroy_fiber(s->tsan);
#endif
    if (pool->n >= POOL_MAX) {
        unmap(s);
        return;
    }
    s->used = true;
    (void)VALGRIND_MAKE_MEM_UNDEFINED(stack_of(s), NF_FIBER_STACK);
    s->next = pool->free;
    pool->free = s;
    pool->n++;
}

void nf_switch_pool_trim(struct nf_switch_pool *pool)
{
    for (struct nf_switch *s = pool->free; s; s = s->next) {
        if (!s->used)
            continue;
        s->used = false;
        madvise(stack_of(s), NF_FIBER_STACK - POOL_KEEP, MADV_DONTNEED);
    }
}

void nf_switch_pool_done(struct nf_switch_pool *pool)
{
    while (pool->free) {
        struct nf_switch *s = pool->free;
        pool->free = s->next;
        unmap(s);
    }
    pool->n = 0;
}

void nf_switch_trim(struct nf_switch *s)
{
    const size_t in_use = 1024; /* below this frame: that of madvise */
    const size_t page = 4096;
    size_t unused = (size_t)((char *)__builtin_frame_address(0) - stack_of(s)) - in_use;
    madvise(stack_of(s), unused / page * page, MADV_DONTNEED);
}

bool nf_switch_here(const struct nf_switch *s)
{
    return pthread_equal(s->thread, pthread_self());
}
