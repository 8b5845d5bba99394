/* What the files of the web channel share. */
#pragma once

#include "application/manage_users.h"
#include "base/own.h"
#include "channels/chat/content.h"
#include "channels/web/frames.h"
#include "channels/web/hub.h"
#include "channels/web/rate.h"
#include "channels/web/said.h"
#include "channels/web/web.h"
#include "codec/hash.h"
#include "http/server.h"
#include "runtime/fiber.h"

#define NF_WEB_COOKIE "nexflow_session"
/* Browsers take this one only by TLS and from this very host (RFC 6265bis, 4.1.3.2). */
#define NF_WEB_COOKIE_SECURE "__Host-" NF_WEB_COOKIE
#define NF_WEB_HOST_MAX 253 /* characters of a host's name */
#define NF_WEB_HOSTS_MAX 24
/* Of a message with files: those as base64, and the text. */
#define NF_WEB_MESSAGE_BODY ((size_t)NF_MEDIA_BYTES_MAX / 3 * 4 + (size_t)2 * NF_MESSAGE_BYTES_MAX)

/* A tool that is being called by hand, for who wants to cancel it. In the frame of its handler. */
struct nf_web_call {
    const int64_t *task_id; /* 0 until it is known */
    struct nf_fiber *fiber;
    bool cancelled;
    struct nf_web_call *prev, *next;
};

/* server.public_url, taken apart. All empty without one. */
struct nf_web_site {
    bool secure;
    char host[NF_WEB_HOST_MAX + 1];       /* in small letters */
    char host_port[NF_WEB_HOST_MAX + 7];  /* also where the port is the scheme's own */
    char origin[NF_WEB_HOST_MAX + 7 + 8]; /* as browsers write it */
};

struct nf_web {
    struct nf_web_options o;
    struct nf_web_call *calls;
    struct nf_http_server *server;
    struct nf_hub *hub;
    struct nf_rate *rate;
    int64_t owner_id;
    char owner_hash[NF_SHA256_HEX + 1]; /* of the owner's token */
    char address[160];                  /* host:port */
    struct nf_str socket_path;
    struct nf_str hosts[NF_WEB_HOSTS_MAX]; /* names under which a browser may reach us */
    size_t hosts_n;
    struct nf_web_site site;
    int64_t started_ms;
};

/* Who asks. Hung on the exchange by nf_web_before. */
struct nf_principal {
    struct nf_user user;
    bool holds_secret; /* the owner's token, or our socket: known also if the database is gone */
    bool by_cookie;
    char cookie_hash[NF_SHA256_HEX + 1];
};

/* The principal of an authenticated exchange. */
const struct nf_principal *nf_web_who(const struct nf_http_exchange *x);
/* Whether it is somebody who asks, and whether that is an owner or admin: of every exchange. */
bool nf_web_is_known(const struct nf_http_exchange *x);
bool nf_web_manages(const struct nf_http_exchange *x);

/* auth.c: checks of every request before its handler. */
enum nf_code nf_web_before(void *arg, struct nf_http_exchange *x, struct nf_err *err);
/* What keeps browsers apart, as far as it is not there yet. */
NF_RC nf_web_add_security_headers(struct nf_http_exchange *x, bool may_not_be_kept,
                                  struct nf_err *err);
/* The owner's token from settings, environment or file; sets w->owner_hash. */
NF_RC nf_web_load_owner_token(struct nf_web *w, struct nf_err *err);
/* A fresh one-time link for `user_id` as a URL. Suspends. */
NF_RC nf_web_make_link(struct nf_web *w, const struct nf_user *actor, int64_t user_id,
                       struct nf_str *ret, struct nf_err *err);
enum nf_code nf_web_exchange_link(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_logout(void *arg, struct nf_http_exchange *x, struct nf_err *err);

/* site.c: under which names browsers reach us. */
/* NF_E_INVALID: the message says what the URL must be, without its key. */
NF_RC nf_web_site_read(const char *url, struct nf_web_site *ret, struct nf_err *err);
/* The names under which we may be asked; after the port is known. */
NF_RC nf_web_set_hosts(struct nf_web *w, struct nf_err *err);
/* A page of another site can make a browser send us requests, and DNS rebinding can make it send
 * them under a foreign name: NF_E_DENIED. */
NF_RC nf_web_check_site(const struct nf_web *w, const struct nf_http_exchange *x,
                        struct nf_err *err);
/* Whether the request came by the public name, and that is https. */
bool nf_web_is_secure(const struct nf_web *w, const struct nf_http_exchange *x);
/* The value of the cookie of who came this way; empty if there is none. */
struct nf_slice nf_web_cookie(const struct nf_web *w, const struct nf_http_exchange *x);
/* With `ttl_ms` of 0 the browser forgets it. */
NF_RC nf_web_set_cookie(const struct nf_web *w, struct nf_http_exchange *x, const char *value,
                        int64_t ttl_ms, struct nf_err *err);
/* "https://nexflow.example.org": what links begin with. */
NF_RC nf_web_add_origin(const struct nf_web *w, struct nf_str *ret, struct nf_err *err);

/* Take one of `per_minute` from the bucket of `key`, ours and that of all instances. False if one
 * of them is empty; *wait_ms says for how long. May suspend. */
bool nf_web_rate_take(struct nf_web *w, const char *key, int64_t per_minute, int64_t *wait_ms);

/* Whether `e` is what the database, a file or the machine said, with paths of it, and not words of
 * ours: that is for those who manage. It is logged, and *plain is what others hear. */
bool nf_web_conceal(const char *route, const struct nf_err *e, struct nf_err *plain);

/* Errors as JSON, with a status that fits the code unless one is given. */
void nf_web_answer_error(struct nf_http_exchange *x, int status, const struct nf_err *e);
void nf_web_on_error(void *arg, struct nf_http_exchange *x, int status, const struct nf_err *e);

/* Answer with the JSON text in `body`. */
NF_RC nf_web_json(struct nf_http_exchange *x, int status, const struct nf_str *body,
                  struct nf_err *err);
/* Decode the body, a JSON object, into *to: see nf_json_decode. */
NF_RC nf_web_read_body(const struct nf_http_exchange *x, const struct nf_json_table *t, void *to,
                       struct nf_err *err);
/* The "{id}" of the path. NF_E_NOT_FOUND if it is none. */
NF_RC nf_web_path_id(const struct nf_http_exchange *x, int64_t *ret, struct nf_err *err);
/* The same of a user, for whom "me" is who asks. */
NF_RC nf_web_path_user(const struct nf_http_exchange *x, int64_t *ret, struct nf_err *err);
/* The query's limit, 50 by default; the use case checks its bounds. */
NF_RC nf_web_limit(const struct nf_http_exchange *x, size_t *ret, struct nf_err *err);
void nf_web_put_id(struct nf_json_out *o, const char *key, int64_t id);
void nf_web_put_time(struct nf_json_out *o, const char *key, int64_t ms); /* 0 writes null */
/* The end of a page: "next_cursor" is `last`, its last id, or null if nothing follows. */
void nf_web_put_next(struct nf_json_out *o, bool more, int64_t last);

/* list.c: a list that is read a page at a time, by id. */
#define NF_WEB_PART_MAX 128 /* bytes of `q` of a list by names */
struct nf_web_rows {
    const char *key; /* of the rows in the answer */
    const void *list;
    size_t n, limit;
    int64_t last; /* id of the last row */
    void (*put)(struct nf_json_out *o, const void *list, size_t i);
};
/* The query's limit, and the id in its cursor, 0 for the first page. */
NF_RC nf_web_read_page(const struct nf_http_exchange *x, int64_t *after, size_t *limit,
                       struct nf_err *err);
/* The query's `q`, `cursor` and `limit` of a list by names: all of it, unless a page is asked for,
 * since whoever lets a person choose needs all. */
NF_RC nf_web_read_names(const struct nf_http_exchange *x, struct nf_web_names_ask *ask,
                        struct nf_err *err);
NF_RC nf_web_answer_rows(struct nf_http_exchange *x, const struct nf_web_rows *r,
                         struct nf_err *err);

/* Routes. */
extern const struct nf_http_route nf_web_routes[];
extern const size_t nf_web_routes_n;

/* sessions.c */
enum nf_code nf_web_sessions(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_session_create(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_session_get(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_session_patch(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_session_delete(void *arg, struct nf_http_exchange *x, struct nf_err *err);
/* One of each as an object. */
void nf_web_put_session(struct nf_json_out *o, const struct nf_session *s);
void nf_web_put_message(struct nf_json_out *o, const struct nf_message *m);
/* What a person reads of it: of a tool's message what came back. */
const char *nf_web_message_text(const struct nf_message *m);
enum nf_code nf_web_messages(void *arg, struct nf_http_exchange *x, struct nf_err *err);

/* attach.c: what is attached to a message of the page. */
/* Read `files`, a JSON array of {name, media_type, data}, and put it beside `text`. NF_E_INVALID
 * and NF_E_LIMIT name the field. Absent or empty: content.parts stays empty and content.text is
 * `text`. */
NF_RC nf_web_attach(const struct nf_json *files, const char *text, struct nf_chat_content *ret,
                    struct nf_err *err);
/* The n-th file of a question. */
enum nf_code nf_web_file(void *arg, struct nf_http_exchange *x, struct nf_err *err);

/* admin.c */
enum nf_code nf_web_config(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_config_change(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_providers(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_provider_add(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_provider_try(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_channel_add(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_channel_token(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_channel_remove(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_provider_remove(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_model_put(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_alias_put(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_alias_remove(void *arg, struct nf_http_exchange *x, struct nf_err *err);

/* search.c, export.c */
enum nf_code nf_web_search(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_export(void *arg, struct nf_http_exchange *x, struct nf_err *err);

/* chat.c */
enum nf_code nf_web_socket(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_post_message(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_stop_session(void *arg, struct nf_http_exchange *x, struct nf_err *err);
/* Stop, and tell every socket of the user if the turn had not begun. */
NF_RC nf_web_stop_turn(struct nf_web *w, const struct nf_user *user, int64_t session_id,
                       int64_t run_id, struct nf_err *err);

/* tasks.c */
enum nf_code nf_web_tasks(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_task_get(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_task_cancel(void *arg, struct nf_http_exchange *x, struct nf_err *err);

/* usage.c */
enum nf_code nf_web_usage(void *arg, struct nf_http_exchange *x, struct nf_err *err);

/* schedules.c */
enum nf_code nf_web_schedules(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_schedule_create(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_schedule_preview(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_schedule_get(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_schedule_patch(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_schedule_delete(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_schedule_pause(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_schedule_resume(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_schedule_run(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_schedule_runs(void *arg, struct nf_http_exchange *x, struct nf_err *err);

/* approvals.c */
enum nf_code nf_web_approvals(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_approval_decide(void *arg, struct nf_http_exchange *x, struct nf_err *err);

/* skills.c */
enum nf_code nf_web_skills(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_skill_install(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_skill_get(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_skill_delete(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_skill_enable(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_skill_disable(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_skill_logs(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_skill_run(void *arg, struct nf_http_exchange *x, struct nf_err *err);
/* Cancel the call by hand with that task. False: it does not run. */
bool nf_web_cancel_call(struct nf_web *w, int64_t task_id);

/* users.c */
enum nf_code nf_web_who_asks(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_me(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_users(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_user_create(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_user_patch(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_user_link(void *arg, struct nf_http_exchange *x, struct nf_err *err);

void nf_web_put_user(struct nf_json_out *o, const struct nf_user *u);
/* Answer with a user as JSON. */
NF_RC nf_web_answer_user(struct nf_http_exchange *x, int status, const struct nf_user *u,
                         struct nf_err *err);

/* people.c */
enum nf_code nf_web_pairings(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_pairing_decide(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_invite(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_identities(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_identity_link(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_identity_unlink(void *arg, struct nf_http_exchange *x, struct nf_err *err);

/* bots.c */
enum nf_code nf_web_bots(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_bot_qr(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_bot_test(void *arg, struct nf_http_exchange *x, struct nf_err *err);
/* The i-th bot; false: there are no more. */
bool nf_web_bot_at(const struct nf_web *w, size_t i, struct nf_web_bot *ret);

/* status.c */
enum nf_code nf_web_health(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_ready(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_metrics(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_status(void *arg, struct nf_http_exchange *x, struct nf_err *err);
enum nf_code nf_web_models(void *arg, struct nf_http_exchange *x, struct nf_err *err);

/* page.c */
enum nf_code nf_web_page(void *arg, struct nf_http_exchange *x, struct nf_err *err);
