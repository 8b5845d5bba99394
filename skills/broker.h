/*
 * What a skill may ask while it runs, and what it gets: only what its manifest names and the owner
 * agreed to, for the person and the session of the call, within limits. Every request is hostile.
 *
 * The table in broker.c is the policy: {request, capability, handler}. What is not in it, or needs
 * a capability that the manifest does not have, is NF_SKILL_E_DENIED.
 */
#pragma once

#include "application/ports/clock.h"
#include "application/ports/kv_store.h"
#include "application/ports/tools.h"
#include "domain/skill_manifest.h"
#include "runtime/http_client.h"
#include "skills/fields.h"
#include "skills/logs.h"
#include "skills/settings.h"
#include "skills/warden.h"
#include "skills/workspace.h"

#define NF_BROKER_ASKS_MAX 10000 /* of one call */
#define NF_BROKER_REDIRECTS_MAX 5
#define NF_BROKER_PROGRESS_MS 100 /* what comes sooner after another is not shown */
#define NF_BROKER_PROGRESS_MAX 200
#define NF_BROKER_FIELDS_MAX ((size_t)256 * 1024) /* bytes of a request's */
#define NF_BROKER_BODY_MAX ((size_t)4 << 20)      /* of an HTTP request */

/* What the brokers of all calls share. Borrowed. */
struct nf_broker_deps {
    struct nf_clock *clock;
    struct nf_kv_store *kv;
    struct nf_skill_logs *logs;
    struct nf_workspaces *workspaces;
    struct nf_http_client *http; /* of skills only: see may_connect */
    const struct nf_skill_settings *settings;
};

/* The broker of one call. */
struct nf_broker {
    struct nf_skill_broker port;
    const struct nf_broker_deps *deps;
    const struct nf_skill_manifest *manifest;
    const struct nf_tool_call *call;
    int64_t asks, http_requests;
    int64_t progress_ms; /* when the last was shown */
};

/* Everything is borrowed until the call has ended. */
void nf_broker_init(struct nf_broker *b, const struct nf_broker_deps *deps,
                    const struct nf_skill_manifest *manifest, const struct nf_tool_call *call);

/* --- for the files of the broker ----------------------------------------------------------------
 */

/* Answers a request. A failure is told to the skill in these words. */
typedef enum nf_code (*nf_broker_fn)(struct nf_broker *b, const struct nf_fields *q,
                                     struct nf_slice raw, struct nf_skill_answer *ret,
                                     struct nf_err *err);

enum nf_code nf_broker_fetch(struct nf_broker *b, const struct nf_fields *q, struct nf_slice raw,
                             struct nf_skill_answer *ret, struct nf_err *err);

struct nf_url;
/* Whether a request may go there: the manifest has a URL that it is, or is below, or the owner has
 * set one for the skill. */
bool nf_broker_grants(const struct nf_broker *b, const struct nf_url *u);
/* One request more. NF_E_LIMIT: the call has made as many as it may. */
NF_RC nf_broker_count_request(struct nf_broker *b, struct nf_err *err);
/* A header that is not a skill's to set: for the connection, or to make a server believe that
 * somebody else asks. */
bool nf_broker_refuses_header(const char *name);
/* The methods that a skill may use. */
#define NF_BROKER_METHODS "GET, HEAD, POST, PUT, PATCH, DELETE"
bool nf_broker_knows_method(struct nf_slice method);

/* Secrets that the manifest names: bit i is manifest->secrets[i]. */
typedef uint32_t nf_secret_bits;

/* Replace *to, whose memory is to be wiped, by `value` with every ${secret:NAME} filled in, and add
 * those to *used. NF_E_DENIED: the manifest does not name it, or the configuration does not have
 * it; NF_E_INVALID: the form is wrong. */
NF_RC nf_broker_fill_secrets(const struct nf_broker *b, const char *value, struct nf_str *to,
                             nf_secret_bits *used, struct nf_err *err);
/* NF_E_DENIED: one of them may not be sent there. */
NF_RC nf_broker_check_secrets(const struct nf_broker *b, nf_secret_bits used,
                              const struct nf_url *to, struct nf_err *err);
/* Overwrite with '*' every secret that the manifest names wherever it stands in *s: as it is, as a
 * part of a URL, of a JSON string or of base64, at whatever place in it. */
void nf_broker_mask(const struct nf_broker *b, struct nf_str *s);
