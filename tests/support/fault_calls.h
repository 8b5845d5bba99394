/*
 * System calls that fail on demand, or in which the process is killed: those of the C library
 * through which files and sockets are written and read, by whichever library of a process.
 *
 * Linked into a test, whose definitions come before the C library's; or as fault_calls.so in
 * LD_PRELOAD, and then ordered by whoever maps the file NF_FAULT_FILE (tests/crash/faults.py); at
 * the end it writes how often each was called to NF_FAULT_COUNTS. That no call goes past it is
 * looked at by tests/e2e/fault_calls_test.py. Never calls that nobody can do anything about:
 * waiting for events and waking a thread.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum nf_fault {
    NF_FAULT_FAIL = 1, /* the call has no effect and returns `error` */
    NF_FAULT_KILL_BEFORE,
    NF_FAULT_KILL_AFTER,
    NF_FAULT_TORN, /* a write of half of it, and then the kill */
};

enum nf_fault_calls {
    NF_CALLS_FILES = 1,   /* open, write, sync, truncate, remove; and reading them */
    NF_CALLS_SOCKETS = 2, /* connect, send, receive, and asking how a socket is */
};

/* As it lies in the file, in the machine's own order of bytes. The counter comes last to be
 * written: it starts it. */
struct nf_fault_order {
    _Atomic int64_t left;    /* the fault is at that call from now on; 0: at none */
    _Atomic int64_t times;   /* how many calls in a row fail from then on */
    _Atomic int64_t calls;   /* nf_fault_calls: which are counted */
    _Atomic int64_t fault;   /* nf_fault */
    _Atomic int64_t error;   /* errno of NF_FAULT_FAIL */
    _Atomic int64_t counted; /* calls since the beginning */
    _Atomic int64_t struck;  /* faults so far */
    _Atomic int64_t where;   /* the last: the first eight characters of the call's name */
};

/* For tests: let the n-th call of `calls` from now on fail with `error`, and those after it,
 * `times` in all; n = 0: none. */
void nf_fault_call_at(int64_t n, int64_t times, enum nf_fault_calls calls, int error);

/* Whether that happened; and the name of the call. */
int64_t nf_fault_struck(char name[9]);
