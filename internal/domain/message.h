/* What was said in a session, in order. Pure. */
#pragma once

#include "base/error.h"
#include "domain/limits.h"
#include "domain/part.h"

#include <stddef.h>
#include <stdint.h>

/* Stored by number: append, never renumber. A notice is for the person and never for a model. */
enum nf_role { NF_ROLE_USER = 1, NF_ROLE_ASSISTANT = 2, NF_ROLE_TOOL = 3, NF_ROLE_NOTICE = 4 };

struct nf_message {
    int64_t session_id, seq; /* seq counts from 1 within its session */
    enum nf_role role;
    int64_t run_id; /* the turn it belongs to */
    int64_t created_ms;
    char client_id[NF_CLIENT_ID_MAX + 1]; /* a person's message: the id the client gave it */
    char model[NF_MODEL_NAME_MAX + 1]; /* an assistant's message: "provider/model" that answered */
    char *content;                     /* the text a person sees: UTF-8, owned; NULL reads as "" */
    /* A question that does not go on from the messages before it: 1 + the seq of the question whose
     * turn it goes on from, 1: from the beginning. 0: it does. See domain/branch.h. */
    int64_t branch;
    struct nf_parts parts; /* all of it, where it is more than that text: tool calls, results */
};

/* Check a person's text: 1 to NF_MESSAGE_BYTES_MAX bytes of valid UTF-8 without NUL, not only
 * blanks. NF_E_INVALID, NF_E_LIMIT; the message names the field "content" and the bound. */
NF_RC nf_message_check_content(const char *text, size_t n, struct nf_err *err);

/* A client's id: 1 to NF_CLIENT_ID_MAX of [A-Za-z0-9._:-]. Names the field "message_id". */
NF_RC nf_message_check_client_id(const char *id, size_t n, struct nf_err *err);

void nf_message_done(struct nf_message *m);

struct nf_messages {
    struct nf_message *v; /* oldest first */
    size_t n;
};
void nf_messages_done(struct nf_messages *m);
/* Append by moving *m, which is zeroed on success. NF_E_NOMEM; then *m is still the caller's. */
NF_RC nf_messages_push(struct nf_messages *list, struct nf_message *m, struct nf_err *err);

const char *nf_role_name(enum nf_role role); /* "user" */
