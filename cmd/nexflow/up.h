/* What `nexflow up` finds, and what it writes. */
#pragma once

#include "cmd/nexflow/cli.h"
#include "llm/router.h"

#define NF_UP_FOUND_MAX 8
#define NF_UP_PROBE_MS 1500 /* for a local server; what is there answers at once */
#define NF_UP_REMOTE_PROBE_MS 10000

/* A provider that could be used. */
struct nf_up_choice {
    const char *title; /* "Anthropic, with the key in ANTHROPIC_API_KEY" */
    const char *name;  /* in the configuration */
    enum nf_llm_type type;
    char base_url[256];         /* "" for the type's own */
    const char *key_env;        /* the variable that has the key; NULL: none */
    struct nf_secret key;       /* pasted; or what key_env holds, for probing */
    struct nf_llm_names models; /* what it offers; empty: not known */
};
void nf_up_choice_done(struct nf_up_choice *c);

/* Look for keys in the environment and for servers on this machine. Says of a key that is refused
 * why. At most NF_UP_FOUND_MAX in ret[]; returns how many. Suspends. */
size_t nf_up_find(struct nf_cli *cli, struct nf_up_choice ret[NF_UP_FOUND_MAX]);

/* The `llm:` block of the configuration for `choice` and its model. A pasted key stands in it as it
 * is: keep what it is written to private. */
NF_RC nf_up_yaml(const struct nf_up_choice *choice, const char *model, struct nf_str *ret,
                 struct nf_err *err);

/* Ask the model one question through the same router the daemon uses. *answer: what it said, *ms:
 * how long it took. Suspends. */
NF_RC nf_up_try(struct nf_cli *cli, const char *yaml, struct nf_str *answer, int64_t *ms,
                struct nf_err *err);

/* OK: MODEL answered "ready" in 0.8 s. What a terminal could take for orders is left out. */
void nf_up_print_answer(const char *model, const struct nf_str *answer, int64_t ms);

/* All of a file; nothing if it is not there. */
NF_RC nf_up_read_file(const char *path, struct nf_str *ret, struct nf_err *err);

/* NF_E_CONFLICT: the file at `path` has an llm block already, so that nf_up_save would refuse. */
NF_RC nf_up_check_file(const char *path, struct nf_err *err);

/* Add the block to the configuration at `path`, which may not exist yet: written beside, synced and
 * renamed, 0600. NF_E_CONFLICT: the file has an llm block already. */
NF_RC nf_up_save(const char *path, const char *yaml, struct nf_err *err);

/* A daemon runs that has no such variable in its environment. Suspends. */
bool nf_up_daemon_lacks(struct nf_cli *cli, const char *variable);

/* Replace the file, 0600, with the directory it is in. */
NF_RC nf_up_write_file(const char *path, const char *text, struct nf_err *err);

/* Tell the running daemon to read its configuration again and see that it does. NF_E_NOT_FOUND:
 * none runs; NF_E_UNAVAILABLE: it refused, or cannot be told. Suspends. */
NF_RC nf_up_hand_over(struct nf_cli *cli, struct nf_err *err);

/* See that a daemon runs with the configuration: start one beside this program, or let the running
 * one take it over. Waits until it is ready. NF_E_UNAVAILABLE: it ended again, and why. Suspends.
 */
NF_RC nf_up_daemon(struct nf_cli *cli, struct nf_err *err);

/* Skills: calc, clock (sandbox L3). Nothing of a daemon that cannot say it: the rest works all the
 * same. Suspends. */
void nf_up_print_skills(struct nf_cli *cli);
