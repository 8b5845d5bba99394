/* The frames of /ws, as JSON: docs/api.md. No I/O. */
#pragma once

#include "application/ports/turn_store.h"
#include "base/id.h"
#include "codec/json.h"
#include "domain/approval.h"
#include "domain/run_event.h"
#include "domain/session.h"

enum nf_frame_type { NF_FRAME_USER_MESSAGE = 1, NF_FRAME_RESUME, NF_FRAME_STOP, NF_FRAME_DECIDE };

struct nf_frame {
    enum nf_frame_type type;
    int64_t session_id;         /* 0: none was given */
    int64_t after;              /* resume */
    int64_t run_id;             /* stop: 0 for whatever runs */
    char *message_id, *content; /* user_message; owned */
    int64_t branch;             /* user_message: as of struct nf_message */
    int64_t approval_id;        /* decide */
    bool allow;
    char *reason; /* owned; NULL: none was given */
    char *model;  /* user_message of a new session; owned; NULL: the default */
};

/* Decode a client's frame. NF_E_INVALID and NF_E_LIMIT name the field and the bound; even then
 * message_id is set if it could be read, so that the answer can name it. Free *ret in any case. */
NF_RC nf_frame_decode(const char *p, size_t n, struct nf_frame *ret, struct nf_err *err);
void nf_frame_done(struct nf_frame *f);

/* Append one frame to *to. */
NF_RC nf_frame_event(const struct nf_run_event *e, struct nf_str *to, struct nf_err *err);

/* What the frames of a text's pieces begin with. It is made for the first of them; after that the
 * position is all that changes. The zero value is empty and fits no text. */
#define NF_FRAME_HEAD_MAX 320
struct nf_frame_head {
    int64_t run_id, seq; /* of the piece before */
    int message;
    uint16_t n;             /* bytes of `text`, 0: none yet */
    uint16_t seq_at, seq_n; /* where in it the position stands, and its digits */
    char text[NF_FRAME_HEAD_MAX];
};

/* Append the frame of an NF_RUN_TEXT, as nf_frame_event does. */
NF_RC nf_frame_piece(struct nf_frame_head *h, const struct nf_run_event *e, struct nf_str *to,
                     struct nf_err *err);

NF_RC nf_frame_accepted(const struct nf_accepted *a, const char *message_id, const char *content,
                        int64_t branch, struct nf_str *to, struct nf_err *err);
NF_RC nf_frame_error(enum nf_code code, const char *message, const char *message_id,
                     struct nf_str *to, struct nf_err *err);
NF_RC nf_frame_cancelled(int64_t session_id, int64_t run_id, struct nf_str *to, struct nf_err *err);
NF_RC nf_frame_approval(const struct nf_approval_request *r, const struct nf_user *requester,
                        bool yours, struct nf_str *to, struct nf_err *err);
/* How a session is called, whether it is pinned and who answers in it now. */
NF_RC nf_frame_session(const struct nf_session *s, struct nf_str *to, struct nf_err *err);
/* It was deleted. */
NF_RC nf_frame_session_deleted(int64_t session_id, struct nf_str *to, struct nf_err *err);

/* One approval as an object, for frames and REST: APPROVAL of docs/api.md. */
void nf_frame_put_approval(struct nf_json_out *o, const struct nf_approval_request *r,
                           const struct nf_user *requester, bool yours);
/* "allow" or "deny". NF_E_INVALID names the field "decision". */
NF_RC nf_frame_decision(const char *text, bool *allow, struct nf_err *err);
