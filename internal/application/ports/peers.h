/* Port: telling the other instances. Best effort and never suspends: what must not be lost is in
 * the database, and who does not hear it finds it there a second later. */
#pragma once

#include <stdint.h>

struct nf_peers {
    const struct nf_peers_ops *ops;
};

struct nf_peers_ops {
    /* Whoever runs the turn `run_id` (0: any) of that session shall stop it. */
    void (*stop)(struct nf_peers *p, int64_t session_id, int64_t run_id);
    /* Ring the bell `id` there as well. */
    void (*ring)(struct nf_peers *p, int64_t id);
    /* There is more to do here than there is room for. */
    void (*work)(struct nf_peers *p);
};
