#include "tests/support/bpf_eval.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void refuse(const char *what, size_t at)
{
    (void)fprintf(stderr, "BPF program: %s at %zu\n", what, at);
    abort();
}

uint32_t bpf_eval(const struct sock_filter *code, size_t n, const struct seccomp_data *d)
{
    uint32_t a = 0;
    for (size_t pc = 0; pc < n; pc++) {
        const struct sock_filter *i = &code[pc];
        switch (i->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            if (i->k % 4 != 0 || i->k > sizeof(*d) - 4)
                refuse("read out of bounds", pc);
            memcpy(&a, (const char *)d + i->k, 4);
            break;
        case BPF_RET | BPF_K:
            return i->k;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= i->k;
            break;
        case BPF_JMP | BPF_JA:
            pc += i->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            pc += a == i->k ? i->jt : i->jf;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            pc += a > i->k ? i->jt : i->jf;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            pc += a >= i->k ? i->jt : i->jf;
            break;
        case BPF_JMP | BPF_JSET | BPF_K:
            pc += (a & i->k) ? i->jt : i->jf;
            break;
        default:
            refuse("unknown instruction", pc);
        }
    }
    refuse("no return", n);
}

uint32_t bpf_combine(uint32_t earlier, uint32_t later)
{
    /* The numbers are chosen so that, read as signed, a smaller action is a stricter one. */
    int32_t e = (int32_t)(earlier & SECCOMP_RET_ACTION_FULL);
    int32_t l = (int32_t)(later & SECCOMP_RET_ACTION_FULL);
    return e < l ? earlier : later;
}
