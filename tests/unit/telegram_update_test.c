#include "channels/telegram/update.h"

#include "base/own.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

static const struct nf_telegram_self self = { .id = 900, .name = "nexflow_bot" };

struct read {
    struct nf_json_doc *doc;
    struct nf_telegram_update u;
};

static void read_done(struct read *r)
{
    nf_telegram_update_done(&r->u);
    nf_json_free(r->doc);
}

static void read_update(const char *text, struct read *r)
{
    struct nf_err err;
    assert_ok(nf_json_parse(text, strlen(text), 0, &r->doc, &err), &err);
    assert_ok(nf_telegram_update_read(nf_json_root(r->doc), &self, &r->u, &err), &err);
}

#define FROM "\"from\":{\"id\":5,\"is_bot\":false,\"first_name\":\"Anna\",\"language_code\":\"ru\"}"
#define PRIVATE "\"chat\":{\"id\":5,\"type\":\"private\"}"
#define GROUP "\"chat\":{\"id\":-100,\"type\":\"supergroup\"}"

static void a_private_message_is_meant_for_us(void **data)
{
    NF_CLEANUP(read_done) struct read r = { 0 };
    (void)data;
    read_update("{\"update_id\":7,\"message\":{\"message_id\":3," FROM "," PRIVATE
                ",\"text\":\"hi\"}}",
                &r);
    assert_int_equal(r.u.id, 7);
    assert_int_equal(r.u.kind, NF_TELEGRAM_MESSAGE);
    assert_true(r.u.direct && r.u.addressed && !r.u.edited && !r.u.start);
    assert_string_equal(r.u.account, "5");
    assert_string_equal(r.u.address, "5");
    assert_string_equal(r.u.ref, "3");
    assert_string_equal(nf_str_c(&r.u.text), "hi");
    assert_string_equal(nf_str_c(&r.u.account_name), "Anna");
    assert_string_equal(r.u.lang, "ru");
}

static void in_a_group_a_mention_or_an_answer_is(void **data)
{
    (void)data;
    {
        NF_CLEANUP(read_done) struct read r = { 0 };
        read_update("{\"update_id\":1,\"message\":{\"message_id\":3," FROM "," GROUP
                    ",\"text\":\"just talk\"}}",
                    &r);
        assert_int_equal(r.u.kind, NF_TELEGRAM_MESSAGE);
        assert_false(r.u.addressed);
    }
    {
        NF_CLEANUP(read_done) struct read r = { 0 };
        read_update("{\"update_id\":1,\"message\":{\"message_id\":3," FROM "," GROUP
                    ",\"text\":\"\xF0\x9F\x98\x80 @NEXFLOW_bot, look\",\"entities\":[{\"type\":"
                    "\"mention\",\"offset\":3,\"length\":12}]}}",
                    &r);
        assert_true(r.u.addressed);
        assert_string_equal(nf_str_c(&r.u.text), "\xF0\x9F\x98\x80 , look");
    }
    {
        NF_CLEANUP(read_done) struct read r = { 0 };
        read_update("{\"update_id\":1,\"message\":{\"message_id\":3," FROM "," GROUP
                    ",\"text\":\"@nexflow_bot: look\",\"entities\":[{\"type\":\"mention\","
                    "\"offset\":0,\"length\":12}]}}",
                    &r);
        assert_string_equal(nf_str_c(&r.u.text), "look");
    }
    {
        NF_CLEANUP(read_done) struct read r = { 0 };
        read_update(
            "{\"update_id\":1,\"message\":{\"message_id\":3," FROM "," GROUP
            ",\"text\":\"yes\",\"reply_to_message\":{\"message_id\":2,\"from\":{\"id\":900},"
            "\"text\":\"sure?\"}}}",
            &r);
        assert_true(r.u.addressed);
        assert_string_equal(r.u.quote, "sure?");
    }
}

static void a_command_to_another_bot_is_not(void **data)
{
    (void)data;
    {
        NF_CLEANUP(read_done) struct read r = { 0 };
        read_update("{\"update_id\":1,\"message\":{\"message_id\":3," FROM "," GROUP
                    ",\"text\":\"/help@other_bot\",\"entities\":[{\"type\":\"bot_command\","
                    "\"offset\":0,\"length\":15}]}}",
                    &r);
        assert_false(r.u.addressed);
    }
    {
        NF_CLEANUP(read_done) struct read r = { 0 };
        read_update("{\"update_id\":1,\"message\":{\"message_id\":3," FROM "," GROUP
                    ",\"text\":\"/start@nexflow_bot CODE7\",\"entities\":[{\"type\":"
                    "\"bot_command\",\"offset\":0,\"length\":18}]}}",
                    &r);
        assert_true(r.u.addressed);
        assert_string_equal(nf_str_c(&r.u.text), "/start CODE7");
        assert_string_equal(r.u.start, "CODE7");
    }
}

static void a_topic_is_an_address_and_a_thread_of_replies_is_none(void **data)
{
    (void)data;
    {
        NF_CLEANUP(read_done) struct read r = { 0 };
        read_update("{\"update_id\":1,\"message\":{\"message_id\":3," FROM "," GROUP
                    ",\"text\":\"x\",\"message_thread_id\":44,\"is_topic_message\":true}}",
                    &r);
        assert_string_equal(r.u.address, "-100:44");
        assert_string_equal(r.u.chat, "-100");
    }
    {
        NF_CLEANUP(read_done) struct read r = { 0 };
        read_update("{\"update_id\":1,\"message\":{\"message_id\":3," FROM "," GROUP
                    ",\"text\":\"x\",\"message_thread_id\":44}}",
                    &r);
        assert_string_equal(r.u.address, "-100");
    }
}

static void of_a_photo_the_largest_useful_size_is_taken(void **data)
{
    NF_CLEANUP(read_done) struct read r = { 0 };
    (void)data;
    read_update("{\"update_id\":1,\"message\":{\"message_id\":3," FROM "," PRIVATE
                ",\"caption\":\"what is it\",\"photo\":["
                "{\"file_id\":\"s\",\"width\":90,\"height\":90,\"file_size\":1000},"
                "{\"file_id\":\"m\",\"width\":1280,\"height\":960,\"file_size\":200000},"
                "{\"file_id\":\"l\",\"width\":9000,\"height\":9000,\"file_size\":9000000}]}}",
                &r);
    assert_string_equal(r.u.file.id, "m");
    assert_int_equal(r.u.file.kind, NF_TELEGRAM_PHOTO);
    assert_string_equal(nf_str_c(&r.u.text), "what is it");
}

static void what_we_cannot_take_is_named(void **data)
{
    NF_CLEANUP(read_done) struct read r = { 0 };
    (void)data;
    read_update("{\"update_id\":1,\"message\":{\"message_id\":3," FROM "," PRIVATE
                ",\"voice\":{\"file_id\":\"v\"}}}",
                &r);
    assert_int_equal(r.u.kind, NF_TELEGRAM_MESSAGE);
    assert_string_equal(r.u.file.unusable, "a voice message");
}

static void other_updates_are_what_they_mean(void **data)
{
    (void)data;
    {
        NF_CLEANUP(read_done) struct read r = { 0 };
        read_update("{\"update_id\":1,\"callback_query\":{\"id\":\"q\"," FROM
                    ",\"message\":{\"message_id\":9," GROUP "},\"data\":\"a:1\"}}",
                    &r);
        assert_int_equal(r.u.kind, NF_TELEGRAM_PRESSED);
        assert_string_equal(r.u.data, "a:1");
        assert_string_equal(r.u.address, "-100");
    }
    {
        NF_CLEANUP(read_done) struct read r = { 0 };
        read_update("{\"update_id\":1,\"my_chat_member\":{" PRIVATE "," FROM
                    ",\"new_chat_member\":{\"status\":\"kicked\"}}}",
                    &r);
        assert_int_equal(r.u.kind, NF_TELEGRAM_MEMBER);
        assert_false(r.u.joined);
    }
    {
        NF_CLEANUP(read_done) struct read r = { 0 };
        read_update("{\"update_id\":1,\"message\":{\"message_id\":4," FROM "," GROUP
                    ",\"migrate_to_chat_id\":-1009999999999}}",
                    &r);
        assert_int_equal(r.u.kind, NF_TELEGRAM_MOVED);
        assert_string_equal(r.u.moved_to, "-1009999999999");
    }
    {
        NF_CLEANUP(read_done) struct read r = { 0 };
        read_update("{\"update_id\":1,\"stopped_message_generation\":{" PRIVATE
                    ",\"draft_id\":1,\"message_thread_id\":8}}",
                    &r);
        assert_int_equal(r.u.kind, NF_TELEGRAM_STOPPED);
        assert_string_equal(r.u.address, "5:8");
        assert_string_equal(nf_str_c(&r.u.text), "/stop");
    }
}

static void what_concerns_nobody_is_passed_over(void **data)
{
    static const char *const all[] = {
        "{\"update_id\":1}",
        "{\"update_id\":1,\"message\":7}",
        "{\"update_id\":1,\"message\":{\"message_id\":3," PRIVATE ",\"text\":\"no author\"}}",
        "{\"update_id\":1,\"message\":{\"message_id\":3,\"from\":{\"id\":6,\"is_bot\":true}," GROUP
        ",\"text\":\"a bot\"}}",
        "{\"update_id\":1,\"message\":{\"message_id\":3," FROM "," GROUP
        ",\"new_chat_title\":\"x\"}}",
        "{\"update_id\":1,\"poll\":{\"id\":\"1\"}}",
    };
    (void)data;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        NF_CLEANUP(read_done) struct read r = { 0 };
        read_update(all[i], &r);
        assert_int_equal(r.u.kind, NF_TELEGRAM_OTHER);
    }
}

static void without_an_id_it_is_no_update(void **data)
{
    struct nf_telegram_update u = { 0 };
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct nf_err err;
    (void)data;
    assert_ok(nf_json_parse("{}", 2, 0, &doc, &err), &err);
    assert_code(nf_telegram_update_read(nf_json_root(doc), &self, &u, &err), NF_E_INVALID);
}

static void albums_and_long_pastes_belong_together(void **data)
{
    NF_CLEANUP(read_done) struct read a = { 0 }, b = { 0 }, c = { 0 };
    (void)data;
    read_update(
        "{\"update_id\":1,\"message\":{\"message_id\":3," FROM "," PRIVATE
        ",\"media_group_id\":\"g\",\"photo\":[{\"file_id\":\"1\",\"width\":1,\"height\":1}]}}",
        &a);
    read_update(
        "{\"update_id\":2,\"message\":{\"message_id\":4," FROM "," PRIVATE
        ",\"media_group_id\":\"g\",\"photo\":[{\"file_id\":\"2\",\"width\":1,\"height\":1}]}}",
        &b);
    read_update(
        "{\"update_id\":3,\"message\":{\"message_id\":5," FROM "," PRIVATE ",\"text\":\"x\"}}", &c);
    assert_true(nf_telegram_belongs(&a.u, &b.u));
    assert_false(nf_telegram_belongs(&b.u, &c.u));
    c.u.text_units = NF_TELEGRAM_PASTE_UNITS;
    assert_true(nf_telegram_belongs(&c.u, &c.u));
    c.u.text_units = NF_TELEGRAM_PASTE_UNITS - 1;
    assert_false(nf_telegram_belongs(&c.u, &c.u));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_private_message_is_meant_for_us),
        cmocka_unit_test(in_a_group_a_mention_or_an_answer_is),
        cmocka_unit_test(a_command_to_another_bot_is_not),
        cmocka_unit_test(a_topic_is_an_address_and_a_thread_of_replies_is_none),
        cmocka_unit_test(of_a_photo_the_largest_useful_size_is_taken),
        cmocka_unit_test(what_we_cannot_take_is_named),
        cmocka_unit_test(other_updates_are_what_they_mean),
        cmocka_unit_test(what_concerns_nobody_is_passed_over),
        cmocka_unit_test(without_an_id_it_is_no_update),
        cmocka_unit_test(albums_and_long_pastes_belong_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
