/* What a plugin asks and gets beside the web: settings, secrets, capabilities, a store in memory,
 * files in a directory of the test. */
#include "tests/integration/broker_rig.h"

/* --- config ----------------------------------------------------------------------------------- */

static enum nf_code configured(struct fixture *f, struct nf_err *err)
{
    NF_TRY(grant(f, "\"http\":[\"%s/api/\"]", err));
    EXPECT(ask(NF_SKILL_OP_CONFIG_GET, "{\"key\":\"words\"}", "") == NF_SKILL_OK);
    EXPECT(said("of the owner"));
    EXPECT(ask(NF_SKILL_OP_CONFIG_GET, "{\"key\":\"none\"}", "") == NF_SKILL_E_NOT_FOUND);
    EXPECT(ask(NF_SKILL_OP_CONFIG_GET, "{\"key\":\"theirs\"}", "") == NF_SKILL_E_NOT_FOUND);
    EXPECT(ask(NF_SKILL_OP_CONFIG_GET, "{}", "") == NF_SKILL_E_INVALID);
    /* What the owner set for it may be reached, not what was set for another. */
    EXPECT(fetch_path(f, "/set/x", NULL) == NF_SKILL_OK);
    EXPECT(fetch_path(f, "/set", NULL) == NF_SKILL_E_DENIED);
    EXPECT(fetch_path(f, "/theirs/x", NULL) == NF_SKILL_E_DENIED);
    /* A skill that may not ask the web at all may not by this either. */
    NF_TRY(grant(f, "\"kv\":true", err));
    EXPECT(fetch_path(f, "/set/x", NULL) == NF_SKILL_E_DENIED);
    return NF_OK;
}

static void the_owner_sets_values_for_a_skill(void **state)
{
    (void)state;
    play(serve, configured);
}

/* --- secrets ---------------------------------------------------------------------------------- */

/* What `pieces` are together, without the secret's own part, which is `n` characters at `at`. */
static bool is_masked(const char *text, size_t at, size_t n)
{
    NF_CLEANUP(nf_str_done) struct nf_str s = { 0 };
    struct nf_err err;

    assert_ok(nf_str_set(&s, text, &err), &err);
    nf_broker_mask(&st.broker, &s);
    for (size_t i = 0; i < s.len; i++)
        if ((s.p[i] == '*') != (i >= at && i < at + n))
            return false;
    return strlen(text) == s.len;
}

/* Base64 of `before` bytes, the secret and what follows it. */
static void in_base64(size_t before, const char *behind, bool url, struct nf_str *ret)
{
    NF_CLEANUP(nf_str_done) struct nf_str plain = { 0 };
    struct nf_err err;

    nf_str_reset(ret);
    assert_ok(nf_str_add(&plain, "user:user:", before, &err), &err);
    assert_ok(nf_str_adds(&plain, ODD, &err), &err);
    assert_ok(nf_str_adds(&plain, behind, &err), &err);
    assert_ok(nf_base64(plain.p, plain.len, ret, &err), &err);
    for (size_t i = 0; url && i < ret->len; i++)
        ret->p[i] = (char)(ret->p[i] == '+' ? '-' : ret->p[i] == '/' ? '_' : ret->p[i]);
}

static enum nf_code encoded(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    static const char *const forms[] = {
        ODD,
        "odd%20%22%5C%2F%2B%3F%3E~%25%3E%3E%3E%3F%3F%3F%20one",
        "odd%20%22%5c%2f%2b%3f%3e~%25%3e%3e%3e%3f%3f%3f%20one",
        "odd \\\"\\\\/+?>~%>>>??? one",
        "odd \\\"\\\\\\/+?>~%>>>??? one",
    };

    NF_TRY(grant(f, "\"http\":[\"%s/\"],\"secrets\":[\"ODD\"]", err));
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        nf_str_reset(&text);
        NF_TRY(nf_str_addf(&text, err, "before %s behind", forms[i]));
        EXPECT(is_masked(nf_str_c(&text), 7, strlen(forms[i])));
    }
    for (size_t before = 0; before < 10; before++)
        for (int url = 0; url < 2; url++) {
            in_base64(before, "and more", url, &text);
            size_t from = (8 * before + 5) / 6;
            EXPECT(is_masked(nf_str_c(&text), from, 8 * (before + strlen(ODD)) / 6 - from));
        }
    EXPECT(is_masked("odd one, of no secret", 0, 0));
    return NF_OK;
}

static void a_secret_is_masked_however_it_is_written(void **state)
{
    (void)state;
    play(serve, encoded);
}

static enum nf_code secrets(struct fixture *f, struct nf_err *err)
{
    NF_TRY(grant(f, "\"http\":[\"%s/\"],\"secrets\":[\"KEY\",\"AWAY\",\"NONE\"]", err));
    /* Sent, and masked in the echo: in the body and in a header. */
    EXPECT(fetch_path(f, "/echo", "Authorization: Bearer ${secret:KEY}") == NF_SKILL_OK);
    EXPECT(said("Authorization: Bearer ******************\r\n") && !said(SECRET));
    EXPECT(fetch_path(f, "/header", NULL) == NF_SKILL_OK);
    EXPECT(strstr(nf_str_c(&st.answer.json), "\"x-echo\":\"******************\""));
    EXPECT(!strstr(nf_str_c(&st.answer.json), SECRET));

    EXPECT(fetch_path(f, "/echo", "X: ${secret:OTHER}") == NF_SKILL_E_DENIED);
    EXPECT(said("not among those of the manifest"));
    EXPECT(fetch_path(f, "/echo", "X: ${secret:NONE}") == NF_SKILL_E_DENIED);
    EXPECT(said("not configured"));
    EXPECT(fetch_path(f, "/echo", "X: ${secret:AWAY}") == NF_SKILL_E_DENIED);
    EXPECT(said("may not be sent to"));
    EXPECT(fetch_path(f, "/echo", "X: ${secret:KEY") == NF_SKILL_E_INVALID);
    /* Only in values of headers. */
    EXPECT(fetch_path(f, "/${secret:KEY}", NULL) == NF_SKILL_E_INVALID);
    EXPECT(fetch_path(f, "/echo", "${secret:KEY}: a") == NF_SKILL_E_INVALID);
    return NF_OK;
}

static void a_secret_is_sent_and_never_seen(void **state)
{
    (void)state;
    play(serve, secrets);
}

static enum nf_code secret_places(struct fixture *f, struct nf_err *err)
{
    char capabilities[256];

    /* To another origin it is not taken along. */
    (void)snprintf(capabilities, sizeof capabilities,
                   "\"http\":[\"%%s/\",\"http://localhost%s/\"],\"secrets\":[\"KEY\"]",
                   strrchr(f->url, ':'));
    NF_TRY(grant(f, capabilities, err));
    EXPECT(fetch_path(f, "/otherport", "Authorization: Bearer ${secret:KEY}") == NF_SKILL_OK);
    EXPECT(said("GET /echo ") && !said("Authorization"));
    EXPECT(fetch_path(f, "/otherport", "Cookie: a=b") == NF_SKILL_OK && !said("Cookie"));
    EXPECT(fetch_path(f, "/twice", "X: ${secret:KEY}") == NF_SKILL_OK && said("X: ******"));

    NF_TRY(grant(f, "\"http\":[\"*\"],\"secrets\":[\"KEY\"]", err));
    char json[] = "{\"url\":\"https://a.example/\",\"headers\":[\"X: ${secret:KEY}\"]}";
    EXPECT(ask(NF_SKILL_OP_HTTP_FETCH, json, "") == NF_SKILL_E_DENIED);
    EXPECT(said("skills.secrets.urls"));
    NF_TRY(grant(f, "\"http\":[\"http://a.example/\"],\"secrets\":[\"KEY\"]", err));
    char plain[] = "{\"url\":\"http://a.example/\",\"headers\":[\"X: ${secret:KEY}\"]}";
    EXPECT(ask(NF_SKILL_OP_HTTP_FETCH, plain, "") == NF_SKILL_E_DENIED && said("plain http"));
    return NF_OK;
}

static void a_secret_goes_only_where_it_may(void **state)
{
    (void)state;
    play(serve, secret_places);
}

/* --- capabilities ----------------------------------------------------------------------------- */

static enum nf_code nothing(struct fixture *f, struct nf_err *err)
{
    NF_TRY(grant(f, "", err));
    for (int op = 0; op < NF_SKILL_OPS + 3; op++) {
        bool open = op == NF_SKILL_OP_LOG || op == NF_SKILL_OP_PROGRESS;
        int code =
            ask((enum nf_skill_op)op, "{\"path\":\"a\",\"key\":\"k\",\"url\":\"http://a/\"}", "x");
        int wanted = open                           ? NF_SKILL_OK
                     : op == NF_SKILL_OP_CONFIG_GET ? NF_SKILL_E_NOT_FOUND
                                                    : NF_SKILL_E_DENIED;
        if (code != wanted)
            return nf_err_set(err, NF_E_INTERNAL, "op %d: code %d", op, code);
    }
    return NF_OK;
}

static void without_a_capability_everything_is_denied(void **state)
{
    (void)state;
    play(serve, nothing);
}

static enum nf_code many_asks(struct fixture *f, struct nf_err *err)
{
    NF_TRY(grant(f, "", err));
    st.broker.asks = NF_BROKER_ASKS_MAX - 1;
    EXPECT(ask(NF_SKILL_OP_LOG, "{}", "x") == NF_SKILL_OK);
    EXPECT(ask(NF_SKILL_OP_LOG, "{}", "x") == NF_SKILL_E_LIMIT);
    return NF_OK;
}

static void a_call_asks_so_often(void **state)
{
    (void)state;
    play(serve, many_asks);
}

static enum nf_code progress(struct fixture *f, struct nf_err *err)
{
    char long_text[400];

    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    NF_TRY(grant(f, "", err));
    EXPECT(ask(NF_SKILL_OP_PROGRESS, "{\"percent\":40}", "half\x1b[2J") == NF_SKILL_OK);
    EXPECT(st.shown == 1 && st.percent == 40 && strcmp(st.text, "half?[2J") == 0);
    /* A busy machine may be late, but not every time. */
    int asked = 1;
    for (; st.shown == asked && asked < 20; asked++)
        EXPECT(ask(NF_SKILL_OP_PROGRESS, "{\"percent\":50}", "too soon") == NF_SKILL_OK);
    EXPECT(st.shown == asked - 1);
    NF_TRY(nf_sleep(NF_BROKER_PROGRESS_MS + 20, err));
    EXPECT(ask(NF_SKILL_OP_PROGRESS, "{\"percent\":500}", long_text) == NF_SKILL_OK);
    EXPECT(st.shown == asked && st.percent == -1 && strlen(st.text) == NF_BROKER_PROGRESS_MAX);
    return NF_OK;
}

static void progress_is_shown_clean_and_not_too_often(void **state)
{
    (void)state;
    play(serve, progress);
}

/* --- kv --------------------------------------------------------------------------------------- */

static enum nf_code kv(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str big = { 0 };

    NF_TRY(grant(f, "\"kv\":true", err));
    EXPECT(ask(NF_SKILL_OP_KV_GET, "{\"key\":\"a\"}", "") == NF_SKILL_E_NOT_FOUND);
    EXPECT(ask(NF_SKILL_OP_KV_PUT, "{\"key\":\"a\"}", "one") == NF_SKILL_OK);
    EXPECT(ask(NF_SKILL_OP_KV_GET, "{\"key\":\"a\"}", "") == NF_SKILL_OK && said("one"));
    EXPECT(ask(NF_SKILL_OP_KV_PUT, "{\"key\":\"b\"}", "two") == NF_SKILL_OK);
    EXPECT(ask(NF_SKILL_OP_KV_LIST, "{\"prefix\":\"\"}", "") == NF_SKILL_OK);
    EXPECT(strcmp(nf_str_c(&st.answer.json), "[\"a\",\"b\"]") == 0);
    EXPECT(ask(NF_SKILL_OP_KV_LIST, "{\"after\":\"a\",\"limit\":1}", "") == NF_SKILL_OK);
    EXPECT(strcmp(nf_str_c(&st.answer.json), "[\"b\"]") == 0);
    EXPECT(ask(NF_SKILL_OP_KV_DELETE, "{\"key\":\"a\"}", "") == NF_SKILL_OK);
    EXPECT(ask(NF_SKILL_OP_KV_DELETE, "{\"key\":\"a\"}", "") == NF_SKILL_E_NOT_FOUND);
    EXPECT(ask(NF_SKILL_OP_KV_GET, "{\"key\":\"a b\"}", "") == NF_SKILL_E_INVALID);
    EXPECT(ask(NF_SKILL_OP_KV_GET, "{\"key\":\"\"}", "") == NF_SKILL_E_INVALID);

    for (int i = 0; i < 1024; i++)
        NF_TRY(nf_str_adds(&big, "x", err));
    EXPECT(ask(NF_SKILL_OP_KV_PUT, "{\"key\":\"c\"}", nf_str_c(&big)) == NF_SKILL_E_LIMIT);

    /* Somebody else's are others. */
    st.call.user_id = 8;
    EXPECT(ask(NF_SKILL_OP_KV_GET, "{\"key\":\"b\"}", "") == NF_SKILL_E_NOT_FOUND);
    return NF_OK;
}

static void keys_are_of_one_skill_and_person(void **state)
{
    (void)state;
    play(serve, kv);
}

/* --- files ------------------------------------------------------------------------------------ */

static int write_file(const char *path, const char *text)
{
    char json[2048];
    (void)snprintf(json, sizeof json, "{\"path\":\"%s\"}", path);
    return ask(NF_SKILL_OP_FILE_WRITE, json, text);
}

static int on_path(enum nf_skill_op op, const char *path)
{
    char json[2048];
    (void)snprintf(json, sizeof json, "{\"path\":\"%s\"}", path);
    return ask(op, json, "");
}

static enum nf_code files(struct fixture *f, struct nf_err *err)
{
    NF_TRY(grant(f, "\"files\":\"workspace\"", err));
    EXPECT(on_path(NF_SKILL_OP_FILE_LIST, "") == NF_SKILL_OK);
    EXPECT(strcmp(nf_str_c(&st.answer.json), "[]") == 0);
    EXPECT(on_path(NF_SKILL_OP_FILE_READ, "a/b.txt") == NF_SKILL_E_NOT_FOUND);
    EXPECT(write_file("a/b.txt", "hello") == NF_SKILL_OK);
    EXPECT(write_file("a/b.txt", "hello, world") == NF_SKILL_OK);
    EXPECT(on_path(NF_SKILL_OP_FILE_READ, "a/b.txt") == NF_SKILL_OK);
    EXPECT(strcmp(nf_str_c(&st.answer.raw), "hello, world") == 0);
    EXPECT(ask(NF_SKILL_OP_FILE_READ, "{\"path\":\"a/b.txt\",\"offset\":7,\"limit\":3}", "") == 0);
    EXPECT(strcmp(nf_str_c(&st.answer.raw), "wor") == 0);
    EXPECT(ask(NF_SKILL_OP_FILE_READ, "{\"path\":\"a/b.txt\",\"offset\":99}", "") == 0);
    EXPECT(st.answer.raw.len == 0);
    EXPECT(on_path(NF_SKILL_OP_FILE_LIST, "") == NF_SKILL_OK);
    EXPECT(strstr(nf_str_c(&st.answer.json), "{\"name\":\"a\",\"type\":\"directory\",\"size\":0,"));
    EXPECT(on_path(NF_SKILL_OP_FILE_LIST, "a") == NF_SKILL_OK);
    EXPECT(strstr(nf_str_c(&st.answer.json), "{\"name\":\"b.txt\",\"type\":\"file\",\"size\":12,"));
    EXPECT(on_path(NF_SKILL_OP_FILE_READ, "a") == NF_SKILL_E_INVALID);
    EXPECT(write_file("a", "x") == NF_SKILL_E_INVALID);
    EXPECT(write_file("a/b.txt/c", "x") == NF_SKILL_E_INVALID);
    EXPECT(on_path(NF_SKILL_OP_FILE_REMOVE, "a") == NF_SKILL_E_INVALID && said("not empty"));
    EXPECT(on_path(NF_SKILL_OP_FILE_REMOVE, "a/b.txt") == NF_SKILL_OK);
    EXPECT(on_path(NF_SKILL_OP_FILE_REMOVE, "a/b.txt") == NF_SKILL_E_NOT_FOUND);
    EXPECT(on_path(NF_SKILL_OP_FILE_REMOVE, "a") == NF_SKILL_OK);
    /* Another conversation has files of its own. */
    EXPECT(write_file("mine", "x") == NF_SKILL_OK);
    st.call.session_id = 43;
    EXPECT(on_path(NF_SKILL_OP_FILE_READ, "mine") == NF_SKILL_E_NOT_FOUND);
    /* By hand, without one, each person has files of their own. */
    st.call.session_id = 0;
    EXPECT(write_file("mine", "by hand") == NF_SKILL_OK);
    st.call.user_id = 8;
    EXPECT(on_path(NF_SKILL_OP_FILE_READ, "mine") == NF_SKILL_E_NOT_FOUND);
    return NF_OK;
}

static void files_are_written_read_listed_and_removed(void **state)
{
    (void)state;
    play(serve, files);
}

static enum nf_code bad_paths(struct fixture *f, struct nf_err *err)
{
    static const char *const bad[] = { "/etc/passwd", "../x",    "a/../../x",  "a//b", "a/",
                                       "./a",         "a/./b",   "..",         ".",    "/",
                                       "a\\u0007b",   ".nf-new", "a/.nf-newer" };
    char path[NF_WORKSPACE_PATH_MAX + 2];

    NF_TRY(grant(f, "\"files\":\"workspace\"", err));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (write_file(bad[i], "x") != NF_SKILL_E_INVALID ||
            on_path(NF_SKILL_OP_FILE_READ, bad[i]) != NF_SKILL_E_INVALID ||
            on_path(NF_SKILL_OP_FILE_REMOVE, bad[i]) != NF_SKILL_E_INVALID)
            return nf_err_set(err, NF_E_INTERNAL, "taken: %s", bad[i]);
    EXPECT(on_path(NF_SKILL_OP_FILE_LIST, "..") == NF_SKILL_E_INVALID);
    EXPECT(ask(NF_SKILL_OP_FILE_READ, "{}", "") == NF_SKILL_E_INVALID);

    memset(path, 'n', sizeof path);
    path[NF_WORKSPACE_NAME_MAX] = '\0';
    EXPECT(write_file(path, "x") == NF_SKILL_OK);
    path[NF_WORKSPACE_NAME_MAX] = 'n';
    path[NF_WORKSPACE_NAME_MAX + 1] = '\0';
    EXPECT(write_file(path, "x") == NF_SKILL_E_INVALID);
    for (size_t i = 0; i < NF_WORKSPACE_DEPTH_MAX + 1; i++)
        memcpy(path + 2 * i, "d/", 2);
    path[2 * NF_WORKSPACE_DEPTH_MAX + 1] = '\0';
    EXPECT(write_file(path, "x") == NF_SKILL_E_INVALID);
    return NF_OK;
}

static void paths_that_lead_out_are_refused(void **state)
{
    (void)state;
    play(serve, bad_paths);
}

static enum nf_code links(struct fixture *f, struct nf_err *err)
{
    char link[128], target[128];

    NF_TRY(grant(f, "\"files\":\"workspace\"", err));
    EXPECT(write_file("own", "x") == NF_SKILL_OK);
    (void)snprintf(target, sizeof target, "%s/outside", st.dir);
    EXPECT(mkdir(target, 0700) == 0);
    (void)snprintf(link, sizeof link, "%s/work/42/dir", st.dir);
    EXPECT(symlink(target, link) == 0);
    (void)snprintf(link, sizeof link, "%s/work/42/file", st.dir);
    EXPECT(symlink("/etc/passwd", link) == 0);
    (void)snprintf(link, sizeof link, "%s/work/42/fifo", st.dir);
    EXPECT(mkfifo(link, 0600) == 0);

    EXPECT(on_path(NF_SKILL_OP_FILE_READ, "file") == NF_SKILL_E_DENIED && said("a link"));
    EXPECT(write_file("dir/x", "x") == NF_SKILL_E_DENIED);
    EXPECT(write_file("dir/y/x", "x") == NF_SKILL_E_DENIED);
    EXPECT(on_path(NF_SKILL_OP_FILE_LIST, "dir") != NF_SKILL_OK);
    EXPECT(on_path(NF_SKILL_OP_FILE_REMOVE, "dir/x") != NF_SKILL_OK);
    EXPECT(on_path(NF_SKILL_OP_FILE_READ, "fifo") == NF_SKILL_E_INVALID);
    EXPECT(on_path(NF_SKILL_OP_FILE_LIST, "") == NF_SKILL_OK);
    EXPECT(strstr(nf_str_c(&st.answer.json), "own") && !strstr(nf_str_c(&st.answer.json), "fifo") &&
           !strstr(nf_str_c(&st.answer.json), "\"dir\""));
    /* A file that is written takes the place of a link, and does not follow it. */
    EXPECT(write_file("file", "mine") == NF_SKILL_OK);
    EXPECT(on_path(NF_SKILL_OP_FILE_READ, "file") == NF_SKILL_OK && said("mine"));
    EXPECT(rmdir(target) == 0); /* nothing was put there */
    return NF_OK;
}

static void links_are_not_followed(void **state)
{
    (void)state;
    play(serve, links);
}

static enum nf_code quotas(struct fixture *f, struct nf_err *err)
{
    static char big[8193];

    memset(big, 'x', 8192);
    NF_TRY(grant(f, "\"files\":\"workspace\"", err));
    EXPECT(write_file("big", big) == NF_SKILL_OK); /* 8,192 bytes */
    EXPECT(write_file("big", big) == NF_SKILL_OK); /* replaces itself */
    EXPECT(write_file("more", "x") == NF_SKILL_E_LIMIT && said("skills.workspace_size"));
    EXPECT(on_path(NF_SKILL_OP_FILE_REMOVE, "big") == NF_SKILL_OK);
    EXPECT(write_file("1", "x") == 0 && write_file("2", "x") == 0 && write_file("3", "x") == 0);
    EXPECT(write_file("4", "x") == 0 && write_file("5", "x") == 0 && write_file("6", "x") == 0);
    EXPECT(write_file("7", "x") == NF_SKILL_E_LIMIT && said("skills.workspace_files"));
    EXPECT(write_file("6", "y") == NF_SKILL_OK);
    return NF_OK;
}

static void bytes_and_files_of_a_session_are_bounded(void **state)
{
    (void)state;
    play(serve, quotas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_sent_and_never_seen),
        cmocka_unit_test(a_secret_is_masked_however_it_is_written),
        cmocka_unit_test(the_owner_sets_values_for_a_skill),
        cmocka_unit_test(a_secret_goes_only_where_it_may),
        cmocka_unit_test(without_a_capability_everything_is_denied),
        cmocka_unit_test(a_call_asks_so_often),
        cmocka_unit_test(progress_is_shown_clean_and_not_too_often),
        cmocka_unit_test(keys_are_of_one_skill_and_person),
        cmocka_unit_test(files_are_written_read_listed_and_removed),
        cmocka_unit_test(paths_that_lead_out_are_refused),
        cmocka_unit_test(links_are_not_followed),
        cmocka_unit_test(bytes_and_files_of_a_session_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
