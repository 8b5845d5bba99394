/* Files of a message: no more of them is fetched than it may have, nor of too many at once; and
 * what takes long is made durable first. */
#include "channels/chat/content.h"
#include "tests/unit/chat_rig.h"

#define PNG "\x89PNG\r\n\x1A\n...."
#define MIB ((size_t)1 << 20)

/* Files that are larger on the network than anybody should fetch. */
struct network {
    const char *begins;
    size_t has; /* bytes of each */
    size_t asked[NF_CHAT_FILES_MAX], calls, fetched;
    unsigned char *bytes;
    int inside, peak; /* at once */
    int64_t slow_ms;
    int kept;
    enum nf_code keep_fails;
};

static struct network net;

static enum nf_code fetch(void *arg, size_t i, struct nf_chat_file *file, size_t room,
                          struct nf_err *err)
{
    (void)arg;
    net.asked[i] = room;
    net.calls++;
    net.inside++;
    net.peak = net.inside > net.peak ? net.inside : net.peak;
    enum nf_code rc = net.slow_ms ? nf_sleep(net.slow_ms, err) : NF_OK;
    net.inside--;
    if (rc != NF_OK)
        return rc;
    free(net.bytes);
    file->n = net.has < room ? net.has : room;
    file->cut = net.has > room;
    net.bytes = calloc(1, file->n + 1);
    assert_non_null(net.bytes);
    memset(net.bytes, 'x', file->n);
    memcpy(net.bytes, net.begins, strlen(net.begins) < file->n ? strlen(net.begins) : file->n);
    file->data = net.bytes;
    net.fetched += file->n;
    return NF_OK;
}

static int reset(void **state)
{
    (void)state;
    free(net.bytes);
    net = (struct network){ .begins = PNG, .has = 12 };
    return 0;
}

static const char *written(struct nf_chat_file *files, size_t n)
{
    static char text[16384];
    struct nf_chat_content c = { 0 };
    struct nf_err err;
    const struct nf_chat_said s = { .text = "see", .files = files, .files_n = n, .fetch = fetch };
    assert_ok(nf_chat_write_content(&s, NULL, false, &c, &err), &err);
    (void)snprintf(text, sizeof(text), "%.16000s", nf_str_c(&c.text));
    nf_chat_content_done(&c);
    return text;
}

static void what_is_announced_as_too_large_is_not_asked_for(void **state)
{
    struct nf_chat_file f = { .name = "a", .media_type = "image/png", .announced = 20 * MIB };
    (void)state;
    assert_non_null(strstr(written(&f, 1), "[file a: left out, the files are larger than 6 MiB"));
    assert_int_equal(net.calls, 0);
    f.announced = NF_MEDIA_BYTES_MAX;
    net.has = NF_MEDIA_BYTES_MAX;
    assert_non_null(strstr(written(&f, 1), "[file a: a picture]"));
    f.announced++;
    assert_non_null(strstr(written(&f, 1), "left out"));
    assert_int_equal(net.calls, 1);
}

static void what_is_larger_than_announced_is_cut_off(void **state)
{
    struct nf_chat_file f = { .name = "a", .media_type = "image/png", .announced = 100 };
    (void)state;
    net.has = 20 * MIB;
    assert_non_null(strstr(written(&f, 1), "left out, the files are larger than 6 MiB"));
    assert_int_equal(net.fetched, NF_MEDIA_BYTES_MAX);
}

static void each_file_gets_the_room_that_is_left(void **state)
{
    struct nf_chat_file f[NF_CHAT_FILES_MAX];
    (void)state;
    for (size_t i = 0; i < NF_CHAT_FILES_MAX; i++)
        f[i] = (struct nf_chat_file){ .name = "a", .media_type = "" };
    net.has = 4 * MIB;
    const char *text = written(f, NF_CHAT_FILES_MAX);
    assert_non_null(strstr(text, "[file a: a picture]\n\n[file a: left out"));
    assert_int_equal(net.asked[0], NF_MEDIA_BYTES_MAX);
    for (size_t i = 1; i < NF_CHAT_FILES_MAX; i++)
        assert_int_equal(net.asked[i], NF_MEDIA_BYTES_MAX - net.has);
}

static void of_a_long_text_the_beginning_is_enough(void **state)
{
    struct nf_chat_file f = { .name = "log", .media_type = "text/plain", .announced = 15 * MIB };
    (void)state;
    net.begins = "line\n";
    net.has = 15 * MIB;
    assert_non_null(strstr(written(&f, 1), "[file log: its first 65536 of 15728640 bytes]"));
    assert_int_equal(net.fetched, NF_CHAT_INLINE_MAX);

    f.announced = 0; /* nobody knows how long it is */
    assert_non_null(strstr(written(&f, 1), "[file log: its first 65536 bytes]"));
}

/* A character that the cut went through is no reason not to read the rest. */
static void a_text_is_cut_between_characters(void **state)
{
    static char bytes[] = "ab\xD1\x8F\xD1"; /* two and a half */
    struct nf_chat_file f = {
        .name = "t", .media_type = "", .data = (unsigned char *)bytes, .n = 5, .cut = true
    };
    struct nf_chat_said s = { .text = "see", .files = &f, .files_n = 1 };
    struct nf_chat_content c = { 0 };
    struct nf_err err;
    (void)state;
    assert_ok(nf_chat_write_content(&s, NULL, false, &c, &err), &err);
    assert_non_null(strstr(nf_str_c(&c.text), "\nab\xD1\x8F\n"));
    nf_chat_content_done(&c);
    f.cut = false;
    assert_ok(nf_chat_write_content(&s, NULL, false, &c, &err), &err);
    assert_non_null(strstr(nf_str_c(&c.text), "nothing that I can read"));
    nf_chat_content_done(&c);
}

/* --- taken in ----------------------------------------------------------------------------------
 */

struct sender {
    struct rig *r;
    struct nf_chat_said s;
    struct nf_chat_file f;
};

static enum nf_code send_one(void *arg, struct nf_err *err)
{
    struct sender *s = arg;
    return nf_chat_receive(s->r->channel, &s->s, err);
}

RIG_TEST(few_messages_have_their_files_in_memory_at_once)
{
    struct sender v[3 * NF_CHAT_FETCHES_MAX];
    struct nf_scope all;
    (void)reset(NULL);
    net.slow_ms = 10;
    MODEL_SAYS(r->w, { .text = "ok" });
    nf_scope_init(&all, r->loop);
    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        v[i] = (struct sender){ .r = r,
                                .s = rig_said(r, "look"),
                                .f = { .name = "a", .media_type = "" } };
        v[i].s.files = &v[i].f;
        v[i].s.files_n = 1;
        v[i].s.fetch = fetch;
        assert_ok(nf_scope_spawn(&all, send_one, &v[i], NULL, &r->w->err), &r->w->err);
    }
    assert_ok(nf_scope_join(&all, &r->w->err), &r->w->err);
    assert_int_equal(net.calls, sizeof(v) / sizeof(v[0]));
    assert_int_equal(net.peak, NF_CHAT_FETCHES_MAX);
    rig_settle(r);
}

static enum nf_code keep(void *arg, const char **source, struct nf_err *err)
{
    (void)arg;
    net.kept++;
    assert_int_equal(net.calls, 0);
    if (net.keep_fails != NF_OK)
        return nf_err_set(err, net.keep_fails, "it is not kept");
    *source = "held:telegram:1";
    return NF_OK;
}

RIG_TEST(what_takes_long_is_made_durable_first)
{
    struct nf_chat_file f = { .name = "a", .media_type = "" };
    struct nf_chat_said s = rig_said(r, "hello");
    (void)reset(NULL);
    s.keep = keep;
    MODEL_SAYS(r->w, { .text = "hi" });
    rig_receive(r, &s);
    rig_settle(r);
    assert_int_equal(net.kept, 0); /* what is taken at once is durable by itself */

    s = rig_said(r, "look");
    s.keep = keep;
    s.files = &f;
    s.files_n = 1;
    s.fetch = fetch;
    net.keep_fails = NF_E_UNAVAILABLE;
    assert_code(nf_chat_receive(r->channel, &s, &r->w->err), NF_E_UNAVAILABLE);
    net.keep_fails = NF_E_CONFLICT; /* it was taken before */
    rig_receive(r, &s);
    assert_int_equal(net.calls, 0);
    net.keep_fails = NF_OK;
    rig_receive(r, &s);
    rig_settle(r);
    assert_int_equal(net.calls, 1);
    assert_int_equal(net.kept, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_announced_as_too_large_is_not_asked_for, reset,
                                        reset),
        cmocka_unit_test_setup_teardown(what_is_larger_than_announced_is_cut_off, reset, reset),
        cmocka_unit_test_setup_teardown(each_file_gets_the_room_that_is_left, reset, reset),
        cmocka_unit_test_setup_teardown(of_a_long_text_the_beginning_is_enough, reset, reset),
        cmocka_unit_test_setup_teardown(a_text_is_cut_between_characters, reset, reset),
        cmocka_unit_test_setup_teardown(few_messages_have_their_files_in_memory_at_once, reset,
                                        reset),
        cmocka_unit_test_setup_teardown(what_takes_long_is_made_durable_first, reset, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
