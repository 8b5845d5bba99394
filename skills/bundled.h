/*
 * The skills that come with the program. What was never seen before is installed; what reaches no
 * network and is no program is granted and enabled with it, since who installed the program
 * installed it. After an upgrade of the program they are upgraded: with their grant if they do not
 * ask for more than before, else they wait for one. What a person removed or replaced by another
 * of that name stays so: the file `seen` says which were installed, with which hash.
 *
 * What is new is installed in one transaction, and its files reach the disk later
 * (nf_bundled_settle): they can be made again. Until `seen` says that they are there, each start
 * looks at them and mends them.
 */
#pragma once

#include "application/ports/clock.h"
#include "application/ports/skill_store.h"
#include "base/id.h"
#include "config/settings.h"
#include "runtime/executor.h"
#include "skills/catalogue.h"

struct nf_bundled {
    const char *dir;                     /* where they are; that there is none is fine */
    const char *seen;                    /* path of the file */
    const struct nf_setting_strs *names; /* those wanted; empty: all; "none": none */
    struct nf_catalogue *catalogue;
    struct nf_skill_store *store;
    struct nf_clock *clock;
    struct nf_idgen *ids;
    struct nf_executor *executor;
    int64_t owner_id; /* the user whose grant it is */
};

/* Whether one of those wanted was never installed, going by the names of their directories, or is
 * not settled: a first start, one after a start that was interrupted, or new ones came with an
 * upgrade. Reads no skill. Suspends. */
NF_RC nf_bundled_has_new(const struct nf_bundled *b, bool *ret, struct nf_err *err);

/* Install and upgrade. What fails with one skill is logged and keeps no other from it. NF_E_IO: the
 * file cannot be read or written; NF_E_CANCELED. Suspends. */
NF_RC nf_bundled_install(const struct nf_bundled *b, struct nf_err *err);

/* Have the disk keep what was installed, and note that. NF_E_IO; NF_E_CANCELED. Suspends. */
NF_RC nf_bundled_settle(const struct nf_bundled *b, struct nf_err *err);
