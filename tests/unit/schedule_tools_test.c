#include "tools/schedule_tools.h"

#include "application/turn.h"
#include "tests/unit/schedule_rig.h"

struct tools_rig {
    struct world *w;
    struct nf_schedule_tools tools;
};

static int tools_setup(void **state)
{
    struct tools_rig *r = calloc(1, sizeof(*r));
    void *w;
    assert_non_null(r);
    (void)rig_setup(&w);
    r->w = w;
    nf_schedule_tools_init(&r->tools, &r->w->app, NULL);
    *state = r;
    return 0;
}

static int tools_teardown(void **state)
{
    struct tools_rig *r = *state;
    void *w = r->w;
    nf_schedule_tools_done(&r->tools);
    (void)rig_teardown(&w);
    free(r);
    return 0;
}

/* What a call answers; "" and the error in w->err. */
static const char *call(struct tools_rig *r, int64_t user_id, const char *name, const char *args)
{
    static char text[8192];
    struct nf_tool_outcome out = { 0 };
    struct nf_tool_call c = {
        .user_id = user_id, .task_id = nf_app_id(&r->w->app), .name = name, .args = args
    };
    text[0] = '\0';
    if (nf_tools_call(&r->tools.port, &c, &out, &r->w->err) == NF_OK)
        (void)snprintf(text, sizeof(text), "%s", nf_str_c(&out.text));
    nf_tool_outcome_done(&out);
    return text;
}

static void a_model_is_told_what_time_it_is_and_what_it_made(void **state)
{
    struct tools_rig *r = *state;
    const char *said =
        call(r, USER, "schedule_create", "{\"text\":\"tea\",\"when\":\"tomorrow at 9:00\"}");
    assert_non_null(strstr(said, "It is Fri 4 Oct 2024 00:00 now (UTC).\nMade "));
    assert_non_null(strstr(said, "09:00"));
    said = call(r, USER, "schedule_list", "{}");
    assert_non_null(strstr(said, "  tea\n"));
    assert_non_null(strstr(said, "(UTC)"));
}

static void what_costs_money_is_left_to_the_person(void **state)
{
    struct tools_rig *r = *state;
    const char *said = call(r, USER, "schedule_create",
                            "{\"text\":\"news?\",\"cron\":\"0 8 * * *\",\"action\":\"ask_me\"}");
    assert_non_null(strstr(said, "paused"));
    assert_non_null(strstr(said, "does not run yet"));
}

static void one_cancels_ones_own_only(void **state)
{
    struct tools_rig *r = *state;
    struct world *w = r->w;
    struct nf_schedule s = made(w, remind("tea", "in 5 minutes"));
    struct nf_user other;
    struct nf_identity i;
    char args[64];
    assert_ok(nf_user_init(&other, 8, "Bob", NF_USER_OWNER, w->now, &w->err), &w->err);
    assert_ok(nf_identity_init(&i, 8, "local", "bob", w->now, &w->err), &w->err);
    assert_ok(w->s.users->ops->create(w->s.users, &other, &i, &w->err), &w->err);

    (void)snprintf(args, sizeof(args), "{\"id\":\"%s\"}", nf_id_to_text(s.id).s);
    assert_string_equal(call(r, 8, "schedule_cancel", args), "");
    assert_int_equal(w->err.code, NF_E_NOT_FOUND);
    assert_null(strstr(call(r, 8, "schedule_list", "{}"), "tea"));
    assert_string_equal(call(r, USER, "schedule_cancel", args), "Cancelled: tea\n");
    assert_string_equal(call(r, USER, "schedule_cancel", args), "");
    assert_string_equal(call(r, USER, "schedule_cancel", "{\"id\":\"x\"}"), "");
    assert_non_null(strstr(w->err.msg, "id"));
}

static void many_that_are_done_hide_none(void **state)
{
    struct tools_rig *r = *state;
    struct world *w = r->w;
    struct nf_str said = { 0 };
    (void)made(w, hourly(NF_SCHEDULE_REMINDER));
    for (int i = 0; i < 51; i++) {
        struct nf_schedule s = made(w, remind("tea", "in 5 minutes"));
        assert_ok(nf_schedule_become(&s, NF_SCHEDULE_DONE, &nf_zone_utc, w->now, &w->err), &w->err);
        assert_ok(w->s.schedules->ops->update(w->s.schedules, &s, &w->err), &w->err);
    }
    assert_non_null(strstr(call(r, USER, "schedule_list", "{}"), "what is new?"));
    assert_ok(nf_say_schedules(&w->app, &w->user, false, "", &said, &w->err), &w->err);
    assert_non_null(strstr(nf_str_c(&said), "what is new?"));
    nf_str_done(&said);
}

static void they_are_offered_behind_those_of_skills_as_one_list(void **state)
{
    struct tools_rig *r = *state;
    struct nf_toolset *first = NULL, *second = NULL;
    struct nf_tool_info info;

    assert_ok(nf_tools_offer(&r->tools.port, USER, 1, &first, &r->w->err), &r->w->err);
    assert_ok(nf_tools_offer(&r->tools.port, USER, 2, &second, &r->w->err), &r->w->err);
    assert_ptr_equal(first, second);
    assert_int_equal(first->n, 3);
    for (size_t i = 0; i < first->n; i++) {
        assert_ok(nf_tools_find(&r->tools.port, USER, first->v[i].name, &info, &r->w->err),
                  &r->w->err);
        assert_int_equal(info.approval, NF_APPROVAL_NEVER);
    }
    nf_toolset_unref(first);
    nf_toolset_unref(second);
    r->w->app.settings.schedules.enabled = false;
    assert_ok(nf_tools_offer(&r->tools.port, USER, 1, &first, &r->w->err), &r->w->err);
    assert_null(first);
    assert_code(nf_tools_find(&r->tools.port, USER, "schedule_list", &info, &r->w->err),
                NF_E_NOT_FOUND);
}

#define RIG(test) cmocka_unit_test_setup_teardown(test, tools_setup, tools_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(a_model_is_told_what_time_it_is_and_what_it_made),
        RIG(what_costs_money_is_left_to_the_person),
        RIG(one_cancels_ones_own_only),
        RIG(many_that_are_done_hide_none),
        RIG(they_are_offered_behind_those_of_skills_as_one_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
