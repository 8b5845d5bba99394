/*
 * The host of a plugin, inside its process: what stands behind every function of skill.h. One of
 * them, one thread. It is no boundary: the plugin shares its memory and could change all of it;
 * what holds is outside, in the kernel and in the daemon.
 */
#pragma once

#include "cmd/nexflow-skill/arena.h"
#include "codec/json.h"
#include "skills/include/nexflow/skill.h"
#include "skills/wire.h"

#define HOST_IN_FD 3       /* the daemon's frames */
#define HOST_OUT_FD 4      /* ours */
#define HOST_WORDS 1024    /* of a failure, with the NUL */
#define HOST_LOG_MAX 1024  /* bytes of a line of the log, and of progress */
#define HOST_LOGS_PER_S 50 /* lines of the log and reports of progress; what is over is dropped */
/* Before the deadline host functions give up: a tenth of what is left at the first, within these
 * bounds. */
#define HOST_MARGIN_MIN_US 5000
#define HOST_MARGIN_MAX_US 200000
#define HOST_DOCS_MAX 256                 /* texts parsed in one call */
#define HOST_OUT_FIRST ((size_t)2048)     /* room for results to begin with */
#define HOST_OUT_KEEP ((size_t)64 * 1024) /* room for results that is kept from call to call */

/* What every call writes comes first, on one page. */
struct host {
    struct nf_skill_host api;
    const struct nf_skill_v1 *plugin;
    void *library;   /* of dlopen */
    char *to_daemon; /* the halves of the shared memory */
    const char *to_us;
    struct nf_wire_reader reader;

    bool calling; /* false: init or done */
    bool args_parsed;
    uint64_t id;
    int64_t deadline_us, margin_us;
    uint32_t output_max;
    struct nf_str out;   /* the frame of the result: heads, then what was replied */
    struct nf_str asked; /* the frame of the question, the same */
    struct nf_slice args;
    struct nf_json_doc *args_doc;
    size_t docs_n;
    int fail_code; /* of `fail`, NF_SKILL_OK: it was not called */
    int64_t log_second;
    int log_lines, log_dropped;
    int64_t calls;

    char fail_words[HOST_WORDS], error[HOST_WORDS];
    struct arena arena;
    struct nf_json_doc *docs[HOST_DOCS_MAX]; /* of this call */
};

#define HOST_HEADS (NF_WIRE_HEAD + NF_WIRE_RESULT_HEAD)

/* Fill in the functions, and have room for a frame and a result of usual size. */
void host_init(struct host *h);
void host_set_json(struct nf_skill_host *api);
void host_set_asks(struct nf_skill_host *api);

struct host *host_of(const struct nf_skill_host *api);

/* Make `words` what h->error says; returns `code`. */
int host_error(struct host *h, int code, const char *format, ...) NF_PRINTF(3, 4);
/* Until the call's functions give up; <= 0: they do. */
int64_t host_left_us(struct host *h);

/* Do what a call does, without a plugin: what it needs is then in memory. */
void host_warm(struct host *h);
/* Serve calls until the daemon wants no more; the exit code. */
int host_serve(struct host *h);

/* The next frame, as a whole and copied if it was in shared memory: valid until the next one or the
 * end of the call. False: the daemon is gone. */
bool host_read(struct host *h, struct nf_wire_frame *ret);
/* NF_WIRE_HEAD bytes at `frame` are filled in, the payload is behind them; or, if it is longer than
 * NF_WIRE_INLINE_MAX, goes through shared memory. False: the daemon is gone. */
bool host_send(struct host *h, char *frame, enum nf_wire_type type, uint64_t id, size_t payload_n);
/* The payload is in h->to_daemon already. */
bool host_send_bulk(struct host *h, enum nf_wire_type type, uint64_t id, size_t payload_n);
/* Before there is a call: that this process is of no use, and why. */
void host_send_failed(struct host *h, uint64_t number, const char *why);

/* A line of the log or progress, as far as the rate allows. */
void host_note(struct host *h, enum nf_skill_op op, int64_t value, const char *text, size_t n);
