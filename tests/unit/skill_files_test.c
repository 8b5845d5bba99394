#include "tests/support/skill_host.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct nf_skill_v1 nf_skill_v1;

static void put(struct skill_rig *rig, const char *path, const char *text)
{
    skill_rig_put_file(rig, path, text, strlen(text));
}

static int setup(void **data)
{
    struct skill_rig *rig = skill_rig_new(&nf_skill_v1);

    put(rig, "README.md", "# Title\n\nFirst line\nsecond Line\n");
    put(rig, "src/main.c", "int main(void)\n{\n    return 0;\n}\n");
    put(rig, "src/deep/x.py", "print('caf\xc3\xa9')\nno end");
    skill_rig_put_file(rig, "logo.png", "\x89PNG\0\1line", 10);
    *data = rig;
    return 0;
}

static int teardown(void **data)
{
    skill_rig_free(*data);
    return 0;
}

static void files_are_read_by_lines(void **data)
{
    struct skill_rig *rig = *data;

    skill_is(rig, "read", "{\"path\":\"README.md\"}",
             "1: # Title\n2: \n3: First line\n4: second Line\n");
    skill_is(rig, "read", "{\"path\":\"./README.md\",\"line\":3,\"count\":1,\"numbers\":false}",
             "First line\n(lines 3 to 3 of 4; read on with a larger \"line\")\n");
    skill_has(rig, "read", "{\"path\":\"src/deep/x.py\",\"line\":2}",
              "2: no end\n(lines 2 to 2 of 2)");
    put(rig, "empty", "");
    skill_is(rig, "read", "{\"path\":\"empty\"}", "(the file is empty)\n");
    put(rig, "bad",
        "a\xff"
        "b\n");
    skill_is(rig, "read", "{\"path\":\"bad\"}",
             "1: a\xef\xbf\xbd"
             "b\n");
    skill_fails(rig, "read", "{\"path\":\"logo.png\"}", NF_SKILL_E_INVALID, "no text (10 bytes)");
    skill_fails(rig, "read", "{\"path\":\"none\"}", NF_SKILL_E_NOT_FOUND,
                "no \"none\" in the workspace");
    skill_fails(rig, "read", "{\"path\":\"README.md\",\"line\":9}", NF_SKILL_E_INVALID,
                "4 lines only");
    skill_fails(rig, "read", "{\"path\":\"/etc/passwd\"}", NF_SKILL_E_INVALID,
                "relative to the workspace");
    skill_fails(rig, "read", "{\"path\":\"a/../../b\"}", NF_SKILL_E_INVALID, "a/../../b");
    skill_fails(rig, "read", "{\"path\":\".\"}", NF_SKILL_E_INVALID, "must name a file");
}

static void large_files_come_in_pieces(void **data)
{
    struct skill_rig *rig = *data;
    const size_t mib = (size_t)1 << 20, n = 3 * mib + 5;
    char *big = malloc(n + 2 * mib);

    assert_non_null(big);
    memset(big, 'x', n + 2 * mib);
    for (size_t i = 79; i < n; i += 80)
        big[i] = '\n';
    skill_rig_put_file(rig, "big", big, n);
    skill_has(rig, "read", "{\"path\":\"big\",\"line\":39000,\"count\":1}", "of 39322;");
    skill_has(rig, "read", "{\"path\":\"big\",\"count\":2000}", "(lines 1 to 2000 of 39322");
    skill_rig_put_file(rig, "huge", big, n + 2 * mib);
    skill_fails(rig, "read", "{\"path\":\"huge\"}", NF_SKILL_E_LIMIT, "over 4 MiB");
    skill_has(rig, "search", "{\"query\":\"zzz\"}", "2 that are no text or too large");
    memset(big, 'y', 3000);
    skill_rig_put_file(rig, "wide", big, 3000);
    skill_has(rig, "read", "{\"path\":\"wide\"}", "y... (1000 bytes more)");
    free(big);
}

static void files_are_written(void **data)
{
    struct skill_rig *rig = *data;

    skill_is(rig, "write", "{\"path\":\"new/a.txt\",\"text\":\"x\\ny\"}",
             "{\"path\":\"new/a.txt\",\"created\":true,\"bytes\":3,\"lines\":2}");
    assert_string_equal(skill_rig_file(rig, "new/a.txt"), "x\ny");
    skill_has(rig, "write", "{\"path\":\"new/a.txt\",\"text\":\"\\nz\",\"mode\":\"append\"}",
              "\"created\":false");
    assert_string_equal(skill_rig_file(rig, "new/a.txt"), "x\ny\nz");
    skill_fails(rig, "write", "{\"path\":\"new/a.txt\",\"text\":\"\",\"mode\":\"create\"}",
                NF_SKILL_E_INVALID, "exists already");
    skill_has(rig, "write", "{\"path\":\"new/a.txt\",\"text\":\"\"}", "\"bytes\":0");
    assert_string_equal(skill_rig_file(rig, "new/a.txt"), "");
    skill_fails(rig, "write", "{\"path\":\"src\",\"text\":\"\"}", NF_SKILL_E_INVALID, "src");
}

static void the_tree_is_listed(void **data)
{
    struct skill_rig *rig = *data;

    skill_is(rig, "list", "{}",
             "README.md  32 B\nlogo.png  10 B\nsrc/\n  deep/\n    x.py  21 B\n  main.c  33 B\n"
             "(4 files, 2 directories, 96 B)\n");
    skill_is(rig, "list", "{\"path\":\"src/\",\"depth\":1}",
             "deep/\nmain.c  33 B\n(1 files, 1 directories, 33 B)\n");
    skill_fails(rig, "list", "{\"path\":\"nope\"}", NF_SKILL_E_NOT_FOUND, "nope");
}

static void text_is_searched(void **data)
{
    struct skill_rig *rig = *data;

    skill_is(
        rig, "search", "{\"query\":\"line\"}",
        "README.md\n3: First line\n\n(1 matching lines in 1 of 4 files; 1 that are no text or too "
        "large were not searched)\n");
    skill_has(rig, "search", "{\"query\":\"LINE\",\"ignore_case\":true}",
              "3: First line\n4: second Line\n");
    skill_has(rig, "search", "{\"query\":\"CAF\xc3\x89\",\"ignore_case\":true}",
              "src/deep/x.py\n1: print");
    skill_has(rig, "search", "{\"query\":\"^\\\\w+ \\\\w+\\\\(\",\"regex\":true}",
              "src/main.c\n1: int main");
    skill_has(rig, "search", "{\"query\":\"return\",\"context\":1}",
              "src/main.c\n2- {\n3:     return 0;\n4- }\n");
    skill_has(rig, "search", "{\"query\":\"n\",\"files\":\"*.py\"}", "in 1 of 1 files");
    skill_has(rig, "search", "{\"query\":\"n\",\"files\":\"*a*.?\"}", "in 1 of 1 files");
    skill_has(rig, "search", "{\"query\":\"main\",\"path\":\"src/main.c\"}",
              "(1 matching lines in 1 of 1 files)");
    skill_has(rig, "search", "{\"query\":\"main\",\"path\":\"src\"}", "in 1 of 2 files");
    skill_has(rig, "search", "{\"query\":\"i\",\"max\":1}", "stopped at a limit");
    skill_fails(rig, "search", "{\"query\":\"(\",\"regex\":true}", NF_SKILL_E_INVALID, "\"query\"");
    skill_fails(rig, "search", "{\"query\":\"x\",\"path\":\"nope\"}", NF_SKILL_E_NOT_FOUND, "nope");
    put(rig, "gap", "hit\n1\n2\n3\n4\nhit\n5\n");
    skill_has(rig, "search", "{\"query\":\"hit\",\"context\":1,\"files\":\"gap\"}",
              "gap\n1: hit\n2- 1\n--\n5- 4\n6: hit\n7- 5\n");
}

static void patch(struct skill_rig *rig, const char *before, const char *text, const char *after)
{
    put(rig, "f", before);
    if (skill_rig_call_with(rig, "patch", "patch", text, strlen(text), ",\"path\":\"f\"") !=
        NF_SKILL_OK)
        fail_msg("%s: %s", text, rig->error);
    assert_string_equal(skill_rig_file(rig, "f"), after);
}

static void refused(struct skill_rig *rig, const char *before, const char *text, const char *want)
{
    put(rig, "f", before);
    assert_int_equal(
        skill_rig_call_with(rig, "patch", "patch", text, strlen(text), ",\"path\":\"f\""),
        NF_SKILL_E_INVALID);
    if (!strstr(rig->error, want))
        fail_msg("%s: %s, not %s", text, rig->error, want);
    assert_string_equal(skill_rig_file(rig, "f"), before);
}

static void unified_diffs_apply(void **data)
{
    struct skill_rig *rig = *data;

    patch(rig, "a\nb\nc\n", "--- f\n+++ f\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n", "a\nB\nc\n");
    patch(rig, "a\nb\nc\n", "@@ -9,1 +9,1 @@\n-b\n+B\n", "a\nB\nc\n");
    patch(rig, "a\nb\nc\n", "@@ @@\n-b\n", "a\nc\n");
    patch(rig, "x\na\nx\nb\nx\n", "@@ -5 +5 @@\n-x\n+y\n", "x\na\nx\nb\ny\n");
    patch(rig, "1\n2\n3\n4\n5\n", "@@ -1,2 +1,3 @@\n 1\n+1b\n 2\n@@ -5 +6 @@\n-5\n+five\n",
          "1\n1b\n2\n3\n4\nfive\n");
    patch(rig, "", "@@ -0,0 +1,2 @@\n+a\n+b\n", "a\nb\n");
    patch(rig, "a\n", "@@ -1,1 +0,0 @@\n-a\n", "");
    patch(rig, "a", "@@ -1 +1,2 @@\n a\n+b\n", "a\nb\n");
    patch(rig, "a\nb", "@@ -1,2 +1,2 @@\n-a\n+A\n b\n", "A\nb");
    patch(rig, "a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n\\ No newline at end of file\n", "a\nc");
    patch(rig, "a\n\nb\n", "@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n", "a\n\nc\n");
    patch(rig, "a\r\nb\r\n", "@@ -1,2 +1,3 @@\n a\n+x\n b\n", "a\r\nx\r\nb\r\n");
    patch(rig, "a\nb\nc\n", "@@ -2,0 +3 @@\n+x\n", "a\nb\nx\nc\n");
    refused(rig, "a\nb\n", "@@ -1,2 +1,2 @@\n a\n-x\n+y\n",
            "hunk 1 (line 1): the file has no line \"x\"");
    refused(rig, "a\nb\nc\n", "@@ -1,2 +1,1 @@\n-c\n-a\n", "not together in this order");
    refused(rig, "a\nb\n", "@@ -1 +1 @@\n-a\n+A\n@@ -1 +1 @@\n-a\n+B\n", "hunk 2");
    refused(rig, "a\n", "@@ -1 +1 @@\nxyz\n", "no lines");
    refused(rig, "a\n", "hello\n", "neither a unified diff");
}

static void blocks_apply(void **data)
{
    struct skill_rig *rig = *data;

    patch(rig, "a\nb\nc\n", "<<<<<<< SEARCH\nb\n=======\nB\nB2\n>>>>>>> REPLACE\n",
          "a\nB\nB2\nc\n");
    patch(rig, "a\nb\nc\n",
          "<<<<<<< SEARCH\nc\n=======\nC\n>>>>>>> REPLACE\ntext\n<<<<<<< "
          "SEARCH\na\n=======\n>>>>>>> REPLACE",
          "b\nC\n");
    patch(rig, "", "<<<<<<< SEARCH\n=======\nnew\n>>>>>>> REPLACE\n", "new\n");
    patch(rig, "a\nb", "<<<<<<< SEARCH\nb\n=======\nc\n>>>>>>> REPLACE\n", "a\nc");
    refused(rig, "a\nb\na\n", "<<<<<<< SEARCH\na\n=======\nA\n>>>>>>> REPLACE\n",
            "more than once (lines 1 and 3)");
    refused(rig, "a\n", "<<<<<<< SEARCH\nx y\n=======\nA\n>>>>>>> REPLACE\n",
            "block 1: its search lines are not in the file (first: \"x y\")");
    refused(rig, "a\n", "<<<<<<< SEARCH\na\n=======\nA\n", "it needs the lines");
    refused(rig, "a\n", "<<<<<<< SEARCH\n=======\nA\n>>>>>>> REPLACE\n", "search is empty");
    refused(rig, "a\nb\nc\n",
            "<<<<<<< SEARCH\na\nb\n=======\nA\n>>>>>>> REPLACE\n<<<<<<< "
            "SEARCH\nb\nc\n=======\nA\n>>>>>>> REPLACE\n",
            "the same lines (line 2)");
    refused(rig, "a\n", "<<<<<<< SEARCH\na\n=======\nA\n>>>>>>> REPLACE\n@@ -1 +1 @@\n-a\n+b\n",
            "mixes");
}

static void a_patch_can_be_tried_and_make_a_file(void **data)
{
    struct skill_rig *rig = *data;

    skill_has(rig, "patch",
              "{\"path\":\"README.md\",\"patch\":\"@@ -1 +1 @@\\n-# Title\\n+# "
              "T\\n\",\"check_only\":true}",
              "\"written\":false");
    assert_non_null(strstr(skill_rig_file(rig, "README.md"), "# Title"));
    skill_has(rig, "patch", "{\"path\":\"n\",\"patch\":\"@@ -0,0 +1 @@\\n+x\\n\"}",
              "\"created\":true");
    assert_string_equal(skill_rig_file(rig, "n"), "x\n");
    skill_fails(rig, "patch", "{\"path\":\"logo.png\",\"patch\":\"x\"}", NF_SKILL_E_INVALID,
                "no text");
}

static void files_are_moved_copied_deleted(void **data)
{
    struct skill_rig *rig = *data;

    skill_has(rig, "move", "{\"from\":\"README.md\",\"to\":\"docs/README.md\"}", "\"moved\"");
    assert_null(skill_rig_file(rig, "README.md"));
    assert_non_null(skill_rig_file(rig, "docs/README.md"));
    skill_has(rig, "move", "{\"from\":\"logo.png\",\"to\":\"l.png\",\"copy\":true}", "\"copied\"");
    assert_non_null(skill_rig_file(rig, "logo.png"));
    assert_memory_equal(skill_rig_file(rig, "l.png"), "\x89PNG\0\1line", 10);
    skill_fails(rig, "move", "{\"from\":\"l.png\",\"to\":\"logo.png\"}", NF_SKILL_E_INVALID,
                "overwrite");
    skill_has(rig, "move", "{\"from\":\"l.png\",\"to\":\"logo.png\",\"overwrite\":true}",
              "\"moved\"");
    skill_fails(rig, "move", "{\"from\":\"logo.png\",\"to\":\"./logo.png\"}", NF_SKILL_E_INVALID,
                "same file");
    skill_fails(rig, "move", "{\"from\":\"x\",\"to\":\"y\"}", NF_SKILL_E_NOT_FOUND, "\"x\"");
    skill_is(rig, "delete", "{\"path\":\"src/main.c\"}", "{\"deleted\":\"src/main.c\"}");
    skill_fails(rig, "delete", "{\"path\":\"src/main.c\"}", NF_SKILL_E_NOT_FOUND, "src/main.c");
}

static void memory_may_end_anywhere(void **data)
{
    struct skill_rig *rig = *data;

    skill_survives_no_memory(rig, "read", "{\"path\":\"README.md\"}");
    skill_survives_no_memory(rig, "list", "{}");
    skill_survives_no_memory(rig, "search", "{\"query\":\"l.ne\",\"regex\":true,\"context\":2}");
    skill_survives_no_memory(rig, "patch",
                             "{\"path\":\"README.md\",\"patch\":\"@@ -1 +1 @@\\n-# Title\\n+# "
                             "T\\n\",\"check_only\":true}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_are_read_by_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(large_files_come_in_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(files_are_written, setup, teardown),
        cmocka_unit_test_setup_teardown(the_tree_is_listed, setup, teardown),
        cmocka_unit_test_setup_teardown(text_is_searched, setup, teardown),
        cmocka_unit_test_setup_teardown(unified_diffs_apply, setup, teardown),
        cmocka_unit_test_setup_teardown(blocks_apply, setup, teardown),
        cmocka_unit_test_setup_teardown(a_patch_can_be_tried_and_make_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(files_are_moved_copied_deleted, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_may_end_anywhere, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
