/* Schedules of two people, and what is read of them. */
#pragma once

#include "tests/contract/fixture.h"

#define UNUSED __attribute__((unused))

#define HOUR INT64_C(3600000)
#define T0 (INT64_C(20000) * 24 * HOUR)
#define MAX 3
#define SESSION 10

UNUSED static const struct nf_schedule_place all = { 0 };

static struct nf_schedule_store *store(struct fixture *f)
{
    return f->s.schedules;
}

static void given_people(struct fixture *f)
{
    for (int64_t id = 1; id <= 2; id++) {
        struct nf_user u = {
            .id = id, .name = "Ada", .role = NF_USER_OWNER, .status = NF_USER_ACTIVE
        };
        struct nf_identity i = { .user_id = id, .channel = "local" };
        i.account[0] = (char)('0' + id);
        assert_ok(f->s.users->ops->create(f->s.users, &u, &i, &f->err), &f->err);
    }
    given_session(f, SESSION);
}

static struct nf_schedule hourly(struct fixture *f, int64_t id, int64_t user_id)
{
    struct nf_schedule_spec spec = { .id = id,
                                     .user_id = user_id,
                                     .kind = NF_SCHEDULE_PROMPT,
                                     .text = "what is new?",
                                     .expression = "0 * * * *",
                                     .missed = NF_MISSED_ALL,
                                     .missed_max = 7 };
    struct nf_schedule s;
    assert_ok(nf_schedule_init(&s, &spec, &nf_zone_utc, T0, &f->err), &f->err);
    memcpy(s.channel, "telegram", 9);
    memcpy(s.address, "77", 3);
    s.session_id = SESSION;
    s.shared = true;
    s.by_model = true;
    s.call_id = 1000 + id;
    memcpy(s.reason, "why", 4);
    return s;
}

static struct nf_schedule given(struct fixture *f, int64_t id, int64_t user_id)
{
    struct nf_schedule s = hourly(f, id, user_id);
    assert_ok(store(f)->ops->create(store(f), &s, MAX, &f->err), &f->err);
    return s;
}

UNUSED static struct nf_schedule read_back(struct fixture *f, int64_t id)
{
    struct nf_schedule s;
    assert_ok(store(f)->ops->get(store(f), id, 0, &s, &f->err), &f->err);
    return s;
}

/* The ids of a list, which is freed; what is damaged behind a "!". */
static const char *ids(struct nf_schedules *list)
{
    static char text[128];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < list->n; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%lld ", (long long)list->v[i].id);
    for (size_t i = 0; i < list->damaged_n; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "!%lld ", (long long)list->damaged[i].id);
    nf_schedules_done(list);
    return text;
}

UNUSED static const char *listed(struct fixture *f, const struct nf_schedule_filter *filter)
{
    struct nf_schedules list = { 0 };
    assert_ok(store(f)->ops->list(store(f), filter, &list, &f->err), &f->err);
    return ids(&list);
}

UNUSED static const char *due(struct fixture *f, int64_t now, size_t limit)
{
    struct nf_schedules list = { 0 };
    assert_ok(store(f)->ops->due(store(f), now, &all, limit, &list, &f->err), &f->err);
    return ids(&list);
}

UNUSED static const char *set_back(struct fixture *f, int64_t now)
{
    struct nf_schedules list = { 0 };
    assert_ok(store(f)->ops->ahead(store(f), now, 9, &list, &f->err), &f->err);
    return ids(&list);
}

UNUSED static struct nf_schedule_outlook outlook(struct fixture *f)
{
    struct nf_schedule_outlook o;
    assert_ok(store(f)->ops->outlook(store(f), &o, &f->err), &f->err);
    return o;
}
