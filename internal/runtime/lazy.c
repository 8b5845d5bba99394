/*
 * A library that is loaded when one of its functions is called for the first time. Compiled once
 * per library, behind its list (lazy_curl.def): LAZY_LIBRARY is the name to load, LAZY_FUNCTIONS
 * what is called of it. Each is defined here as a jump to the real one; callers notice nothing.
 *
 * libcurl and libpq bring 25 libraries along: 4 MiB and 8 ms of relocations, for a daemon that may
 * never need them.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOT(f) __attribute__((used)) static void *lazy_##f;
LAZY_FUNCTIONS(SLOT)

static const struct {
    const char *name;
    void **to;
} all[] = {
#define ROW(f) { #f, &lazy_##f },
    LAZY_FUNCTIONS(ROW)
};

/* As the dynamic linker does at the start of a program: without its libraries it cannot go on. */
__attribute__((noreturn)) static void give_up(void)
{
    (void)fprintf(stderr, "cannot load %s: %s\n", LAZY_LIBRARY, dlerror());
    abort();
}

static void load(void)
{
    void *library = dlopen(LAZY_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        give_up();
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (!(*all[i].to = dlsym(library, all[i].name)))
            give_up();
}

__attribute__((used)) static void lazy_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, load);
}

/* System V ABI for x86-64, section 3.2.3: what may hold arguments is kept while the library is
 * loaded; %al counts the vector registers of a call with "...". %r11 is free between functions. At
 * lazy_enter the stack is aligned, and 7 * 8 + 8 * 16 + 8 bytes keep it so. */
__asm__(".text\n"
        "lazy_enter:\n"
        "    pushq %rax\n    pushq %rdi\n    pushq %rsi\n    pushq %rdx\n"
        "    pushq %rcx\n    pushq %r8\n    pushq %r9\n"
        "    subq $136, %rsp\n"
        "    movups %xmm0, (%rsp)\n    movups %xmm1, 16(%rsp)\n"
        "    movups %xmm2, 32(%rsp)\n    movups %xmm3, 48(%rsp)\n"
        "    movups %xmm4, 64(%rsp)\n    movups %xmm5, 80(%rsp)\n"
        "    movups %xmm6, 96(%rsp)\n    movups %xmm7, 112(%rsp)\n"
        "    call lazy_load\n"
        "    movups (%rsp), %xmm0\n    movups 16(%rsp), %xmm1\n"
        "    movups 32(%rsp), %xmm2\n    movups 48(%rsp), %xmm3\n"
        "    movups 64(%rsp), %xmm4\n    movups 80(%rsp), %xmm5\n"
        "    movups 96(%rsp), %xmm6\n    movups 112(%rsp), %xmm7\n"
        "    addq $136, %rsp\n"
        "    popq %r9\n    popq %r8\n    popq %rcx\n"
        "    popq %rdx\n    popq %rsi\n    popq %rdi\n    popq %rax\n"
        "    ret\n");

#define JUMP(f)                                                                                    \
    __asm__(".text\n.globl " #f "\n.type " #f ", @function\n" #f ":\n"                             \
            "    endbr64\n"                                                                        \
            "    movq lazy_" #f "(%rip), %r11\n"                                                   \
            "    testq %r11, %r11\n"                                                               \
            "    jne 1f\n"                                                                         \
            "    call lazy_enter\n"                                                                \
            "    movq lazy_" #f "(%rip), %r11\n"                                                   \
            "1:  jmp *%r11\n"                                                                      \
            ".size " #f ", . - " #f "\n");
LAZY_FUNCTIONS(JUMP)
