#include "persistence/sqlite/thread.h"

#include <signal.h>

int nf_lite_thread(pthread_t *ret, const char *name, void *(*fn)(void *), void *arg)
{
    pthread_attr_t attr;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, NF_LITE_STACK);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(ret, &attr, fn, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (rc == 0)
        (void)pthread_setname_np(*ret, name);
    return rc;
}
