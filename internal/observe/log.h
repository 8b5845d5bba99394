/*
 * Structured logs: an event name and fields, one line each, as JSON or for the console. The log
 * context (base/context.h) adds its own fields, except where the event or an inner frame has the
 * same key. Written to a file descriptor, up to 4096 bytes in one write(2), and never waited
 * for: what a reader that has stopped does not take is dropped. A line over NF_LOG_LINE_MAX is cut
 * and says so with a field "cut". Values are escaped: a log line is always one line, and no
 * terminal obeys it.
 *
 *     nf_log_warn("channel.send.failed", "chat", id, "err", err.msg, NULL);
 *
 * There is one log per process, any thread may write. Levels below the set one cost a comparison.
 * Nothing is allocated. Before nf_log_setup: standard error, NF_LOG_INFO, JSON.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>

#define NF_LOG_LINE_MAX 16384 /* bytes with the newline */
#define NF_LOG_FIELDS_MAX 32  /* of one event; what is beyond is cut */

/* Stored by number: append, never renumber. */
enum nf_log_level { NF_LOG_DEBUG = 1, NF_LOG_INFO = 2, NF_LOG_WARN = 3, NF_LOG_ERROR = 4 };
enum nf_log_format { NF_LOG_JSON = 0, NF_LOG_CONSOLE = 1 };

/* `fd` is borrowed. May be called again at any time. Colours only if `fd` is a terminal. */
void nf_log_setup(int fd, enum nf_log_level level, enum nf_log_format format);

extern _Atomic(enum nf_log_level) nf_log_level; /* read only */

/* key, value pairs of strings, then NULL. A value that is NULL reads null and ends the list. */
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

/* A number as text for a field, in a buffer of the caller:
 * nf_log_info("x", "n", nf_num(&(struct nf_num_buf){ "" }, 42), NULL). */
struct nf_num_buf {
    char s[24];
};
const char *nf_num(struct nf_num_buf *b, long long v);

/* How many lines of that level were logged. */
unsigned long long nf_log_lines(enum nf_log_level level);

/* How many lines were lost because the descriptor took none: a pipe nobody reads, a full disk. */
unsigned long long nf_log_dropped(void);
