/*
 * For a plugin that speaks to the daemon behind its host's back: the pipe, the id of the call, and
 * frames as skills/wire.h has them, but without any of its checks.
 */
#pragma once

#include "skills/wire.h"

#include <nexflow/skill.h>
#include <stddef.h>
#include <stdint.h>

#define FDS 32 /* of a worker, and more */

/* Found by trying; -1: there is none. */
int reply_fd(void);
int request_fd(void);
/* Without touching it, which could be our end. */
int is_readable(uintptr_t page);
/* Of the call *r; 0: not found. */
uint64_t find_id(const struct nf_skill_host *h, const struct nf_skill_request *r);

/* All of it, or the process ends. */
void send_all(const void *p, size_t n);
/* Claims `length`, has `n`, at most 256. */
void frame(uint32_t type, uint64_t id, uint32_t length, const void *payload, size_t n);
void result(uint64_t id, uint32_t code, const char *text);
void ask(uint64_t id, uint32_t op, uint32_t json_n, const char *json);
/* Claims n bytes in shared memory, with payload_n bytes of that number. */
void bulk(uint64_t id, uint32_t type, uint32_t n, size_t payload_n);
