/* The presenter against a chat network in memory that refuses, loses its answers, and is watched by
 * somebody who counts what a person sees. */
#include "application/present_run.h"

#include "application/deliver_reply.h"
#include "base/own.h"
#include "persistence/memory/memory.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN_MS INT64_C(5000)
#define PART 20 /* bytes of a message of this network */
#define MESSAGES 64
#define LEASE_MS INT64_C(8000)

struct message {
    bool there;
    char text[PART + 1];
    char reply_to[8];
    bool rings;
};

struct world {
    struct nf_chat chat;
    struct nf_clock clock;
    struct nf_app app;
    struct nf_stores s;
    struct nf_outbox_store outbox;
    bool ahead; /* an earlier reply is on its way */
    bool hush;  /* nothing more is to be shown, from the next look on */
    int looks;  /* whether one is */
    struct nf_presenting p;
    struct nf_idgen ids;
    struct nf_chat_caps caps;
    int64_t now, run_id;
    struct message v[MESSAGES];
    size_t n;
    int sends, edits, typings, documents;
    int calls;          /* of any kind */
    int fail_at;        /* the call of this number fails, from 1; 0: none */
    bool after;         /* ... after the network has done it */
    bool file_of_other; /* another instance has sent the file meanwhile */
    int removed_files;
    int frozen_at; /* the edit of this number is made when our lease is over, from 1 */
    int agains;
    bool away; /* the database */
    struct nf_instance_store instances;
    int other_at; /* while the send of this number is under way another instance does all, from 1 */
    enum nf_code fail;
    struct nf_err err;
};

static struct world *world_of(struct nf_chat *c)
{
    return nf_container_of(c, struct world, chat);
}

static int64_t fake_now(struct nf_clock *c)
{
    return nf_container_of(c, struct world, clock)->now;
}

static int64_t fake_mono(struct nf_clock *c)
{
    return nf_container_of(c, struct world, clock)->now * 1000;
}

static void caps(struct nf_chat *c, const char *address, struct nf_chat_caps *ret)
{
    assert_string_equal(address, "42");
    *ret = world_of(c)->caps;
}

static enum nf_code parts(struct nf_chat *c, const char *markdown, size_t *ret, struct nf_err *err)
{
    size_t n = strlen(markdown);
    (void)c;
    (void)err;
    *ret = n ? (n + PART - 1) / PART : 1;
    return NF_OK;
}

/* Whether this call shall fail now: before or after it was done. */
static bool fails(struct world *w, bool after)
{
    if (!after)
        w->calls++;
    return w->fail_at == w->calls && w->after == after;
}

static enum nf_code refuse(struct world *w, struct nf_err *err)
{
    return nf_err_set(err, w->fail, "the network says no");
}

static void write_text(struct message *m, const struct nf_chat_post *p)
{
    size_t at = p->part * PART;
    assert_true(at <= strlen(p->markdown));
    (void)snprintf(m->text, sizeof(m->text), "%.*s", PART, p->markdown + at);
}

static enum nf_code reply(struct world *w, const char *text);

static enum nf_code send_post(struct nf_chat *c, const struct nf_chat_post *p,
                              char ref[NF_CHAT_REF_MAX + 1], struct nf_err *err)
{
    struct world *w = world_of(c);
    if (fails(w, false))
        return refuse(w, err);
    if (++w->sends == w->other_at) /* we stand still, are taken for dead, and go on */
        assert_ok(reply(w, "from the other"), err);
    struct message *m = &w->v[w->n++];
    assert_true(w->n < MESSAGES);
    *m = (struct message){ .there = true, .rings = !p->silent };
    (void)snprintf(m->reply_to, sizeof(m->reply_to), "%s", p->reply_to);
    write_text(m, p);
    (void)snprintf(ref, NF_CHAT_REF_MAX + 1, "%zu", w->n - 1);
    return fails(w, true) ? refuse(w, err) : NF_OK;
}

static struct message *at(struct world *w, const char *ref)
{
    return &w->v[strtoul(ref, NULL, 10)];
}

static enum nf_code edit(struct nf_chat *c, const struct nf_chat_post *p, const char *ref,
                         struct nf_err *err)
{
    struct world *w = world_of(c);
    if (fails(w, false))
        return refuse(w, err);
    if (++w->edits == w->frozen_at) { /* and meanwhile another instance has brought the reply */
        w->now += LEASE_MS;
        w->frozen_at = 0;
        assert_ok(reply(w, "from the other"), err);
    }
    if (!at(w, ref)->there)
        return nf_err_set(err, NF_E_NOT_FOUND, "message to edit not found");
    write_text(at(w, ref), p);
    return fails(w, true) ? refuse(w, err) : NF_OK;
}

static enum nf_code remove_post(struct nf_chat *c, const char *address, const char *ref,
                                struct nf_err *err)
{
    struct world *w = world_of(c);
    (void)address;
    if (fails(w, false))
        return refuse(w, err);
    if (strcmp(ref, "file") == 0)
        w->removed_files++;
    else
        at(w, ref)->there = false;
    return fails(w, true) ? refuse(w, err) : NF_OK;
}

static enum nf_code document(struct nf_chat *c, const struct nf_chat_post *p,
                             char ref[NF_CHAT_REF_MAX + 1], struct nf_err *err)
{
    struct world *w = world_of(c);
    (void)p;
    if (fails(w, false))
        return refuse(w, err);
    w->documents++;
    if (w->file_of_other)
        assert_ok(w->s.chats->ops->put(w->s.chats, w->run_id, NF_CHAT_DOCUMENT, "its file", 1, err),
                  err);
    (void)snprintf(ref, NF_CHAT_REF_MAX + 1, "file");
    return fails(w, true) ? refuse(w, err) : NF_OK;
}

static enum nf_code typing(struct nf_chat *c, const char *address, struct nf_err *err)
{
    (void)address;
    (void)err;
    world_of(c)->typings++;
    return NF_OK;
}

static enum nf_code fake_ahead(struct nf_outbox_store *s, int64_t run_id, bool *ret,
                               struct nf_err *err)
{
    struct world *w = nf_container_of(s, struct world, outbox);
    (void)err;
    assert_true(run_id == w->run_id);
    w->looks++;
    *ret = w->ahead;
    w->p.quiet = w->p.quiet || w->hush;
    return NF_OK;
}

static enum nf_code fake_again(struct nf_outbox_store *s, int64_t id, int64_t run_id,
                               int64_t now_ms, struct nf_err *err)
{
    struct world *w = nf_container_of(s, struct world, outbox);
    (void)id, (void)now_ms;
    assert_true(run_id == w->run_id);
    if (w->away)
        return nf_err_set(err, NF_E_UNAVAILABLE, "away");
    w->agains++;
    return NF_OK;
}

static int setup(void **state)
{
    static const struct nf_chat_ops ops = { .caps = caps,
                                            .parts = parts,
                                            .send = send_post,
                                            .edit = edit,
                                            .remove = remove_post,
                                            .document = document,
                                            .typing = typing };
    static const struct nf_outbox_store_ops outbox = { .ahead = fake_ahead, .again = fake_again };
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    *state = w;
    w->now = NF_ID_EPOCH_MS + 1000000;
    w->chat = (struct nf_chat){ .ops = &ops, .name = "telegram" };
    w->clock.now_ms = fake_now;
    w->clock.mono_us = fake_mono;
    w->caps =
        (struct nf_chat_caps){ .edit_every_ms = 1000, .typing_every_ms = 4000, .parts_max = 3 };
    assert_ok(nf_memory_store_new(&w->s, &w->err), &w->err);
    w->app = (struct nf_app){ .clock = &w->clock,
                              .ids = &w->ids,
                              .chats = w->s.chats,
                              .sessions = w->s.sessions,
                              .outbox = &w->outbox };
    w->outbox.ops = &outbox;
    w->run_id = nf_app_id(&w->app);
    nf_presenting_init(&w->p, &w->app, &w->chat, w->run_id, "42", NF_LANG_EN);
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    nf_fail_alloc_at(0);
    nf_presenting_done(&w->p);
    nf_stores_done(&w->s);
    free(w);
    return 0;
}

static void say(struct world *w, const char *text)
{
    nf_presenting_take(&w->p,
                       &(struct nf_run_event){ .type = NF_RUN_TEXT, .text = nf_slice_of(text) });
}

static void begin_text(struct world *w)
{
    nf_presenting_take(&w->p, &(struct nf_run_event){ .type = NF_RUN_TEXT_START });
}

/* Let everything happen that is due until `ms` have gone by. Bounded: a presenter that never waits
 * fails the test. */
static void pass(struct world *w, int64_t ms)
{
    int64_t until = w->now + ms, wait;
    for (int i = 0; i < 200; i++) {
        assert_ok(nf_presenting_step(&w->p, &wait, &w->err), &w->err);
        if (wait < 0 || w->now + wait > until) {
            w->now = until;
            return;
        }
        w->now += wait;
    }
    fail_msg("it never waits");
}

/* What a person sees, the messages between bars. */
static const char *seen(const struct world *w)
{
    static char text[MESSAGES * (PART + 2)];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < w->n; i++)
        if (w->v[i].there)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? "|" : "", w->v[i].text);
    return text;
}

static enum nf_code reply(struct world *w, const char *text)
{
    char content[512];
    (void)snprintf(content, sizeof(content), "%s", text);
    struct nf_message m = { .role = NF_ROLE_ASSISTANT, .content = content };
    struct nf_outbox_item item = { .run_id = w->run_id, .created_ms = w->now, .address = "42" };
    return nf_present_reply(&w->app, &w->chat, &item, &m, NF_LANG_EN, &w->err);
}

static void the_first_text_comes_when_it_is_worth_it(void **state)
{
    struct world *w = *state;
    begin_text(w);
    say(w, "Hi");
    pass(w, 600);
    assert_string_equal(seen(w), "");
    assert_int_equal(w->typings, 1);
    pass(w, 200);
    assert_string_equal(seen(w), "Hi");
    assert_true(w->v[0].rings);
}

static void edits_keep_the_pace_and_show_the_newest(void **state)
{
    struct world *w = *state;
    begin_text(w);
    pass(w, 700);
    for (int i = 0; i < 40; i++) {
        say(w, ".");
        pass(w, 100);
    }
    assert_string_equal(seen(w), "....................|....................");
    assert_in_range(w->edits, 3, 8);
}

static void a_run_without_news_waits(void **state)
{
    struct world *w = *state;
    int64_t wait;
    w->caps.typing_every_ms = 0;
    assert_ok(nf_presenting_step(&w->p, &wait, &w->err), &w->err);
    assert_int_equal(wait, -1);
    assert_int_equal(w->calls, 0);
}

static void what_would_overtake_an_earlier_reply_waits_for_it(void **state)
{
    struct world *w = *state;
    w->ahead = true;
    begin_text(w);
    say(w, "Hi");
    pass(w, 5000);
    assert_string_equal(seen(w), "");
    assert_in_range(w->looks, 2, 12);

    w->ahead = false;
    w->hush = true; /* it ends while it looks */
    pass(w, NF_PRESENT_BEHIND_MS);
    assert_string_equal(seen(w), "");
    w->hush = w->p.quiet = false;
    pass(w, NF_PRESENT_BEHIND_MS);
    assert_string_equal(seen(w), "Hi");
    int looks = w->looks;
    say(w, " there");
    pass(w, 2000);
    assert_string_equal(seen(w), "Hi there");
    assert_int_equal(w->looks, looks);
}

static void typing_goes_on_while_the_model_thinks(void **state)
{
    struct world *w = *state;
    pass(w, 20000);
    assert_int_equal(w->typings, 6);
    assert_int_equal(w->sends, 0);
}

static void tools_are_shown_with_how_they_go(void **state)
{
    struct world *w = *state;
    begin_text(w);
    nf_presenting_take(
        &w->p, &(struct nf_run_event){ .type = NF_RUN_TOOL_START, .call_id = "c", .name = "web" });
    pass(w, 1000);
    assert_string_equal(seen(w), "\xE2\x8F\xB3 `web`");
    nf_presenting_take(&w->p, &(struct nf_run_event){ .type = NF_RUN_TOOL_PROGRESS,
                                                      .call_id = "c",
                                                      .percent = 40,
                                                      .text = NF_SLICE("a") });
    pass(w, 2000);
    assert_string_equal(seen(w), "\xE2\x8F\xB3 `web` 40 % `a`");
    nf_presenting_take(&w->p, &(struct nf_run_event){
                                  .type = NF_RUN_TOOL_RESULT, .call_id = "c", .is_error = true });
    pass(w, 2000);
    assert_string_equal(seen(w), "\xE2\x9C\x97 `web`");
}

static void the_reply_takes_the_place_of_what_was_shown(void **state)
{
    struct world *w = *state;
    begin_text(w);
    say(w, "a text of two messages, nearly");
    pass(w, 5000);
    assert_string_equal(seen(w), "a text of two messag|es, nearly");
    assert_ok(reply(w, "short"), &w->err);
    assert_string_equal(seen(w), "short");
    assert_int_equal(w->sends, 2);
}

static void a_reply_that_nobody_watched_is_sent_whole(void **state)
{
    struct world *w = *state;
    assert_ok(w->s.chats->ops->put(w->s.chats, w->run_id, NF_CHAT_ASKED, "q7", 1, &w->err),
              &w->err);
    assert_ok(reply(w, "twenty characters ..and ten"), &w->err);
    assert_string_equal(seen(w), "twenty characters ..|and ten");
    assert_string_equal(w->v[0].reply_to, "q7");
    assert_string_equal(w->v[1].reply_to, "");
}

/* Each of us may send the placeholder that the other has sent before: who comes later takes the own
 * one away and goes on with the other's. */
static void an_instance_that_stood_still_does_not_double_the_reply(void **state)
{
    struct world *w = *state;
    w->other_at = 1;
    assert_ok(reply(w, "from the other"), &w->err);
    assert_string_equal(seen(w), "from the other");
    assert_int_equal(w->sends, 2);
}

static void nor_does_it_show_its_text_beside_the_reply(void **state)
{
    struct world *w = *state;
    w->other_at = 1;
    begin_text(w);
    say(w, "what it had so far");
    nf_presenting_take(&w->p, &(struct nf_run_event){ .type = NF_RUN_TEXT_START });
    say(w, "from the other");
    pass(w, 3000);
    assert_string_equal(seen(w), "from the other");
    assert_int_equal(w->sends, 2);
}

/* One of several, whose leases were kept just now. */
static void given_lease(struct world *w)
{
    w->app.instances = &w->instances;
    w->app.settings.lease_ms = LEASE_MS;
    nf_app_held(&w->app, fake_mono(&w->clock));
}

static void who_may_have_been_taken_over_shows_nothing(void **state)
{
    struct world *w = *state;
    given_lease(w);
    begin_text(w);
    say(w, "Hi");
    pass(w, 800);
    assert_string_equal(seen(w), "Hi");

    say(w, " there");
    w->now += LEASE_MS;
    pass(w, 3000);
    assert_string_equal(seen(w), "Hi");
    assert_ok(nf_presenting_settle(&w->p, &w->err), &w->err);
    assert_int_equal(w->agains, 0);

    nf_app_held(&w->app, fake_mono(&w->clock)); /* nobody has taken it: the database was away */
    pass(w, 1000);
    assert_string_equal(seen(w), "Hi there");
}

/* The older text stands where the reply was: there is no network that could have refused it. */
static void an_edit_that_came_behind_the_reply_lets_it_be_brought_again(void **state)
{
    struct world *w = *state;
    given_lease(w);
    begin_text(w);
    say(w, "Hi");
    pass(w, 800);
    say(w, " there");
    w->frozen_at = w->edits + 1;
    pass(w, 3000);
    assert_string_equal(seen(w), "Hi there");

    assert_ok(nf_presenting_settle(&w->p, &w->err), &w->err);
    assert_ok(nf_presenting_settle(&w->p, &w->err), &w->err);
    assert_int_equal(w->agains, 1);
    assert_ok(reply(w, "from the other"), &w->err);
    assert_string_equal(seen(w), "from the other");
}

static void what_is_owed_is_brought_when_the_database_is_back(void **state)
{
    struct world *w = *state;
    given_lease(w);
    begin_text(w);
    w->frozen_at = w->edits + 1;
    say(w, "Hi");
    pass(w, 800);
    w->away = true;

    assert_ok(nf_presenting_settle(&w->p, &w->err), &w->err);
    assert_code(nf_bring_owed(&w->app, &w->err), NF_E_UNAVAILABLE);
    assert_int_equal(w->agains, 0);
    w->away = false;
    assert_ok(nf_bring_owed(&w->app, &w->err), &w->err);
    assert_ok(nf_bring_owed(&w->app, &w->err), &w->err);
    assert_int_equal(w->agains, 1);
}

static void nor_does_it_send_a_second_file(void **state)
{
    struct world *w = *state;
    char longer[6 * PART + 1];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    w->file_of_other = true;
    assert_ok(reply(w, longer), &w->err);
    assert_int_equal(w->documents, 1);
    assert_int_equal(w->removed_files, 1);
}

static void a_reply_that_took_long_rings(void **state)
{
    struct world *w = *state;
    begin_text(w);
    say(w, "what was said first");
    pass(w, NF_PRESENT_LATE_MS + 1);
    assert_ok(reply(w, "at last"), &w->err);
    assert_string_equal(seen(w), "at last");
    assert_false(w->v[0].there);
    assert_true(w->v[w->n - 1].rings);
}

static void a_long_reply_comes_as_a_file(void **state)
{
    struct world *w = *state;
    char text[PART * 3 + 2];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_ok(reply(w, text), &w->err);
    assert_int_equal(w->documents, 1);
    assert_ok(reply(w, text), &w->err);
    assert_int_equal(w->documents, 1);
    text[(size_t)PART * 3] = '\0';
    assert_ok(reply(w, text), &w->err);
    assert_string_equal(seen(w), "xxxxxxxxxxxxxxxxxxxx|xxxxxxxxxxxxxxxxxxxx|xxxxxxxxxxxxxxxxxxxx");
}

static void a_deleted_message_is_sent_anew(void **state)
{
    struct world *w = *state;
    begin_text(w);
    say(w, "shown");
    pass(w, 2000);
    w->v[0].there = false;
    assert_ok(reply(w, "reply"), &w->err);
    assert_string_equal(seen(w), "reply");
}

static void a_network_that_refuses_ends_the_showing_and_not_the_reply(void **state)
{
    struct world *w = *state;
    w->fail_at = 1;
    w->fail = NF_E_DENIED;
    begin_text(w);
    say(w, "shown");
    pass(w, 5000);
    assert_int_equal(w->calls, 1);
    assert_ok(reply(w, "reply"), &w->err);
    assert_string_equal(seen(w), "reply");
}

static void a_network_without_room_is_asked_again(void **state)
{
    struct world *w = *state;
    w->fail_at = 2;
    w->fail = NF_E_LIMIT;
    begin_text(w);
    say(w, "shown");
    pass(w, 5000);
    assert_string_equal(seen(w), "shown");
}

static bool is_placeholder(const char *text)
{
    return strcmp(text, "\xE2\x80\xA6") == 0;
}

/* Whatever call fails, before or after the network did it, and whatever was shown before: tried
 * again the reply is there once, and at most placeholders are left over. */
static void no_failure_loses_or_doubles_a_reply(void **state)
{
    static const enum nf_code codes[] = { NF_E_UNAVAILABLE, NF_E_CONFLICT, NF_E_CANCELED };
    int cases = 0;
    for (int shown = 0; shown < 2; shown++)
        for (int after = 0; after < 2; after++)
            for (size_t c = 0; c < sizeof(codes) / sizeof(*codes); c++)
                for (int call = 1; call < 12; call++) {
                    teardown(state);
                    setup(state);
                    struct world *w = *state;
                    if (shown) {
                        begin_text(w);
                        say(w, "this was said before, at length");
                        pass(w, 4000);
                    }
                    w->fail_at = w->calls + call;
                    w->after = after;
                    w->fail = codes[c];
                    enum nf_code rc = reply(w, "twenty characters ..and ten");
                    if (rc != NF_OK) {
                        /* That nobody knows about a placeholder is no reason to give up. */
                        if (codes[c] != NF_E_CONFLICT || rc != NF_E_UNAVAILABLE)
                            assert_code(rc, codes[c]);
                        assert_ok(reply(w, "twenty characters ..and ten"), &w->err);
                    }
                    int firsts = 0, seconds = 0;
                    for (size_t i = 0; i < w->n; i++) {
                        if (!w->v[i].there)
                            continue;
                        bool first = strcmp(w->v[i].text, "twenty characters ..") == 0;
                        bool second = strcmp(w->v[i].text, "and ten") == 0;
                        assert_true(first || second || is_placeholder(w->v[i].text));
                        firsts += first;
                        seconds += second;
                    }
                    assert_int_equal(firsts, 1);
                    assert_int_equal(seconds, 1);
                    cases++;
                }
    assert_int_equal(cases, 132);
}

static void out_of_memory_loses_nothing(void **state)
{
    for (size_t n = 1;; n++) {
        teardown(state);
        setup(state);
        struct world *w = *state;
        nf_fail_alloc_at(n);
        enum nf_code rc = reply(w, "twenty characters ..and ten");
        nf_fail_alloc_at(0);
        assert_true(n < 100);
        if (rc == NF_OK)
            return;
        assert_code(rc, NF_E_NOMEM);
        assert_ok(reply(w, "twenty characters ..and ten"), &w->err);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_text_comes_when_it_is_worth_it),
        TEST(edits_keep_the_pace_and_show_the_newest),
        TEST(a_run_without_news_waits),
        TEST(what_would_overtake_an_earlier_reply_waits_for_it),
        TEST(typing_goes_on_while_the_model_thinks),
        TEST(tools_are_shown_with_how_they_go),
        TEST(the_reply_takes_the_place_of_what_was_shown),
        TEST(a_reply_that_nobody_watched_is_sent_whole),
        TEST(an_instance_that_stood_still_does_not_double_the_reply),
        TEST(nor_does_it_show_its_text_beside_the_reply),
        TEST(nor_does_it_send_a_second_file),
        TEST(a_reply_that_took_long_rings),
        TEST(a_long_reply_comes_as_a_file),
        TEST(who_may_have_been_taken_over_shows_nothing),
        TEST(an_edit_that_came_behind_the_reply_lets_it_be_brought_again),
        TEST(what_is_owed_is_brought_when_the_database_is_back),
        TEST(a_deleted_message_is_sent_anew),
        TEST(a_network_that_refuses_ends_the_showing_and_not_the_reply),
        TEST(a_network_without_room_is_asked_again),
        TEST(no_failure_loses_or_doubles_a_reply),
        TEST(out_of_memory_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
