/*
 * Frames between the daemon and a plugin's process, one pipe each way: length, type, id, payload.
 * Integers are little-endian. The reader of a frame trusts nothing in it.
 *
 *     u32 length of the payload | u32 type, NF_WIRE_BULK set or not | u64 id | payload
 *
 * With NF_WIRE_BULK the payload is a u32: so many bytes lie in the memory that both share (warden.c
 * makes it), in the half of the sender. Whoever receives them copies them before reading them.
 *
 * A process waits, blank, until it is told to load its plugin. Then it says NF_WIRE_READY or
 * NF_WIRE_FAILED, once, with the number of its generation as id; the latter also before. Then it is
 * asked one thing at a time: a call has a random id, which cannot be known before, and what belongs
 * to the call (questions, answers, the result) has the same. Anything else (early, of another id, a
 * second result, a question while one is open) ends that process.
 */
#pragma once

#include "base/string.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NF_WIRE_HEAD ((size_t)16)              /* bytes before the payload */
#define NF_WIRE_INLINE_MAX ((size_t)32 * 1024) /* payload of a frame without NF_WIRE_BULK */
#define NF_WIRE_BULK_MAX ((size_t)8 << 20)     /* payload of one with it: half of the memory */
#define NF_WIRE_BULK 0x80000000u

enum nf_wire_type {
    NF_WIRE_READY = 1,  /* from the plugin's process: no payload */
    NF_WIRE_FAILED = 2, /* from it: the payload is why it is of no use, as text */
    NF_WIRE_CALL = 3,   /* to it: struct nf_wire_call */
    NF_WIRE_RESULT = 4, /* from it: struct nf_wire_result */
    NF_WIRE_ASK = 5,    /* from it: struct nf_wire_ask */
    NF_WIRE_ANSWER = 6, /* to it: struct nf_wire_answer; not for log and progress */
    NF_WIRE_STOP = 7,   /* to it, while it has nothing to do: call done() and exit */
    NF_WIRE_LOAD = 8,   /* to it, once, first of all: load the plugin; id: its number */
};

/* What a plugin may ask of the broker. A log line and progress get no answer. Append only.
 *
 * A request is fields (skills/fields.h), of which those that the plugin left out are missing; an
 * answer is JSON, for what the plugin gets as JSON from its host. Beside them are raw bytes. With
 * the code NF_SKILL_OK:
 *
 *   op           request                                     answer
 *   HTTP_FETCH   method, url, header, header, ...,           status, content_type, url,
 *                timeout_ms, max_bytes; raw: body            headers {"name": "value"}; raw: body
 *   KV_GET       key                                         raw: value
 *   KV_PUT       key; raw: value
 *   KV_DELETE    key
 *   KV_LIST      prefix, after, limit                        an array of keys
 *   FILE_READ    path, offset, limit                         raw: bytes
 *   FILE_WRITE   path; raw: bytes
 *   FILE_LIST    path                                        an array as skill.h has it
 *   FILE_REMOVE  path
 *   CONFIG_GET   key                                         raw: value
 *   LOG          level; raw: text
 *   PROGRESS     percent; raw: text
 *
 * Of an answer with another code the raw bytes are why, in words. Empty JSON is no bytes at all. */
enum nf_skill_op {
    NF_SKILL_OP_HTTP_FETCH = 1,
    NF_SKILL_OP_KV_GET = 2,
    NF_SKILL_OP_KV_PUT = 3,
    NF_SKILL_OP_KV_DELETE = 4,
    NF_SKILL_OP_KV_LIST = 5,
    NF_SKILL_OP_FILE_READ = 6,
    NF_SKILL_OP_FILE_WRITE = 7,
    NF_SKILL_OP_FILE_LIST = 8,
    NF_SKILL_OP_FILE_REMOVE = 9,
    NF_SKILL_OP_LOG = 10,
    NF_SKILL_OP_PROGRESS = 11,
    NF_SKILL_OP_CONFIG_GET = 12,
};
#define NF_SKILL_OPS 13

/* Whether the daemon answers it. */
static inline bool nf_skill_op_has_answer(enum nf_skill_op op)
{
    return op != NF_SKILL_OP_LOG && op != NF_SKILL_OP_PROGRESS;
}

/* --- frames ----------------------------------------------------------------------------------- */

struct nf_wire_frame {
    enum nf_wire_type type;
    bool bulk;       /* then the payload is in shared memory, bulk_n bytes */
    uint32_t bulk_n; /* at most NF_WIRE_BULK_MAX */
    uint64_t id;
    struct nf_slice payload; /* borrowed from the reader until it is given more; empty if bulk */
};

/* Write a frame's head to NF_WIRE_HEAD bytes at `p`; `n` payload bytes follow it. */
void nf_wire_put_head(char *p, enum nf_wire_type type, uint64_t id, size_t n);
/* The same for a payload of `n` bytes that is in shared memory: NF_WIRE_HEAD + 4 bytes at `p`. */
void nf_wire_put_bulk(char *p, enum nf_wire_type type, uint64_t id, size_t n);

/* Makes frames of bytes that come in pieces. Zero value to start. Holds at most one frame of
 * NF_WIRE_INLINE_MAX and what was read with it. */
struct nf_wire_reader {
    char *p;
    size_t at, len, cap; /* taken, filled, allocated */
};
void nf_wire_reader_done(struct nf_wire_reader *r);

/* Room for the next read: at least one byte. Frames taken before are gone. NF_E_LIMIT: it is full,
 * which happens only if nf_wire_next was not called; NF_E_NOMEM. */
NF_RC nf_wire_room(struct nf_wire_reader *r, char **p, size_t *n, struct nf_err *err);
/* `n` bytes were read into it. */
void nf_wire_fed(struct nf_wire_reader *r, size_t n);

/* Take the next frame if it is there as a whole (*have). NF_E_INVALID: what came is no frame, and
 * nothing after it can be one; the words say what is wrong. */
NF_RC nf_wire_next(struct nf_wire_reader *r, struct nf_wire_frame *ret, bool *have,
                   struct nf_err *err);
/* Bytes that came and were not taken. */
size_t nf_wire_left(const struct nf_wire_reader *r);

/* --- payloads --------------------------------------------------------------------------------- */

/* i64 deadline | u32 output_max | u32 length of tool | tool | args */
#define NF_WIRE_CALL_HEAD ((size_t)16)
struct nf_wire_call {
    int64_t deadline_us; /* CLOCK_MONOTONIC: then the process is killed */
    uint32_t output_max; /* bytes of the result */
    struct nf_slice tool, args;
};
/* u32 code | u32 flags | text */
#define NF_WIRE_RESULT_HEAD ((size_t)8)
#define NF_WIRE_RETIRE 1u /* flag: the process has grown, take another one next time */
struct nf_wire_result {
    int code; /* NF_SKILL_OK: the text is the result; else why there is none */
    uint32_t flags;
    struct nf_slice text;
};
/* u32 op or code | u32 length of fields or json | fields or json | raw */
#define NF_WIRE_ASK_HEAD ((size_t)8)
struct nf_wire_ask {
    enum nf_skill_op op;
    struct nf_slice fields, raw;
};
struct nf_wire_answer {
    int code;
    struct nf_slice json, raw;
};

void nf_wire_put_call(char p[NF_WIRE_CALL_HEAD], const struct nf_wire_call *c);
void nf_wire_put_result(char p[NF_WIRE_RESULT_HEAD], int code, uint32_t flags);
void nf_wire_put_ask(char p[NF_WIRE_ASK_HEAD], int op_or_code, size_t fields_or_json_n);

/* From a payload; slices point into it. NF_E_INVALID: too short, or a number out of range. */
NF_RC nf_wire_get_call(struct nf_slice payload, struct nf_wire_call *ret, struct nf_err *err);
NF_RC nf_wire_get_result(struct nf_slice payload, struct nf_wire_result *ret, struct nf_err *err);
NF_RC nf_wire_get_ask(struct nf_slice payload, struct nf_wire_ask *ret, struct nf_err *err);
NF_RC nf_wire_get_answer(struct nf_slice payload, struct nf_wire_answer *ret, struct nf_err *err);
