/* A plugin for tests of the jail: what a worker can load, and whose functions it calls. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int answer(void);
int loads_more(void);
int makes_code(void);
int opens_a_file(void);
int starts_a_thread(void);
int starts_a_process(void);
int does_ptrace(void);

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
