/*
 * Structured logs: an event name and fields, one line each, as JSON or for the console. The log
 * context (base/context.h) adds its own fields. Written to a file descriptor in one write(2); a
 * line over NF_LOG_LINE_MAX is cut and says so. Values are escaped: a log line is always one line.
 *
 *     nf_log_warn("channel.send.failed", "chat", id, "err", err.msg, NULL);
 *
 * There is one log per process. Levels below the set one cost a comparison.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>

#define NF_LOG_LINE_MAX 16384

/* Stored by number: append, never renumber. */
enum nf_log_level { NF_LOG_DEBUG = 1, NF_LOG_INFO = 2, NF_LOG_WARN = 3, NF_LOG_ERROR = 4 };
enum nf_log_format { NF_LOG_JSON = 0, NF_LOG_CONSOLE = 1 };

/* `fd` is borrowed. Level and format may be changed at any time by calling it again. */
void nf_log_setup(int fd, enum nf_log_level level, enum nf_log_format format);

extern enum nf_log_level nf_log_level; /* read only */

/* key, value pairs of strings, then NULL. */
void nf_log_event(enum nf_log_level level, const char *event, ...) __attribute__((sentinel));

#define nf_log_at_(l, ...)                                                                         \
    do {                                                                                           \
        if ((l) >= nf_log_level)                                                                   \
            nf_log_event((l), __VA_ARGS__);                                                        \
    } while (0)
#define nf_log_debug(...) nf_log_at_(NF_LOG_DEBUG, __VA_ARGS__)
#define nf_log_info(...) nf_log_at_(NF_LOG_INFO, __VA_ARGS__)
#define nf_log_warn(...) nf_log_at_(NF_LOG_WARN, __VA_ARGS__)
#define nf_log_error(...) nf_log_at_(NF_LOG_ERROR, __VA_ARGS__)

/* A number as text for a field, in a buffer of the
 * caller: nf_log_info("x", "n", nf_num(&(struct nf_num_buf){ "" }, 42), NULL). */
struct nf_num_buf {
    char s[24];
};
const char *nf_num(struct nf_num_buf *b, long long v);

/* How many lines were dropped because the descriptor was full (a pipe nobody reads). */
unsigned long long nf_log_dropped(void);
