/* What hubs of several instances tell each other, a line of JSON each. No I/O. */
#pragma once

#include "codec/hash.h"
#include "codec/json.h"
#include "domain/run_event.h"

enum nf_peer_line_type {
    NF_PEER_EVENT = 1,   /* of a run */
    NF_PEER_DELIVERED,   /* the same, its last: the database has it all */
    NF_PEER_FRAME,       /* to all sockets of a user */
    NF_PEER_DROP_USER,   /* close their sockets */
    NF_PEER_DROP_COOKIE, /* close those that were opened with it */
};

/* Pointers lead into what was decoded. */
struct nf_peer_line {
    enum nf_peer_line_type type;
    int64_t user_id;
    struct nf_run_event event;
    const char *text; /* frame, or hash of the cookie */
};

/* Append it to *to. */
NF_RC nf_peer_line_encode(const struct nf_peer_line *l, struct nf_str *to, struct nf_err *err);
/* NF_E_INVALID: no such line. */
NF_RC nf_peer_line_decode(const struct nf_json *v, struct nf_peer_line *ret, struct nf_err *err);
