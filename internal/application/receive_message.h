/* Use case: a person wrote something. */
#pragma once

#include "application/deps.h"

struct nf_incoming {
    const struct nf_user *user;
    const char *channel; /* "web" */
    const char *address; /* the chat; "" on the web */
    const char *source;  /* see struct nf_accept */
    const char *client_id;
    int64_t session_id;  /* 0: the session of `address`, or a new one */
    int64_t branch;      /* as of struct nf_message; not 0 only with a session_id */
    const char *model;   /* who answers in a new session: a name or alias; NULL: the default */
    const char *content; /* content_n bytes and a NUL */
    size_t content_n;
    /* Of chat networks; the zero value is right elsewhere. */
    bool shared;                        /* the session of `address` is that of a group's people */
    const char *title;                  /* of a new session; NULL: from the content */
    const struct nf_parts *parts;       /* what is attached, `content` included as a text */
    const char *ref;                    /* the network's id of the message */
    const char *cursor_source, *cursor; /* kept with the message */
};

/* It is "/run ...": a tool answers it, not a model. */
bool nf_is_run_command(const char *text);

/* At most NF_MEDIA_FILES_MAX images and documents, of at most NF_MEDIA_BYTES_MAX together (as
 * base64, that is a third less). NF_E_LIMIT. */
NF_RC nf_check_media(const struct nf_parts *parts, struct nf_err *err);

/*
 * Store the message and have it answered. When it returns NF_OK everything about it is committed,
 * and it is right to tell the person "accepted". The same client_id from the same source again
 * gives the first outcome with `duplicate` set and changes nothing. NF_E_INVALID, NF_E_LIMIT: the
 * message itself, or too many wait; NF_E_NOT_FOUND: no such session of theirs, or no such model;
 * NF_E_DENIED: the user is blocked; NF_E_UNAVAILABLE: shutting down, or the database cannot take it
 * now. May suspend.
 */
NF_RC nf_receive_message(struct nf_app *a, const struct nf_incoming *in, struct nf_accepted *ret,
                         struct nf_err *err);
