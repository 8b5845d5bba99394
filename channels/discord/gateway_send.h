/* What a gateway sends. Private to channels/discord. */
#pragma once

#include "channels/discord/gateway.h"

/* Section "Gateway Opcodes". */
enum nf_gateway_op {
    NF_OP_DISPATCH = 0,
    NF_OP_HEARTBEAT = 1,
    NF_OP_IDENTIFY = 2,
    NF_OP_RESUME = 6,
    NF_OP_RECONNECT = 7,
    NF_OP_INVALID_SESSION = 9,
    NF_OP_HELLO = 10,
    NF_OP_ACK = 11,
};

/* Whether one more payload may go out in this minute, when `keep` are left for others. */
bool nf_gateway_may_send(struct nf_gateway *g, int keep);

/* Errors as nf_gateway_world_ops.send. Suspend. */
NF_RC nf_gateway_send_heartbeat(struct nf_gateway *g, struct nf_err *err);
NF_RC nf_gateway_send_identify(struct nf_gateway *g, struct nf_err *err);
NF_RC nf_gateway_send_resume(struct nf_gateway *g, struct nf_err *err);
