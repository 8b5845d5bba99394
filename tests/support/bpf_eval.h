/*
 * What the kernel would say: classic BPF as seccomp runs it, in userspace. So the filters of an
 * architecture that is not this one can be tested too.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sock_filter;
struct seccomp_data;

/* The action that `code` returns for `d`. Exits if the program is none that the kernel accepts:
 * an unknown instruction, a jump or a read out of bounds. */
uint32_t bpf_eval(const struct sock_filter *code, size_t n, const struct seccomp_data *d);

/* Of two actions the one that counts if both filters are installed, `later` after `earlier`: the
 * order is that of Documentation/userspace-api/seccomp_filter.rst, and a tie is the later's. */
uint32_t bpf_combine(uint32_t earlier, uint32_t later);
