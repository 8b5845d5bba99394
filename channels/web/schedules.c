/* REST: schedules and their runs. */
#include "application/manage_schedules.h"
#include "application/run_schedules.h"
#include "channels/web/web_internal.h"
#include "domain/when.h"

#include <string.h>

#define BODY_MAX ((size_t)8 << 20) /* of the answers: a page of schedules with their texts */

/* --- what is sent ----------------------------------------------------------------------------- */

/* When it runs, in words, and the next runs as moments and as the clock there shows them. */
static NF_RC put_times(struct nf_json_out *o, struct nf_app *a, const struct nf_schedule *s,
                       struct nf_err *err)
{
    int64_t next[NF_SCHEDULE_NEXT_SHOWN];
    const struct nf_zone *zone = &nf_zone_utc;
    size_t n = 0;
    struct nf_err ignored;

    nf_json_out_key(o, "words");
    nf_json_out_object(o);
    for (enum nf_lang l = NF_LANG_EN; l <= NF_LANG_RU; l++) {
        NF_CLEANUP(nf_str_done) struct nf_str words = { 0 };
        if (nf_schedule_say(a, s, l, &words, &ignored) != NF_OK)
            NF_TRY(nf_str_set(&words, s->expression, err));
        nf_json_put_str(o, nf_lang_name(l), nf_str_c(&words));
    }
    nf_json_out_end(o);
    (void)!nf_schedule_next(a, s, &zone, next, &n, &ignored); /* a zone may have gone: none */
    nf_json_out_key(o, "next");
    nf_json_out_array(o);
    for (size_t i = 0; i < n; i++) {
        nf_json_out_object(o);
        nf_web_put_time(o, "at", next[i]);
        nf_json_put_str(o, "local", nf_zone_show(zone, next[i], NF_LANG_EN).s);
        nf_json_out_end(o);
    }
    nf_json_out_end(o);
    return NF_OK;
}

/* The name of a user. *last is who was asked for last: most of a page are one person's. */
static const char *name_of(struct nf_app *a, int64_t user_id, struct nf_user *last)
{
    struct nf_err ignored;
    if (last->id != user_id && a->users->ops->get(a->users, user_id, last, &ignored) != NF_OK)
        *last = (struct nf_user){ .id = user_id };
    return last->name;
}

/* A run that failed has its turn's reason. */
static void put_reason(struct nf_json_out *o, const char *reason)
{
    struct nf_slice text = nf_slice_of(reason);
    nf_json_out_key(o, "reason");
    nf_json_out_str(o, text.n > 0 ? reason : NULL);
    if (!nf_web_put_said(o, "reason_code", "reason_values", &nf_schedule_sayings, text))
        (void)nf_web_put_said(o, "reason_code", "reason_values", &nf_turn_sayings, text);
}

static NF_RC put_schedule(struct nf_json_out *o, struct nf_app *a, const struct nf_schedule *s,
                          struct nf_user *last, struct nf_err *err)
{
    nf_json_out_object(o);
    nf_web_put_id(o, "id", s->id);
    nf_web_put_id(o, "user_id", s->user_id);
    nf_json_put_str(o, "user", name_of(a, s->user_id, last));
    nf_json_put_str(o, "kind", nf_schedule_kind_name(s->kind));
    nf_json_put_str(o, "status", nf_schedule_status_name(s->status));
    nf_json_put_str(o, "text", s->text);
    nf_json_out_key(o, "cron");
    nf_json_out_str(o, s->expression[0] ? s->expression : NULL);
    nf_web_put_time(o, "at", s->at_ms);
    nf_json_put_str(o, "time_zone", s->zone);
    nf_json_put_str(o, "missed", nf_missed_name(s->missed));
    nf_json_put_i64(o, "missed_max", s->missed_max);
    nf_json_out_key(o, "session_id");
    nf_json_out_str(o, s->session_id ? nf_id_to_text(s->session_id).s : NULL);
    nf_json_put_str(o, "channel", s->channel);
    nf_web_put_time(o, "next_at", s->next_ms);
    nf_web_put_time(o, "last_at", s->last_ms);
    nf_web_put_time(o, "created_at", s->created_ms);
    nf_json_put_bool(o, "by_model", s->by_model);
    put_reason(o, s->reason);
    NF_TRY(put_times(o, a, s, err));
    nf_json_out_end(o);
    return NF_OK;
}

static NF_RC answer(struct nf_web *w, struct nf_http_exchange *x, int status,
                    const struct nf_schedule *s, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = BODY_MAX };
    struct nf_user last = nf_web_who(x)->user;
    struct nf_json_out o;

    nf_json_begin_doc(&o, &body);
    NF_TRY(put_schedule(&o, w->o.app, s, &last, err));
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, status, &body, err);
}

static void put_run(struct nf_json_out *o, const struct nf_schedule_run *r)
{
    nf_json_out_object(o);
    nf_web_put_time(o, "due_at", r->due_ms);
    nf_web_put_time(o, "fired_at", r->fired_ms);
    nf_json_put_str(o, "outcome", nf_schedule_outcome_name(r->outcome));
    nf_json_out_key(o, "task_id");
    nf_json_out_str(o, r->run_id ? nf_id_to_text(r->run_id).s : NULL);
    nf_json_put_i64(o, "tokens", r->tokens);
    nf_json_put_bool(o, "by_hand", r->by_hand);
    put_reason(o, r->reason);
    nf_json_out_end(o);
}

/* --- what is asked for ------------------------------------------------------------------------ */

struct wish_body {
    char *kind, *text, *when, *cron, *time_zone, *missed, *session_id;
    int64_t missed_max;
};
static const struct nf_json_field wish_fields[] = {
    NF_JSON_FIELD(struct wish_body, "kind", NF_JSON_F_STR, kind, 0, 1, 16),
    NF_JSON_FIELD(struct wish_body, "text", NF_JSON_F_STR, text, 0, 1, NF_SCHEDULE_TEXT_MAX),
    NF_JSON_FIELD(struct wish_body, "when", NF_JSON_F_STR, when, NF_JSON_NULLABLE, 1, NF_WHEN_MAX),
    NF_JSON_FIELD(struct wish_body, "cron", NF_JSON_F_STR, cron, NF_JSON_NULLABLE, 1, NF_CRON_MAX),
    NF_JSON_FIELD(struct wish_body, "time_zone", NF_JSON_F_STR, time_zone, NF_JSON_NULLABLE, 1,
                  NF_ZONE_NAME_MAX),
    NF_JSON_FIELD(struct wish_body, "missed", NF_JSON_F_STR, missed, 0, 1, 16),
    NF_JSON_FIELD(struct wish_body, "missed_max", NF_JSON_F_I64, missed_max, 0, 1,
                  NF_SCHEDULE_MISSED_MAX),
    NF_JSON_FIELD(struct wish_body, "session_id", NF_JSON_F_STR, session_id, NF_JSON_NULLABLE, 1,
                  NF_ID_TEXT),
};
static const struct nf_json_table wish_table = { wish_fields, NF_COUNT(wish_fields), false };

static void wish_done(struct wish_body *b)
{
    nf_json_table_done(&wish_table, b);
}

/* *w borrows from *b. */
static NF_RC read_wish(const struct nf_http_exchange *x, struct wish_body *b,
                       struct nf_schedule_wish *w, struct nf_err *err)
{
    NF_TRY(nf_web_read_body(x, &wish_table, b, err));
    *w = (struct nf_schedule_wish){ .kind = NF_SCHEDULE_REMINDER,
                                    .text = b->text,
                                    .when = b->when,
                                    .cron = b->cron,
                                    .zone = b->time_zone,
                                    .missed_max = b->missed_max };
    if (b->kind && !nf_schedule_kind_from_name(b->kind, &w->kind))
        return nf_err_set(err, NF_E_INVALID, "kind: not reminder or prompt");
    if (b->missed && !nf_missed_from_name(b->missed, &w->missed))
        return nf_err_set(err, NF_E_INVALID, "missed: not skip, once or all");
    if (b->session_id && !nf_id_from_text(b->session_id, strlen(b->session_id), &w->session_id))
        return nf_err_set(err, NF_E_INVALID, "session_id: not an id");
    return NF_OK;
}

/* --- routes ----------------------------------------------------------------------------------- */

static NF_RC read_filter(const struct nf_http_exchange *x, struct nf_schedule_filter *f,
                         struct nf_err *err)
{
    struct nf_slice status = nf_http_query(x, "status", NULL);

    NF_TRY(nf_web_read_page(x, &f->before_id, &f->limit, err));
    for (int s = NF_SCHEDULE_ACTIVE; status.n > 0 && s <= NF_SCHEDULE_DONE; s++)
        if (nf_slice_eq(status, nf_schedule_status_name((enum nf_schedule_status)s)))
            f->status = (enum nf_schedule_status)s;
    if (status.n > 0 && f->status == 0)
        return nf_err_set(err, NF_E_INVALID, "status: not active, paused or done");
    return NF_OK;
}

enum nf_code nf_web_schedules(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_schedules_done) struct nf_schedules list = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = BODY_MAX };
    struct nf_schedule_filter f = { 0 };
    struct nf_user last = nf_web_who(x)->user;
    struct nf_json_out o;

    NF_TRY(read_filter(x, &f, err));
    NF_TRY(nf_schedule_list(w->o.app, &nf_web_who(x)->user, &f, &list, err));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_out_key(&o, "schedules");
    nf_json_out_array(&o);
    for (size_t i = 0; i < list.n; i++)
        NF_TRY(put_schedule(&o, w->o.app, &list.v[i], &last, err));
    nf_json_out_end(&o);
    nf_web_put_next(&o, nf_schedules_rows(&list) == f.limit, list.last.id);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}

enum nf_code nf_web_schedule_create(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(wish_done) struct wish_body b = { 0 };
    struct nf_schedule_wish wish;
    struct nf_schedule s;

    NF_TRY(read_wish(x, &b, &wish, err));
    NF_TRY(nf_schedule_create(w->o.app, &nf_web_who(x)->user, &wish, &s, err));
    return answer(w, x, 201, &s, err);
}

enum nf_code nf_web_schedule_preview(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(wish_done) struct wish_body b = { 0 };
    struct nf_schedule_wish wish;
    struct nf_schedule s;

    NF_TRY(read_wish(x, &b, &wish, err));
    if (!wish.text) /* it may not be written yet */
        wish.text = "-";
    NF_TRY(nf_schedule_preview(w->o.app, &nf_web_who(x)->user, &wish, &s, err));
    return answer(w, x, 200, &s, err);
}

/* Do it to the schedule of the path, and answer what it is then. */
static NF_RC with_one(struct nf_web *w, struct nf_http_exchange *x,
                      enum nf_code (*does)(struct nf_app *a, const struct nf_user *who, int64_t id,
                                           struct nf_schedule *ret, struct nf_err *err),
                      struct nf_err *err)
{
    struct nf_schedule s;
    int64_t id;

    NF_TRY(nf_web_path_id(x, &id, err));
    NF_TRY(does(w->o.app, &nf_web_who(x)->user, id, &s, err));
    return answer(w, x, 200, &s, err);
}

enum nf_code nf_web_schedule_get(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    return with_one(arg, x, nf_schedule_show, err);
}

enum nf_code nf_web_schedule_patch(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(wish_done) struct wish_body b = { 0 };
    struct nf_schedule_wish wish;
    struct nf_schedule s;
    int64_t id;

    NF_TRY(nf_web_path_id(x, &id, err));
    NF_TRY(read_wish(x, &b, &wish, err));
    if (b.kind || b.session_id)
        return nf_err_set(err, NF_E_INVALID, "kind and session_id stay: make another schedule");
    NF_TRY(nf_schedule_change(w->o.app, &nf_web_who(x)->user, id, &wish, &s, err));
    return answer(w, x, 200, &s, err);
}

enum nf_code nf_web_schedule_delete(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    int64_t id;

    NF_TRY(nf_web_path_id(x, &id, err));
    NF_TRY(nf_schedule_remove(w->o.app, &nf_web_who(x)->user, id, err));
    return nf_http_respond(x, 204, NULL, "", 0, err);
}

enum nf_code nf_web_schedule_pause(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    return with_one(arg, x, nf_schedule_pause, err);
}

enum nf_code nf_web_schedule_resume(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    return with_one(arg, x, nf_schedule_resume, err);
}

enum nf_code nf_web_schedule_run(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_schedule_run r;
    struct nf_json_out o;
    int64_t id;

    NF_TRY(nf_web_path_id(x, &id, err));
    NF_TRY(nf_schedule_run_now(w->o.app, &nf_web_who(x)->user, id, &r, err));
    nf_json_begin_doc(&o, &body);
    put_run(&o, &r);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 202, &body, err);
}

enum nf_code nf_web_schedule_runs(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_schedule_runs_done) struct nf_schedule_runs list = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = BODY_MAX };
    struct nf_json_out o;
    int64_t id, before;
    size_t limit;

    NF_TRY(nf_web_path_id(x, &id, err));
    NF_TRY(nf_web_read_page(x, &before, &limit, err));
    NF_TRY(nf_schedule_history(w->o.app, &nf_web_who(x)->user, id, before, limit, &list, err));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_out_key(&o, "runs");
    nf_json_out_array(&o);
    for (size_t i = 0; i < list.n; i++)
        put_run(&o, &list.v[i]);
    nf_json_out_end(&o);
    nf_web_put_next(&o, list.n == limit, list.n > 0 ? list.v[list.n - 1].due_ms : 0);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}
