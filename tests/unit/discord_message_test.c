#include "channels/discord/message.h"

#include "base/own.h"
#include "channels/discord/interactions.h"
#include "channels/discord/places.h"
#include "channels/discord/post_body.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static const struct nf_discord_self self = { .id = "1000", .app = "1000", .name = "nexflow" };

static struct nf_json_doc *parse(const char *json)
{
    struct nf_json_doc *doc = NULL;
    struct nf_err err;
    assert_ok(nf_json_parse(json, strlen(json), 0, &doc, &err), &err);
    return doc;
}

static void read_message(const char *json, struct nf_discord_message *m)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = parse(json);
    struct nf_err err;
    assert_ok(nf_discord_message_read(nf_json_root(doc), &self, m, &err), &err);
}

/* --- messages --------------------------------------------------------------------------------- */

static void a_message_is_what_a_person_reads(void **data)
{
    NF_CLEANUP(nf_discord_message_done) struct nf_discord_message m = { 0 };
    (void)data;
    read_message("{\"id\":\"5\",\"channel_id\":\"6\",\"guild_id\":\"7\",\"type\":19,"
                 "\"author\":{\"id\":\"8\",\"username\":\"anna\",\"global_name\":\"Anna\"},"
                 "\"member\":{\"nick\":\"Annie\"},"
                 "\"content\":\"<@1000>, ask <@!9> about <#4> \",\"mentions\":[{\"id\":\"1000\"},"
                 "{\"id\":\"9\",\"username\":\"boris\"}],"
                 "\"referenced_message\":{\"author\":{\"id\":\"3\"},\"content\":\"before\"},"
                 "\"attachments\":[{\"filename\":\"a.txt\",\"size\":3,\"url\":\"u\"}]}",
                 &m);
    assert_string_equal(m.id, "5");
    assert_string_equal(m.channel, "6");
    assert_string_equal(m.guild, "7");
    assert_string_equal(m.author_name, "Annie");
    assert_string_equal(nf_str_c(&m.text), "ask @boris about <#4>");
    assert_string_equal(nf_str_c(&m.quote), "before");
    assert_true(m.usable && m.mentions && !m.hidden);
    assert_int_equal(m.files_n, 1);
    assert_string_equal(m.files[0].name, "a.txt");
    assert_string_equal(m.files[0].media_type, "");
}

static void bots_systems_and_ourselves_are_no_people(void **data)
{
    static const char *const all[] = {
        "{\"id\":\"5\",\"channel_id\":\"6\",\"author\":{\"id\":\"8\",\"bot\":true}}",
        "{\"id\":\"5\",\"channel_id\":\"6\",\"author\":{\"id\":\"1000\"},\"content\":\"x\"}",
        "{\"id\":\"5\",\"channel_id\":\"6\",\"author\":{\"id\":\"8\"},\"type\":7}",
        "{\"id\":\"5\",\"channel_id\":\"6\",\"author\":{\"id\":\"8\"},\"webhook_id\":\"8\"}",
        "{\"id\":\"5\",\"channel_id\":\"6\"}"
    };
    (void)data;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        NF_CLEANUP(nf_discord_message_done) struct nf_discord_message m = { 0 };
        read_message(all[i], &m);
        assert_false(m.usable);
    }
}

static void without_the_privilege_there_is_nothing_to_read(void **data)
{
    NF_CLEANUP(nf_discord_message_done) struct nf_discord_message m = { 0 };
    (void)data;
    read_message("{\"id\":\"5\",\"channel_id\":\"6\",\"author\":{\"id\":\"8\"},\"content\":\"\"}",
                 &m);
    assert_true(m.hidden && !m.mentions);
}

static void an_edit_has_a_time(void **data)
{
    NF_CLEANUP(nf_discord_message_done) struct nf_discord_message m = { 0 };
    (void)data;
    read_message("{\"id\":\"5\",\"channel_id\":\"6\",\"author\":{\"id\":\"8\"},\"content\":\"x\","
                 "\"edited_timestamp\":\"2026-01-02T03:04:05.678000+00:00\"}",
                 &m);
    assert_string_equal(m.edited, "20260102030405678000000");
}

static void what_has_no_ids_is_no_message(void **data)
{
    static const char *const all[] = { "{}",
                                       "[]",
                                       "{\"id\":\"5\"}",
                                       "{\"id\":5,\"channel_id\":\"6\"}",
                                       "{\"id\":\"5x\",\"channel_id\":\"6\"}",
                                       "{\"id\":\"123456789012345678901\",\"channel_id\":\"6\"}" };
    struct nf_err err;
    (void)data;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = parse(all[i]);
        struct nf_discord_message m = { 0 };
        assert_code(nf_discord_message_read(nf_json_root(doc), &self, &m, &err), NF_E_INVALID);
    }
}

static void no_more_files_are_taken_than_a_message_has(void **data)
{
    NF_CLEANUP(nf_discord_message_done) struct nf_discord_message m = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str json = { 0 };
    struct nf_err err;
    (void)data;
    assert_ok(nf_str_adds(&json, "{\"id\":\"5\",\"channel_id\":\"6\",\"attachments\":[{}", &err),
              &err);
    for (int i = 0; i < NF_DISCORD_FILES_MAX; i++)
        assert_ok(nf_str_adds(&json, ",{}", &err), &err);
    assert_ok(nf_str_adds(&json, "]}", &err), &err);
    read_message(nf_str_c(&json), &m);
    assert_int_equal(m.files_n, NF_DISCORD_FILES_MAX);
}

static void ids_are_in_order_as_numbers_are(void **data)
{
    char id[NF_DISCORD_ID_MAX + 1];
    (void)data;
    assert_true(nf_discord_id_before("", "1"));
    assert_true(nf_discord_id_before("9", "10"));
    assert_true(nf_discord_id_before("19", "20"));
    assert_false(nf_discord_id_before("20", "20"));
    nf_discord_id_of_time(1462015105796, id); /* the example of "Snowflakes" */
    assert_string_equal(id, "175928847298985984");
    nf_discord_id_of_time(0, id);
    assert_string_equal(id, "0");
}

/* --- interactions ----------------------------------------------------------------------------- */

#define WHO "\"id\":\"5\",\"token\":\"t.o-k_1\",\"channel_id\":\"6\",\"locale\":\"ru\""

static void a_command_is_the_text_that_somebody_could_have_written(void **data)
{
    NF_CLEANUP(nf_json_freep)
    struct nf_json_doc *doc = parse(
        "{" WHO ",\"type\":2,\"guild_id\":\"7\",\"member\":{\"user\":{\"id\":\"8\",\"username\":"
        "\"a\"}},\"data\":{\"name\":\"model\",\"type\":1,\"options\":[{\"name\":\"name\",\"value\":"
        "\"fast one\"}]}}");
    NF_CLEANUP(nf_discord_interaction_done) struct nf_discord_interaction i = { 0 };
    struct nf_err err;
    (void)data;
    assert_ok(nf_discord_interaction_read(nf_json_root(doc), &i, &err), &err);
    assert_int_equal(i.kind, NF_DISCORD_COMMAND);
    assert_string_equal(nf_str_c(&i.text), "/model fast one");
    assert_string_equal(i.user, "8");
    assert_string_equal(i.guild, "7");
    assert_string_equal(i.lang, "ru");
}

static void a_button_says_which(void **data)
{
    NF_CLEANUP(nf_json_freep)
    struct nf_json_doc *doc =
        parse("{" WHO ",\"type\":3,\"user\":{\"id\":\"8\"},\"message\":{\"id\":"
              "\"9\"},\"data\":{\"custom_id\":\"a:1\"}}");
    NF_CLEANUP(nf_discord_interaction_done) struct nf_discord_interaction i = { 0 };
    struct nf_err err;
    (void)data;
    assert_ok(nf_discord_interaction_read(nf_json_root(doc), &i, &err), &err);
    assert_int_equal(i.kind, NF_DISCORD_PRESSED);
    assert_string_equal(i.data, "a:1");
    assert_string_equal(i.message, "9");
}

static void a_token_goes_into_no_path_that_it_could_change(void **data)
{
    static const char *const tokens[] = { "", "a/b", "a?b", "../x", "a b" };
    struct nf_err err;
    (void)data;
    for (size_t k = 0; k < sizeof(tokens) / sizeof(tokens[0]); k++) {
        char json[200];
        struct nf_discord_interaction i = { 0 };
        (void)snprintf(
            json, sizeof(json),
            "{\"id\":\"5\",\"token\":\"%s\",\"channel_id\":\"6\",\"user\":{\"id\":\"8\"}}",
            tokens[k]);
        NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = parse(json);
        assert_code(nf_discord_interaction_read(nf_json_root(doc), &i, &err), NF_E_INVALID);
    }
}

static struct nf_discord_interaction numbered(int n)
{
    struct nf_discord_interaction i = { .kind = NF_DISCORD_COMMAND, .channel = "6", .token = "t" };
    (void)snprintf(i.id, sizeof(i.id), "%d", n);
    return i;
}

static void tokens_are_used_for_as_long_as_they_are_good(void **data)
{
    struct nf_interactions *s = NULL;
    struct nf_discord_interaction i = numbered(1);
    struct nf_err err;
    (void)data;
    assert_ok(nf_interactions_new(&s, &err), &err);
    assert_non_null(nf_interactions_add(s, &i, 1000));
    assert_non_null(nf_interactions_find(s, "1", 1000 + NF_INTERACTION_MS - 1));
    assert_null(nf_interactions_over(s, 1000 + NF_INTERACTION_MS - 1));
    assert_null(nf_interactions_find(s, "1", 1000 + NF_INTERACTION_MS));
    assert_non_null(nf_interactions_over(s, 1000 + NF_INTERACTION_MS));
    nf_interactions_remove(s, "1");
    assert_null(nf_interactions_over(s, 1000 + NF_INTERACTION_MS));
    for (int n = 0; n <= NF_INTERACTIONS_MAX; n++) {
        i = numbered(n);
        assert_non_null(nf_interactions_add(s, &i, n));
    }
    assert_null(nf_interactions_find(s, "0", 0)); /* the oldest made room */
    assert_non_null(nf_interactions_find(s, "1", 0));
    nf_interactions_free(s);
}

/* --- channels --------------------------------------------------------------------------------- */

static void channels_are_learned_and_bounded(void **data)
{
    NF_CLEANUP(nf_json_freep)
    struct nf_json_doc *doc =
        parse("{\"id\":\"5\",\"type\":11,\"parent_id\":\"4\",\"owner_id\":\"1000\","
              "\"last_message_id\":\"9\"}");
    struct nf_places *p = NULL;
    struct nf_err err;
    char id[16];
    (void)data;
    assert_ok(nf_places_new(&p, &err), &err);
    nf_places_learn(p, nf_json_root(doc), "3", "1000");
    const struct nf_place *place = nf_places_find(p, "5");
    assert_true(nf_place_is_thread(place) && place->ours);
    assert_string_equal(place->parent, "4");
    assert_string_equal(place->guild, "3");
    assert_string_equal(place->last, "9");
    for (int i = 0; i < NF_PLACES_MAX; i++) {
        (void)snprintf(id, sizeof(id), "1%d", i);
        assert_non_null(nf_places_get(p, id));
    }
    assert_null(nf_places_find(p, "5"));
    assert_non_null(nf_places_find(p, "10"));
    nf_places_free(p);
}

/* --- bodies ----------------------------------------------------------------------------------- */

static void expect_new(const struct nf_chat_post *p, const char *want)
{
    NF_CLEANUP(nf_str_done) struct nf_str got = { 0 };
    struct nf_json_out o;
    struct nf_err err;
    nf_json_begin_doc(&o, &got);
    nf_discord_out_new(&o, p, p->key ? p->key : "", "text");
    assert_ok(nf_json_end_doc(&o, &err), &err);
    assert_string_equal(nf_str_c(&got), want);
}

#define NOBODY "\"allowed_mentions\":{\"parse\":[],\"replied_user\":false}"

static void a_message_mentions_nobody_and_has_its_key(void **data)
{
    struct nf_chat_post p = { .address = "6", .reply_to = "5", .key = "k.0", .silent = true };
    (void)data;
    expect_new(
        &p, "{\"content\":\"text\",\"flags\":4100," NOBODY
            ",\"nonce\":\"k.0\",\"enforce_nonce\":true,\"message_reference\":{\"message_id\":\"5\","
            "\"fail_if_not_exists\":false}}");
    p = (struct nf_chat_post){ .address = "6", .reply_to = "6" }; /* the beginning of the thread */
    expect_new(&p, "{\"content\":\"text\",\"flags\":4," NOBODY "}");
    p.reply_to = "i77"; /* an interaction is no message */
    expect_new(&p, "{\"content\":\"text\",\"flags\":4," NOBODY "}");
}

static void buttons_make_a_message_of_components(void **data)
{
    const struct nf_chat_button b = { .look = NF_BUTTON_YES, .label = "Allow", .data = "a:1" };
    const struct nf_chat_post p = { .address = "6", .reply_to = "", .buttons = &b, .buttons_n = 1 };
    (void)data;
    expect_new(
        &p, "{\"components\":[{\"type\":17,\"accent_color\":5793266,\"components\":[{\"type\":10,"
            "\"content\":\"text\"},{\"type\":1,\"components\":[{\"type\":2,\"style\":3,\"label\":"
            "\"Allow\",\"custom_id\":\"a:1\"}]}]}],\"flags\":32772," NOBODY "}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_what_a_person_reads),
        cmocka_unit_test(bots_systems_and_ourselves_are_no_people),
        cmocka_unit_test(without_the_privilege_there_is_nothing_to_read),
        cmocka_unit_test(an_edit_has_a_time),
        cmocka_unit_test(what_has_no_ids_is_no_message),
        cmocka_unit_test(no_more_files_are_taken_than_a_message_has),
        cmocka_unit_test(ids_are_in_order_as_numbers_are),
        cmocka_unit_test(a_command_is_the_text_that_somebody_could_have_written),
        cmocka_unit_test(a_button_says_which),
        cmocka_unit_test(a_token_goes_into_no_path_that_it_could_change),
        cmocka_unit_test(tokens_are_used_for_as_long_as_they_are_good),
        cmocka_unit_test(channels_are_learned_and_bounded),
        cmocka_unit_test(a_message_mentions_nobody_and_has_its_key),
        cmocka_unit_test(buttons_make_a_message_of_components),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
