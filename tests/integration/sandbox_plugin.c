/* A plugin for tests of the jail: what a worker can load, and whose functions it calls. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int answer(void);
int loads_more(void);
int makes_code(void);
int opens_a_file(void);
int starts_a_thread(void);
int starts_a_process(void);
int does_ptrace(void);
int uses_the_c_library(void);

static int from_constructor;

__attribute__((constructor)) static void begin(void)
{
    char *p = malloc(100000); /* a constructor may work */
    from_constructor = p ? 40 : 0;
    free(p);
}

int answer(void)
{
    int numbers[] = { 3, 1, 2 };
    char *text = strdup("some text");
    int n = text ? (int)(strlen(text) + sizeof(numbers) / sizeof(numbers[0]) - 10) : 0;
    free(text);
    return from_constructor + n;
}

static int errno_of(long rc)
{
    return rc < 0 ? errno : 0;
}

int opens_a_file(void)
{
    return errno_of(open("/plugin.so", O_RDONLY));
}

int makes_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? -1 : errno_of(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static void *thread(void *arg)
{
    char *p = malloc(100); /* an arena of its own: asks for the number of processors */
    *(int *)arg = p ? 7 : 0;
    free(p);
    return NULL;
}

/* 7, or the error of pthread_create, negative. */
int starts_a_thread(void)
{
    int got = 0;
    pthread_t t;
    int rc = pthread_create(&t, NULL, thread, &got);
    if (rc != 0)
        return -rc;
    pthread_join(t, NULL);
    return got;
}

int starts_a_process(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return errno_of(pid);
}

int does_ptrace(void)
{
    return errno_of(syscall(SYS_ptrace, 0, 0, 0, 0));
}

static int by_value(const void *a, const void *b)
{
    return *(const int *)a < *(const int *)b ? -1 : *(const int *)a > *(const int *)b;
}

/* What an honest plugin calls, and what the C library asks of the kernel for it: qsort how much
 * memory there is, localtime its file, printf what descriptor 1 is. 0, or which of them failed. */
int uses_the_c_library(void)
{
    enum { MANY = 100000 };
    char text[64], *big = malloc(8 << 20);
    int *numbers = malloc(MANY * sizeof(*numbers));
    jmp_buf back;
    if (!big || !numbers) {
        free(big);
        free(numbers);
        return 1;
    }
    memset(big, 1, 8 << 20);
    big = realloc(big, 12 << 20);
    free(big);
    for (int i = 0; i < MANY; i++)
        numbers[i] = (i * 7919) % MANY;
    qsort(numbers, MANY, sizeof(*numbers), by_value);
    if (numbers[10] != 10)
        return 2;
    free(numbers);
    time_t now = 86400;
    struct tm local;
    if (!localtime_r(&now, &local) || strftime(text, sizeof(text), "%Y-%m-%d", &local) == 0)
        return 3;
    if (printf("a line %.3f\n", 1.5) < 0 || fflush(stdout) != 0)
        return 4;
    if (fopen("/etc/passwd", "re") || getcwd(text, sizeof(text)))
        return 5;
    if (setjmp(back) == 0)
        longjmp(back, 1);
    struct timespec moment = { .tv_nsec = 1000 }, then;
    if (nanosleep(&moment, NULL) != 0 || clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &then) != 0)
        return 6;
    return 0;
}
