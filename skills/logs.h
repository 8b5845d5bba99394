/*
 * What skills log: a file for each, and one before it, both bounded. Lines are taken at once and
 * written a little later, by a thread of the executor. Their text is hostile: it is made one line
 * of UTF-8 without control characters.
 */
#pragma once

#include "base/string.h"
#include "runtime/executor.h"

#define NF_SKILL_LOG_LINE_MAX 1024                   /* bytes of a line's text that are kept */
#define NF_SKILL_LOG_FILE_MAX ((size_t)256 * 1024)   /* then it becomes the one before */
#define NF_SKILL_LOG_PENDING_MAX ((size_t)64 * 1024) /* of one skill, not written yet */
#define NF_SKILL_LOG_PER_SECOND 50                   /* lines of one skill; more are counted */
#define NF_SKILL_LOG_SKILLS_MAX 512                  /* of which something may be pending */

struct nf_skill_logs;

/* Make `n` bytes at `p` one line for terminals and JSON: control characters and what is no UTF-8
 * become '?'. */
void nf_skill_text_clean(char *p, size_t n);

/* `dir` is created when something is written. `executor` is borrowed. */
NF_RC nf_skill_logs_new(const char *dir, struct nf_executor *executor, struct nf_skill_logs **ret,
                        struct nf_err *err);
/* What is pending is dropped: flush before. NULL is allowed. */
void nf_skill_logs_free(struct nf_skill_logs *l);

/* A line of `skill` ("info", "output"). Never suspends; what is over a limit is counted, and the
 * count is a line of its own. */
void nf_skill_logs_add(struct nf_skill_logs *l, const char *skill, const char *level,
                       const char *text, size_t n, int64_t now_ms);

/* Write what is pending. NF_E_IO. Suspends. */
NF_RC nf_skill_logs_flush(struct nf_skill_logs *l, struct nf_err *err);

/* Append the newest whole lines of at most `max` bytes. Suspends. */
NF_RC nf_skill_logs_read(struct nf_skill_logs *l, const char *skill, size_t max, struct nf_str *ret,
                         struct nf_err *err);
/* Suspends. */
NF_RC nf_skill_logs_remove(struct nf_skill_logs *l, const char *skill, struct nf_err *err);
