/* What people write in chats, as the model reads it: quotes, authors, files, edits, and messages
 * that join a turn that runs. */
#include "application/commands.h"
#include "channels/chat/content.h"
#include "tests/unit/chat_rig.h"

#define PNG "\x89PNG\r\n\x1A\n...."

static struct nf_chat_file file(const char *name, const char *bytes, size_t n)
{
    return (struct nf_chat_file){
        .name = name, .media_type = "", .data = (const unsigned char *)bytes, .n = n
    };
}

/* What becomes of a message; freed by the next call. */
static struct nf_chat_content content;
static const char *written(const struct nf_chat_said *s, const char *author, bool correction)
{
    struct nf_err err;
    nf_chat_content_done(&content);
    assert_ok(nf_chat_write_content(s, author, correction, &content, &err), &err);
    return nf_str_c(&content.text);
}

static int forget(void **state)
{
    (void)state;
    nf_chat_content_done(&content);
    return 0;
}

static void what_is_answered_is_quoted_and_authors_are_named(void **state)
{
    struct nf_chat_said s = { .text = "yes", .quote = "one\ntwo" };
    char quote[NF_CHAT_QUOTE_MAX + 3];
    (void)state;
    assert_string_equal(written(&s, NULL, false), "> one\n> two\n\nyes");
    assert_string_equal(written(&s, "Anna", false), "> one\n> two\n\nAnna: yes");
    s.quote = "";
    assert_string_equal(written(&s, NULL, true), "(This corrects an earlier message.) yes");
    s.text = "/help";
    s.quote = "one";
    assert_string_equal(written(&s, "Anna", true), "/help");
    s.text = "/run calc evaluate {}";
    assert_string_equal(written(&s, "Anna", true), "/run calc evaluate {}");

    s.text = "yes";
    memset(quote, 'q', sizeof(quote));
    quote[NF_CHAT_QUOTE_MAX + 1] = '\0';
    s.quote = quote;
    const char *cut = written(&s, NULL, false);
    assert_int_equal(strlen(cut), 2 + NF_CHAT_QUOTE_MAX + strlen("\xE2\x80\xA6\n\nyes"));
    s.quote = "\xFF";
    assert_string_equal(written(&s, NULL, false), "yes");
}

static void text_files_are_part_of_the_text(void **state)
{
    struct nf_chat_file f = file("a]`\n.txt", "line\n", 5);
    struct nf_chat_said s = { .text = "look", .files = &f, .files_n = 1 };
    static char big[NF_CHAT_INLINE_MAX + 100];
    (void)state;
    assert_string_equal(written(&s, NULL, false),
                        "look\n\n[file a___.txt]\n~~~~~~\nline\n\n~~~~~~");
    assert_int_equal(content.parts.n, 0);

    memset(big, 'b', sizeof(big));
    f = file("big", big, sizeof(big));
    assert_non_null(strstr(written(&s, NULL, false), "[file big: its first 65536 of 65636 bytes]"));
    assert_true(content.text.len < NF_CHAT_INLINE_MAX + 200);
}

/* What it is called does not count: its first bytes do. */
static void pictures_and_documents_lie_beside_the_text(void **state)
{
    struct nf_chat_file files[] = { file("a.txt", PNG, 12), file("b", "%PDF-1.7", 8),
                                    file("c", "\xFF\xD8\xFF\xE0", 4), file("d", "GIF89a..", 8),
                                    file("e", "RIFF....WEBPVP8", 15) };
    static const char *const types[] = { "image/png", "application/pdf", "image/jpeg", "image/gif",
                                         "image/webp" };
    struct nf_chat_said s = { .text = "", .files = files, .files_n = 5 };
    (void)state;
    assert_string_equal(written(&s, NULL, false),
                        "[file a.txt: a picture]\n\n[file b: a document]\n\n[file c: a picture]\n\n"
                        "[file d: a picture]\n\n[file e: a picture]");
    assert_int_equal(content.parts.n, 6);
    assert_int_equal(content.parts.v[0].type, NF_PART_TEXT);
    assert_string_equal(content.parts.v[0].text, nf_str_c(&content.text));
    for (size_t i = 0; i < 5; i++) {
        const struct nf_part *p = &content.parts.v[i + 1];
        assert_int_equal(p->type, i == 1 ? NF_PART_DOCUMENT : NF_PART_IMAGE);
        assert_string_equal(p->media_type, types[i]);
        assert_true(p->data[0] != '\0');
    }
    assert_string_equal(content.parts.v[2].data, "JVBERi0xLjc=");
}

static void what_cannot_be_read_is_named_with_the_reason(void **state)
{
    struct nf_chat_file files[] = { file("x.bin", "\0\1", 2),
                                    { .name = NULL, .problem = "28 MB" },
                                    file("empty", "", 0) };
    struct nf_chat_said s = { .text = "see", .files = files, .files_n = 3 };
    (void)state;
    assert_string_equal(written(&s, NULL, false),
                        "see\n\n[file x.bin: nothing that I can read]\n\n"
                        "[file without a name: 28 MB]\n\n[file empty: nothing that I can read]");
}

static void files_together_have_a_bound(void **state)
{
    static char big[NF_MEDIA_BYTES_MAX];
    struct nf_chat_file files[] = { file("a", big, sizeof(big)), file("b", PNG, 12) };
    struct nf_chat_said s = { .text = "see", .files = files, .files_n = 2 };
    (void)state;
    memcpy(big, PNG, 12);
    assert_non_null(strstr(written(&s, NULL, false), "[file b: left out"));
    assert_int_equal(content.parts.n, 2);
}

static void files_have_a_number(void **state)
{
    struct nf_chat_file files[NF_CHAT_FILES_MAX + 1];
    struct nf_chat_said s = { .text = "see", .files = files, .files_n = NF_CHAT_FILES_MAX + 1 };
    (void)state;
    for (size_t i = 0; i <= NF_CHAT_FILES_MAX; i++)
        files[i] = file("p", PNG, 12);
    files[NF_CHAT_FILES_MAX].name = "last";
    (void)written(&s, NULL, false);
    assert_int_equal(content.parts.n, 1 + NF_CHAT_FILES_MAX);
    assert_string_equal(nf_str_c(&content.unread), "last: one file too many\n");
}

static void without_memory_there_is_no_message(void **state)
{
    struct nf_chat_file files[] = { file("a", PNG, 12),
                                    file("b.txt", "text", 4),
                                    file("c", "%PDF-1.7", 8),
                                    { .name = "d", .problem = "gone" } };
    struct nf_chat_said s = { .text = "see", .quote = "one\ntwo", .files = files, .files_n = 4 };
    struct nf_chat_content c = { .text.len = 0 };
    struct nf_err err;
    enum nf_code rc = NF_E_NOMEM;
    (void)state;
    for (size_t n = 1; rc != NF_OK; n++) {
        assert_true(n < 200);
        nf_fail_alloc_at(n);
        rc = nf_chat_write_content(&s, "Anna", true, &c, &err);
        nf_fail_alloc_at(0);
        assert_true(rc == NF_OK || rc == NF_E_NOMEM);
        assert_int_equal(c.parts.n, rc == NF_OK ? 3 : 0);
    }
    nf_chat_content_done(&c);
}

/* --- in the conversation -----------------------------------------------------------------------
 */

RIG_TEST(the_model_gets_the_files_of_the_newest_messages)
{
    struct nf_chat_file f = file("cat.png", PNG, 12);
    struct nf_chat_said s = rig_said(r, "what is it?");
    MODEL_SAYS(r->w, { .text = "a cat" });
    s.files = &f;
    s.files_n = 1;
    rig_receive(r, &s);
    rig_settle(r);
    assert_string_equal(r->w->model.context,
                        "user:what is it?\n\n[file cat.png: a picture]|user:<file>|");

    for (int seq = 3; seq <= 7; seq += 2) { /* its answer lies between */
        rig_say(r, "and now?");
        rig_settle(r);
        assert_int_equal(strstr(r->w->model.context, "<file>") != NULL, 1 >= seq - NF_MEDIA_RECENT);
    }
    assert_null(strstr(r->w->model.context, "<file>"));
    assert_non_null(strstr(r->w->model.context, "[file cat.png: a picture]"));
}

RIG_TEST(a_file_that_cannot_be_taken_is_told_to_person_and_model)
{
    struct nf_chat_file f = { .name = "film.mp4", .problem = "28 MB: more than a bot may fetch" };
    struct nf_chat_said s = rig_said(r, "look");
    MODEL_SAYS(r->w, { .text = "ok" });
    s.files = &f;
    s.files_n = 1;
    rig_receive(r, &s);
    rig_receive(r, &s);
    rig_settle(r);
    assert_non_null(strstr(rig_seen(r, "100"), "I could not take:\nfilm.mp4: 28 MB"));
    assert_non_null(strstr(r->w->model.context, "[file film.mp4: 28 MB"));
    assert_int_equal(r->n, 2);
}

RIG_TEST(a_model_that_refuses_files_is_asked_without_them)
{
    struct nf_chat_file f = file("cat.png", PNG, 12);
    struct nf_chat_said s = rig_said(r, "what is it?");
    MODEL_SAYS(r->w, { .text = "I cannot look at it." });
    r->w->model.refuses_media = 1;
    s.files = &f;
    s.files_n = 1;
    rig_receive(r, &s);
    rig_settle(r);
    assert_int_equal(r->w->model.asked, 2);
    assert_null(strstr(r->w->model.context, "<file>"));
    assert_non_null(strstr(r->w->model.context, "cannot look at such a file"));
    assert_string_equal(rig_seen(r, "100"), "I cannot look at it.");
}

/* --- edits -------------------------------------------------------------------------------------
 */

/* Until somebody says go on, or for 20 s. */
static bool go_on;
static void wait_for_word(struct world *w)
{
    struct nf_err err;
    (void)w;
    for (int i = 0; i < 4000 && !go_on; i++)
        if (nf_sleep(5, &err) != NF_OK)
            return;
}

RIG_TEST(an_edit_of_what_waits_replaces_it)
{
    MODEL_SAYS(r->w, { .text = "ok" });
    r->w->model.meanwhile = wait_for_word;
    go_on = false;
    rig_say(r, "first");
    struct nf_chat_said s = rig_said(r, "second, mistyped");
    rig_receive(r, &s);
    struct nf_chat_said e = rig_said(r, "second");
    e.edited = true;
    e.ref = s.ref;
    rig_receive(r, &e);
    rig_receive(r, &e);
    go_on = true;
    rig_settle(r);
    assert_string_equal(r->w->model.context, "user:first|assistant:ok|user:second|");
    assert_string_equal(rig_cursor(r), "3");
}

RIG_TEST(an_edit_of_what_was_answered_is_a_correction)
{
    MODEL_SAYS(r->w, { .text = "ok" });
    struct nf_chat_said s = rig_said(r, "fist");
    rig_receive(r, &s);
    rig_settle(r);
    struct nf_chat_said e = rig_said(r, "first");
    e.edited = true;
    e.ref = s.ref;
    rig_receive(r, &e);
    rig_settle(r);
    assert_string_equal(r->w->model.context,
                        "user:fist|assistant:ok|user:(This corrects an earlier message.) first|");
}

/* Networks report changes that nobody made, and of messages that we never took in. */
RIG_TEST(an_edit_that_changes_nothing_is_nothing)
{
    MODEL_SAYS(r->w, { .text = "ok" });
    struct nf_chat_said s = rig_said(r, "first");
    rig_receive(r, &s);
    rig_settle(r);
    struct nf_chat_said e = rig_said(r, "first");
    e.edited = true;
    e.ref = s.ref;
    rig_receive(r, &e);
    e = rig_said(r, "unknown");
    e.edited = true;
    e.ref = "4711";
    rig_receive(r, &e);
    rig_settle(r);
    assert_int_equal(r->w->model.asked, 1);
    assert_string_equal(rig_cursor(r), "3");
}

/* --- steering ----------------------------------------------------------------------------------
 */

static void say_more(struct world *w);
static struct rig *steered;

static void use_clock(struct rig *r)
{
    steered = r;
    r->w->app.settings.steer = true;
    r->w->app.tools = &r->w->tools.port;
    r->w->tools.meanwhile = say_more;
}

static const char *more; /* what is said while the tool runs */
static const char *by;   /* the account that says it */

static void say_more(struct world *w)
{
    struct nf_chat_said s = rig_said(steered, more);
    (void)w;
    if (!more)
        return;
    more = NULL;
    s.account = by;
    s.address = s.chat = "-5";
    s.direct = false;
    rig_receive(steered, &s);
}

#define CALLS_CLOCK                                                                                \
    {                                                                                              \
        .calls = { { "c1", "clock", "{}" } }, .stop = NF_STOP_TOOL_CALLS                           \
    }

static void ask_in_group(struct rig *r, const char *text)
{
    struct nf_chat_said s = rig_said(r, text);
    s.address = s.chat = "-5";
    s.direct = false;
    rig_receive(r, &s);
    rig_settle(r);
}

RIG_TEST(a_message_joins_the_turn_that_runs)
{
    /* The fake model counts its replies from the newest message on. */
    MODEL_SAYS(r->w, CALLS_CLOCK, { .text = "both done" });
    use_clock(r);
    more = "and tell the date";
    by = "100";
    ask_in_group(r, "what time is it?");

    assert_non_null(
        strstr(r->w->model.context, "user:Ada: what time is it?|user:Ada: and tell the date|"));
    assert_string_equal(rig_seen(r, "-5"), "both done");
    assert_int_equal(r->w->tools.calls, 1);
    ask_in_group(r, "thanks"); /* the fake model calls the tool again */
    assert_non_null(strstr(r->w->model.context, "and tell the date|call:clock|"));
}

RIG_TEST(with_queue_it_waits_for_its_own_turn)
{
    MODEL_SAYS(r->w, CALLS_CLOCK, { .text = "done" });
    use_clock(r);
    r->w->app.settings.steer = false;
    more = "and tell the date";
    by = "100";
    ask_in_group(r, "what time is it?");
    assert_string_equal(rig_seen(r, "-5"), "done|done");
}

/* Its tools would run with the rights of another. */
RIG_TEST(nobody_joins_the_turn_of_another)
{
    struct nf_user u;
    struct nf_identity i = { .user_id = 8, .channel = "telegram", .account = "200" };
    MODEL_SAYS(r->w, CALLS_CLOCK, { .text = "done" });
    assert_ok(nf_user_init(&u, 8, "Bob", NF_USER_USER, START, &r->w->err), &r->w->err);
    assert_ok(r->w->s.users->ops->create(r->w->s.users, &u, &i, &r->w->err), &r->w->err);
    use_clock(r);
    more = "delete everything";
    by = "200";
    ask_in_group(r, "what time is it?");
    assert_string_equal(rig_seen(r, "-5"), "done|done");
}

RIG_TEST(a_command_does_not_join)
{
    MODEL_SAYS(r->w, CALLS_CLOCK, { .text = "done" });
    use_clock(r);
    more = "/model";
    by = "100";
    ask_in_group(r, "what time is it?");
    assert_non_null(strstr(rig_seen(r, "-5"), "done|The model here"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_answered_is_quoted_and_authors_are_named, forget),
        cmocka_unit_test_teardown(text_files_are_part_of_the_text, forget),
        cmocka_unit_test_teardown(pictures_and_documents_lie_beside_the_text, forget),
        cmocka_unit_test_teardown(what_cannot_be_read_is_named_with_the_reason, forget),
        cmocka_unit_test_teardown(files_together_have_a_bound, forget),
        cmocka_unit_test_teardown(files_have_a_number, forget),
        cmocka_unit_test(without_memory_there_is_no_message),
        cmocka_unit_test(the_model_gets_the_files_of_the_newest_messages),
        cmocka_unit_test(a_file_that_cannot_be_taken_is_told_to_person_and_model),
        cmocka_unit_test(a_model_that_refuses_files_is_asked_without_them),
        cmocka_unit_test(an_edit_of_what_waits_replaces_it),
        cmocka_unit_test(an_edit_of_what_was_answered_is_a_correction),
        cmocka_unit_test(an_edit_that_changes_nothing_is_nothing),
        cmocka_unit_test(a_message_joins_the_turn_that_runs),
        cmocka_unit_test(with_queue_it_waits_for_its_own_turn),
        cmocka_unit_test(nobody_joins_the_turn_of_another),
        cmocka_unit_test(a_command_does_not_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
