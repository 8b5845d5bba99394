/*
 * Who is signed in: "<prefix>:login:<hash of the cookie>" says who, behind the mark of the moment
 * before that was read from the database. "<prefix>:logins" is the mark of now: what has another
 * one is void. Marks are random, so that one from before Redis was emptied never comes again.
 */
#include "base/own.h"
#include "cache/redis/store_internal.h"
#include "codec/hash.h"
#include "codec/json.h"
#include "observe/log.h"
#include "runtime/mono.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nf_redis_store *store_of(struct nf_login_cache *c)
{
    assert(c->ops == &nf_redis_logins_ops);
    return nf_container_of(c, struct nf_redis_store, logins);
}

static NF_RC key_of(const struct nf_redis_store *s, const char *hash, struct nf_str *ret,
                    struct nf_err *err)
{
    return nf_str_addf(ret, err, "%s:login:%s", s->prefix, hash);
}

static NF_RC mark_key(const struct nf_redis_store *s, struct nf_str *ret, struct nf_err *err)
{
    return nf_str_addf(ret, err, "%s:logins", s->prefix);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* What somebody else may have written there is no user of ours. */
static NF_RC read_user(const char *p, size_t n, struct nf_user *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_TRY(nf_json_parse(p, n, 0, &doc, err));
    const struct nf_json *v = nf_json_root(doc);
    const char *name = nf_json_str(nf_json_get(v, "name"));
    const char *zone = nf_json_str(nf_json_get(v, "zone"));
    int64_t role = nf_json_i64(nf_json_get(v, "role"), 0);
    int64_t lang = nf_json_i64(nf_json_get(v, "lang"), -1);
    struct nf_user u = { .id = nf_json_i64(nf_json_get(v, "id"), 0),
                         .role = (enum nf_user_role)role,
                         .status = NF_USER_ACTIVE,
                         .lang = (enum nf_lang)lang,
                         .created_ms = nf_json_i64(nf_json_get(v, "created"), 0) };
    if (!name || strlen(name) > NF_NAME_MAX || !zone || strlen(zone) > NF_ZONE_NAME_MAX ||
        u.id <= 0 || role < NF_USER_OWNER || role > NF_USER_USER || lang < 0 || lang > NF_LANG_RU)
        return nf_err_set(err, NF_E_NOT_FOUND, "not a login");
    memcpy(u.name, name, strlen(name) + 1);
    memcpy(u.zone, zone, strlen(zone) + 1);
    *ret = u;
    return NF_OK;
}

static NF_RC read_login(const redisReply *mark, const redisReply *login, struct nf_login_mark *m,
                        struct nf_user *ret, struct nf_err *err)
{
    if (mark->type == REDIS_REPLY_STRING && (size_t)mark->len < sizeof(m->text))
        memcpy(m->text, mark->str, (size_t)mark->len + 1);
    size_t n = strlen(m->text);
    if (n == 0 || login->type != REDIS_REPLY_STRING || (size_t)login->len < n + 1 ||
        memcmp(login->str, m->text, n) != 0 || login->str[n] != ' ')
        return nf_err_set(err, NF_E_NOT_FOUND, "not known now");
    enum nf_code rc = read_user(login->str + n + 1, (size_t)login->len - n - 1, ret, err);
    return rc == NF_OK || rc == NF_E_NOMEM ? rc : nf_err_set(err, NF_E_NOT_FOUND, "not a login");
}

static enum nf_code get(struct nf_login_cache *port, const char *hash, struct nf_login_mark *mark,
                        struct nf_user *ret, struct nf_err *err)
{
    struct nf_redis_store *s = store_of(port);
    NF_CLEANUP(nf_str_done) struct nf_str key = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str now = { 0 };
    redisReply *r = NULL;
    *mark = (struct nf_login_mark){ "" };
    NF_TRY(key_of(s, hash, &key, err));
    NF_TRY(mark_key(s, &now, err));
    const char *const words[] = { "MGET", nf_str_c(&now), nf_str_c(&key) };
    NF_TRY(nf_redis_call(&s->calls, words, NULL, 3, &r, err));
    enum nf_code rc = r->type == REDIS_REPLY_ARRAY && r->elements == 2
                          ? read_login(r->element[0], r->element[1], mark, ret, err)
                          : nf_err_set(err, NF_E_UNAVAILABLE, "Redis: not an array");
    freeReplyObject(r);
    return rc;
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool set_mark(struct nf_redis_store *s, bool only_if_none)
{
    NF_CLEANUP(nf_str_done) struct nf_str key = { 0 };
    char token[NF_TOKEN_TEXT + 1];
    nf_random_token(token);
    if (mark_key(s, &key, NULL) != NF_OK)
        return false;
    const char *const words[] = { "SET", nf_str_c(&key), token, "NX" };
    return nf_redis_tell(&s->calls, words, only_if_none ? 4 : 3);
}

static NF_RC write_user(const struct nf_user *u, struct nf_str *to, struct nf_err *err)
{
    struct nf_json_out o;
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_put_i64(&o, "id", u->id);
    nf_json_put_str(&o, "name", u->name);
    nf_json_put_i64(&o, "role", u->role);
    nf_json_put_i64(&o, "lang", u->lang);
    nf_json_put_i64(&o, "created", u->created_ms);
    nf_json_put_str(&o, "zone", u->zone);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

static void put(struct nf_login_cache *port, const char *hash, const struct nf_login_mark *mark,
                const struct nf_user *u)
{
    struct nf_redis_store *s = store_of(port);
    NF_CLEANUP(nf_str_done) struct nf_str key = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str json = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str value = { 0 };
    struct nf_num_buf ttl;
    if (mark->text[0] == '\0') {
        (void)set_mark(s, true);
        return;
    }
    if (u->status != NF_USER_ACTIVE || key_of(s, hash, &key, NULL) != NF_OK ||
        write_user(u, &json, NULL) != NF_OK ||
        nf_str_addf(&value, NULL, "%s %s", mark->text, nf_str_c(&json)) != NF_OK)
        return;
    const char *const words[] = { "SET", nf_str_c(&key), nf_str_c(&value), "PX",
                                  nf_num(&ttl, NF_LOGIN_CACHED_MS) };
    (void)nf_redis_tell(&s->calls, words, 5);
}

static void forget(struct nf_login_cache *port)
{
    struct nf_redis_store *s = store_of(port);
    s->forget_until_us = nf_mono_us() + NF_LOGIN_CACHED_MS * INT64_C(1000);
    (void)set_mark(s, false);
}

/* What was told just before the connection was lost may not have arrived. */
void nf_redis_logins_catch_up(struct nf_redis_store *s)
{
    if (s->forget_until_us > nf_mono_us())
        (void)set_mark(s, false);
}

const struct nf_login_cache_ops nf_redis_logins_ops = { .get = get, .put = put, .forget = forget };
