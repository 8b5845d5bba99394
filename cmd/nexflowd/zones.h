/* The zones port over the compiled files of this machine. */
#pragma once

#include "application/ports/zones.h"

struct nf_zone_entry;

/* Zero value and nf_file_zones_init. */
struct nf_file_zones {
    struct nf_zones port;
    const char *dir; /* borrowed */
    struct nf_zone_entry *read;
};

#define NF_ZONES_DIR "/usr/share/zoneinfo" /* of Debian's package tzdata */

/* A zone is read when it is first asked for, and kept: there are some 600. */
void nf_file_zones_init(struct nf_file_zones *z, const char *dir);
void nf_file_zones_done(struct nf_file_zones *z);
