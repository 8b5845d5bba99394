/*
 * Plugins that are wrong as files or as plugins, each by one macro VARIANT_*: built by
 * CMakeLists.txt and expected in files_test.c.
 */
#include <nexflow/skill.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((unused)) static int call(const struct nf_skill_host *h,
                                        const struct nf_skill_request *r)
{
    (void)r;
    return h->replyf(h, "good");
}

__attribute__((unused, noreturn)) static void hang(void)
{
    static volatile int beats;
    for (;;)
        beats = beats + 1;
}

#ifdef VARIANT_ABI_MAJOR
#define MAJOR VARIANT_ABI_MAJOR
#else
#define MAJOR NF_SKILL_ABI_MAJOR
#endif
#ifdef VARIANT_SIZE
#define SIZE VARIANT_SIZE
#else
#define SIZE (uint32_t)sizeof(struct nf_skill_v1)
#endif
#if defined VARIANT_CALL_NULL
#define CALL NULL
#elif defined VARIANT_CALL_WILD
#define CALL ((int (*)(const struct nf_skill_host *, const struct nf_skill_request *))1)
#else
#define CALL call
#endif
#ifndef VARIANT_NAME
#define VARIANT_NAME "variant"
#endif
#ifndef VARIANT_VERSION
#define VARIANT_VERSION "1.0.0"
#endif

#if defined VARIANT_INIT_FAILS
static int init(const struct nf_skill_host *h)
{
    return h->fail(h, NF_SKILL_E_UNAVAILABLE, "no such luck");
}
#elif defined VARIANT_INIT_CRASHES
static int init(const struct nf_skill_host *h)
{
    (void)h;
    abort();
}
#elif defined VARIANT_INIT_HANGS
static int init(const struct nf_skill_host *h)
{
    (void)h;
    hang();
}
#elif defined VARIANT_INIT_ASKS
/* It has no person it acts for. */
static int init(const struct nf_skill_host *h)
{
    struct nf_skill_bytes b;
    return h->kv_get(h, "key", &b) == NF_SKILL_E_DENIED ? NF_SKILL_OK : NF_SKILL_E_INTERNAL;
}
#else
#define init NULL
#endif

#if defined VARIANT_CTOR_EXITS
__attribute__((constructor)) static void constructor(void)
{
    _exit(0);
}
#elif defined VARIANT_CTOR_HANGS
__attribute__((constructor)) static void constructor(void)
{
    hang();
}
#elif defined VARIANT_CTOR_CRASHES
__attribute__((constructor)) static void constructor(void)
{
    abort();
}
#endif

#if defined VARIANT_DONE_HANGS
static void done(const struct nf_skill_host *h)
{
    (void)h;
    hang();
}
#else
#define done NULL
#endif

/* Functions of the C library that the host uses too: it must not get these. */
#ifdef VARIANT_INTERPOSES
NF_SKILL_EXPORT void *malloc(size_t n);
NF_SKILL_EXPORT void *malloc(size_t n)
{
    (void)n;
    abort();
}
NF_SKILL_EXPORT ssize_t write(int fd, const void *p, size_t n);
NF_SKILL_EXPORT ssize_t write(int fd, const void *p, size_t n)
{
    (void)fd, (void)p, (void)n;
    abort();
}
#endif

#ifdef VARIANT_FOREIGN
extern int nf_foreign(void);
__attribute__((constructor)) static void use_it(void)
{
    (void)nf_foreign();
}
#endif

/* A pointer in the text, which the loader would have to make writable. */
#ifdef VARIANT_TEXTREL
__asm__(".text\n.globl nf_textrel\n.hidden nf_textrel\nnf_textrel: .quad abort\n");
#endif

#if defined VARIANT_SYMBOL_FUNCTION
NF_SKILL_EXPORT int nf_skill_v1(void);
NF_SKILL_EXPORT int nf_skill_v1(void)
{
    return 0;
}
#elif defined VARIANT_SYMBOL_IFUNC
__attribute__((used)) static void (*resolve(void))(void)
{
    abort();
}
NF_SKILL_EXPORT void nf_skill_v1(void) __attribute__((ifunc("resolve")));
#elif defined VARIANT_SYMBOL_TLS
NF_SKILL_EXPORT __thread char nf_skill_v1[64];
void *nf_use_call = (void *)call;
#elif defined VARIANT_SYMBOL_SHORT
/* Eight bytes at the very end of what is mapped. */
NF_SKILL_EXPORT __attribute__((aligned(4096))) char nf_skill_v1[4096];
void *nf_use_call = (void *)call;
#elif defined VARIANT_NO_SYMBOL
void *nf_use_call = (void *)call;
#else
NF_SKILL_EXPORT extern const struct nf_skill_v1 nf_skill_v1;
const struct nf_skill_v1 nf_skill_v1 = { MAJOR, SIZE, VARIANT_NAME, VARIANT_VERSION,
                                         init,  CALL, done };
#endif
