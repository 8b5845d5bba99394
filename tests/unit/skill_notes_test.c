#include "tests/support/skill_host.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

extern const struct nf_skill_v1 nf_skill_v1;

static int setup(void **data)
{
    *data = skill_rig_new(&nf_skill_v1);
    return 0;
}

static int teardown(void **data)
{
    skill_rig_free(*data);
    return 0;
}

static void a_note_is_saved_and_read(void **data)
{
    struct skill_rig *rig = *data;

    skill_is(rig, "save",
             "{\"text\":\"Buy milk\\nand bread\",\"tags\":[\" #Shopping "
             "\",\"shopping\",\"\xc3\x89t\xc3\xa9\"]}",
             "{\"saved\":true,\"id\":1,\"title\":\"Buy "
             "milk\",\"tags\":[\"shopping\",\"\xc3\xa9t\xc3\xa9\"],"
             "\"updated\":\"2025-11-28T11:35:44Z\"}");
    skill_is(rig, "get", "{\"id\":1}",
             "{\"id\":1,\"title\":\"Buy milk\",\"tags\":[\"shopping\",\"\xc3\xa9t\xc3\xa9\"],"
             "\"updated\":\"2025-11-28T11:35:44Z\",\"created\":\"2025-11-28T11:35:44Z\","
             "\"text\":\"Buy milk\\nand bread\"}");
    skill_has(rig, "save", "{\"text\":\"Second\"}", "\"id\":2");
    skill_fails(rig, "get", "{\"id\":3}", NF_SKILL_E_NOT_FOUND, "no note 3");
    skill_fails(rig, "get", "{\"id\":0}", NF_SKILL_E_INVALID, "\"id\"");
}

static void a_note_is_changed(void **data)
{
    struct skill_rig *rig = *data;

    skill_has(rig, "save", "{\"text\":\"one\",\"tags\":[\"a\"]}", "\"id\":1");
    rig->now_ms += 1000;
    skill_has(rig, "save", "{\"id\":1,\"text\":\"two\",\"append\":true}", "\"tags\":[\"a\"]");
    skill_has(rig, "get", "{\"id\":1}", "\"text\":\"one\\ntwo\"");
    skill_has(rig, "get", "{\"id\":1}",
              "\"updated\":\"2025-11-28T11:35:45Z\",\"created\":\"2025-11-28T11:35:44Z\"");
    skill_has(rig, "save", "{\"id\":1,\"title\":\"T\",\"tags\":[]}", "\"title\":\"T\",\"tags\":[]");
    skill_has(rig, "get", "{\"id\":1}", "\"text\":\"one\\ntwo\"");
    skill_fails(rig, "save", "{\"id\":9,\"text\":\"x\"}", NF_SKILL_E_NOT_FOUND, "no note 9");
}

static void ids_are_not_given_twice(void **data)
{
    struct skill_rig *rig = *data;

    skill_has(rig, "save", "{\"text\":\"one\"}", "\"id\":1");
    skill_is(rig, "delete", "{\"id\":1}", "{\"deleted\":1}");
    skill_fails(rig, "delete", "{\"id\":1}", NF_SKILL_E_NOT_FOUND, "no note 1");
    skill_has(rig, "save", "{\"text\":\"two\"}", "\"id\":2");
}

static void wrong_notes_are_refused(void **data)
{
    struct skill_rig *rig = *data;
    static char args[60000];

    skill_fails(rig, "save", "{\"text\":\" \\n\"}", NF_SKILL_E_INVALID, "empty");
    skill_fails(rig, "save", "{}", NF_SKILL_E_INVALID, "\"text\" is missing");
    skill_fails(rig, "save", "{\"text\":\"x\",\"tags\":[\"\"]}", NF_SKILL_E_INVALID,
                "a tag has 1 to 40");
    skill_fails(rig, "save", "{\"text\":\"x\",\"tags\":[5]}", NF_SKILL_E_INVALID, "item 1");
    skill_fails(rig, "save", "{\"text\":\"x\",\"tags\":\"a\"}", NF_SKILL_E_INVALID, "an array");
    (void)snprintf(args, sizeof(args), "{\"text\":\"%048001d\"}", 1);
    skill_fails(rig, "save", args, NF_SKILL_E_LIMIT, "48000 bytes");
    (void)snprintf(args, sizeof(args), "{\"text\":\"%048000d\"}", 1);
    skill_has(rig, "save", args, "\"saved\":true");
    skill_fails(rig, "save", "{\"id\":1,\"append\":true,\"text\":\"x\"}", NF_SKILL_E_LIMIT,
                "48000");
    assert_null(skill_rig_kv(rig, "note/000000000002"));
}

static void fill(struct skill_rig *rig)
{
    static const char *const notes[] = {
        "{\"text\":\"The car needs new tyres before winter\",\"tags\":[\"car\"]}",
        "{\"text\":\"Milk, eggs, bread\",\"title\":\"Shopping list\",\"tags\":[\"home\"]}",
        "{\"text\":\"Garage: the bread knife is in the car\",\"tags\":[\"home\",\"car\"]}",
        "{\"text\":\"Caf\xc3\xa9 Z\xc3\xbcrich opens at nine\"}",
        "{\"text\":\"Passwords are not to be written down\"}",
    };

    for (size_t i = 0; i < 5; i++) {
        rig->now_ms += 1000;
        skill_has(rig, "save", notes[i], "\"saved\":true");
    }
}

static void notes_are_found_best_first(void **data)
{
    struct skill_rig *rig = *data;
    fill(rig);

    skill_has(rig, "find", "{\"query\":\"bread car\"}", "{\"found\":3,\"notes\":[{\"id\":3");
    skill_has(rig, "find", "{\"query\":\"SHOPPING\"}", "{\"found\":1,\"notes\":[{\"id\":2");
    skill_has(rig, "find", "{\"query\":\"cafe zurich\"}", "{\"found\":1,\"notes\":[{\"id\":4");
    skill_has(rig, "find", "{\"query\":\"pass\"}", "{\"found\":1,\"notes\":[{\"id\":5");
    skill_has(rig, "find", "{\"query\":\"pa\"}", "{\"found\":0");
    skill_has(rig, "find", "{\"query\":\"car\",\"tags\":[\"HOME\"]}",
              "{\"found\":1,\"notes\":[{\"id\":3");
    skill_has(rig, "find", "{\"query\":\"the\",\"limit\":1}", "{\"found\":2,");
    skill_is(rig, "find", "{\"query\":\"!?\"}", "{\"found\":0,\"notes\":[]}");
    skill_fails(rig, "find", "{}", NF_SKILL_E_INVALID, "\"query\"");
}

static void notes_are_listed_newest_first(void **data)
{
    struct skill_rig *rig = *data;
    fill(rig);

    skill_has(rig, "list", "{}", "{\"total\":5,\"notes\":[{\"id\":5");
    skill_has(rig, "list", "{\"limit\":1,\"offset\":1}", "\"notes\":[{\"id\":4");
    skill_has(rig, "list", "{\"tags\":[\"car\",\"home\"]}", "{\"total\":1,\"notes\":[{\"id\":3");
    skill_is(rig, "tags", "{}", "{\"tags\":{\"car\":2,\"home\":2},\"notes\":5}");
    skill_is(rig, "list", "{\"offset\":2000}", "{\"total\":5,\"notes\":[]}");
}

static void long_texts_are_shown_around_the_hit(void **data)
{
    struct skill_rig *rig = *data;
    char args[3000];

    (void)snprintf(args, sizeof(args), "{\"text\":\"%01000d needle %01000d\",\"title\":\"t\"}", 1,
                   2);
    skill_has(rig, "save", args, "\"id\":1");
    skill_has(rig, "find", "{\"query\":\"needle\"}", "0001 needle 000");
    skill_has(rig, "find", "{\"query\":\"needle\"}", "\"text\":\"\xe2\x80\xa6");
    skill_has(
        rig, "save",
        "{\"text\":\"# A very long first line that goes on and on and on until it is cut\"}",
        "\"title\":\"A very long first line that goes on and on and on until it\xe2\x80\xa6\"");
}

static void more_than_a_page_of_notes(void **data)
{
    struct skill_rig *rig = *data;
    char key[40];
    static const char note[] =
        "{\"title\":\"t\",\"text\":\"word\",\"tags\":[],\"created_ms\":1,\"updated_ms\":1}";

    for (int i = 1; i <= 1999; i++) {
        (void)snprintf(key, sizeof(key), "note/%012d", i);
        skill_rig_put_kv(rig, key, note, strlen(note));
    }
    skill_rig_put_kv(rig, "last", "1999", 4);
    skill_has(rig, "find", "{\"query\":\"word\"}", "{\"found\":1999");
    skill_has(rig, "save", "{\"text\":\"x\"}", "\"id\":2000");
    skill_fails(rig, "save", "{\"text\":\"x\"}", NF_SKILL_E_LIMIT, "2000 notes already");
}

static void strange_values_are_no_danger(void **data)
{
    struct skill_rig *rig = *data;

    skill_rig_put_kv(rig, "note/000000000001", "[1]", 3);
    skill_rig_put_kv(rig, "note/000000000002", "{\"tags\":[1,\"a\"],\"text\":5}", 25);
    skill_rig_put_kv(rig, "last", "what", 4);
    skill_has(rig, "list", "{}", "\"total\":2");
    skill_has(rig, "tags", "{}", "\"a\":1");
    skill_rig_put_kv(rig, "note/000000000003", "{", 1);
    skill_fails(rig, "list", "{}", NF_SKILL_E_INTERNAL, "cannot be read");
}

static void memory_may_end_anywhere(void **data)
{
    struct skill_rig *rig = *data;
    fill(rig);

    skill_survives_no_memory(rig, "find", "{\"query\":\"bread\",\"tags\":[\"car\"]}");
    skill_survives_no_memory(rig, "save",
                             "{\"id\":1,\"text\":\"x\",\"append\":true,\"tags\":[\"A\"]}");
    skill_survives_no_memory(rig, "tags", "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_note_is_saved_and_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_note_is_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(ids_are_not_given_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_notes_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(notes_are_found_best_first, setup, teardown),
        cmocka_unit_test_setup_teardown(notes_are_listed_newest_first, setup, teardown),
        cmocka_unit_test_setup_teardown(long_texts_are_shown_around_the_hit, setup, teardown),
        cmocka_unit_test_setup_teardown(more_than_a_page_of_notes, setup, teardown),
        cmocka_unit_test_setup_teardown(strange_values_are_no_danger, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_may_end_anywhere, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
