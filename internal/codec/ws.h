/*
 * WebSocket frames (RFC 6455 section 5), both directions, no I/O. The reader takes pieces cut
 * anywhere, unmasks, joins fragments, and checks what sections 5 and 7 demand: reserved bits and
 * opcodes, masking by role, minimal lengths, control frames, UTF-8 of text and close reasons, close
 * codes (section 7.4).
 */
#pragma once

#include "base/string.h"
#include "base/utf8.h"

#include <stdint.h>

enum nf_ws_opcode {
    NF_WS_TEXT = 1,
    NF_WS_BINARY = 2,
    NF_WS_CLOSE = 8,
    NF_WS_PING = 9,
    NF_WS_PONG = 10,
};

#define NF_WS_HEAD_MAX 14 /* bytes of a frame's head */

/* A whole message or control frame; borrowed for the call. Return other than NF_OK to stop. */
typedef enum nf_code (*nf_ws_fn)(void *arg, enum nf_ws_opcode op, const char *p, size_t n,
                                 struct nf_err *err);

struct nf_ws_reader {
    nf_ws_fn fn;
    void *arg;
    size_t message_max;
    bool from_client; /* frames must be masked; else must not be */
    struct nf_str message, control;
    struct nf_utf8 utf8;
    uint8_t head[NF_WS_HEAD_MAX];
    uint8_t head_n, op, message_op, mask[4];
    bool fin, in_payload, closed;
    uint64_t left, at; /* payload bytes to come, and already seen for the mask */
    int close_code;    /* set when feed fails: what the close frame should say (section 7.4.1) */
};

void nf_ws_reader_init(struct nf_ws_reader *r, bool from_client, size_t message_max, nf_ws_fn fn,
                       void *arg);
void nf_ws_reader_done(struct nf_ws_reader *r);

/* NF_E_INVALID or NF_E_LIMIT: the peer broke the protocol; close with r->close_code, and feed no
 * more. Other codes: what fn returned, or NF_E_NOMEM, with close_code 1011. Memory grows with what
 * arrived, never with what a length field claims. What comes after a close frame is ignored. */
NF_RC nf_ws_feed(struct nf_ws_reader *r, const char *p, size_t n, struct nf_err *err);

/* Write the head of an unfragmented frame; `mask` NULL for a server. Returns its bytes. */
size_t nf_ws_frame_head(uint8_t out[NF_WS_HEAD_MAX], enum nf_ws_opcode op, uint64_t payload,
                        const uint8_t mask[4]);
/* XOR `p` with the mask, beginning at payload offset `at`. */
void nf_ws_mask(char *p, size_t n, const uint8_t mask[4], uint64_t at);
/* True if a peer may send this close code (section 7.4). */
bool nf_ws_close_code_ok(int code);
/* Sec-WebSocket-Accept for a Sec-WebSocket-Key (section 4.2.2), 28 characters and a NUL. A key has
 * 24 characters; of a longer one the first NF_WS_KEY_MAX count. */
#define NF_WS_KEY_MAX 64
void nf_ws_accept_key(const char *key, size_t n, char ret[29]);
