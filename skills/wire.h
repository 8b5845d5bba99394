/*
 * Frames between the daemon, the warden, templates and workers: length, type, id, then payload. All
 * integers little-endian. The reader of a frame trusts nothing in it.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* What a plugin may ask of the broker. A log line and progress get no answer. Append only. */
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
};
