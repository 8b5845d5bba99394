/* What the parts of doctor share. */
#pragma once

#include "cmd/nexflow/cli.h"

#define NF_DOCTOR_CHECKS_MAX 64

/* The worst is the exit status. */
enum nf_doctor_state { NF_DOCTOR_FINE = 0, NF_DOCTOR_WARNING = 1, NF_DOCTOR_BROKEN = 2 };

struct nf_doctor_check {
    char name[96];
    enum nf_doctor_state state;
    char cause[256];
    char fix[256]; /* the one command or setting that mends it; "" if nothing is to mend */
};

struct nf_doctor {
    struct nf_cli *cli;
    struct nf_doctor_check checks[NF_DOCTOR_CHECKS_MAX];
    size_t n;
};

/* Note the outcome of a check; over NF_DOCTOR_CHECKS_MAX it is left out. */
void nf_doctor_note(struct nf_doctor *d, const char *name, enum nf_doctor_state state,
                    const char *cause, const char *fix);

/* The sandbox as /health tells it: its level, and each missing layer with its cause and what mends
 * it. Broken if it is below `min`, so that no skill runs. */
void nf_doctor_check_sandbox(struct nf_doctor *d, const struct nf_json *health, const char *min);

/* Each bot of a chat network: its state, the newest sign of life and event, what waits, what to do.
 * Suspends. */
void nf_doctor_check_channels(struct nf_doctor *d);
