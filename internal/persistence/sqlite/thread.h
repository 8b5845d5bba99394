/* The driver's threads: small, named, and deaf to signals, which are for the loop's thread. */
#pragma once

#include <pthread.h>

#define NF_LITE_STACK ((size_t)256 * 1024) /* SQLite needs about 5 KiB of it */

/* 0, or an errno. `name`: at most 15 bytes. */
int nf_lite_thread(pthread_t *ret, const char *name, void *(*fn)(void *), void *arg);
