/* For the codecs' tests: what a decoder told, as text, one line per event; and what an encoder
 * wrote. Includes what its users need. */
#pragma once

#include "base/own.h"
#include "codec/json.h"
#include "llm/codec.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRANSCRIPT_MAX ((size_t)64 << 20)
#define ID_SEED UINT64_C(0x1234)

struct transcript {
    struct nf_str text;
    int events, fail_at; /* the event whose receiver fails, counted from 1; 0: none */
    bool ended;          /* END was told */
};

static inline enum nf_code transcript_note(void *arg, const struct nf_completion_event *e,
                                           struct nf_err *err)
{
    static const char *const names[] = { "?",         "START",    "TEXT",    "THINKING",
                                         "SIGNATURE", "REDACTED", "REFUSAL", "TOOL_START",
                                         "TOOL_ARGS", "TOOL_END", "USAGE",   "STOP",
                                         "ERROR",     "END" };
    struct transcript *t = arg;
    if (++t->events == t->fail_at)
        return nf_err_set(err, NF_E_CONFLICT, "enough");
    if (e->type == NF_EVENT_END)
        t->ended = true;
    NF_TRY(nf_str_addf(&t->text, err, "%s", names[e->type]));
    switch (e->type) {
    case NF_EVENT_START:
        NF_TRY(
            nf_str_addf(&t->text, err, " %s %s", e->id ? e->id : "-", e->model ? e->model : "-"));
        break;
    case NF_EVENT_TOOL_START:
        NF_TRY(nf_str_addf(&t->text, err, " %d %s %s", e->index, e->id, e->name));
        break;
    case NF_EVENT_TOOL_ARGS:
    case NF_EVENT_TOOL_END:
        NF_TRY(nf_str_addf(&t->text, err, " %d", e->index));
        break;
    case NF_EVENT_USAGE:
        NF_TRY(nf_str_addf(&t->text, err, " %lld %lld %lld %lld", (long long)e->tokens.input,
                           (long long)e->tokens.output, (long long)e->tokens.cache_read,
                           (long long)e->tokens.cache_write));
        break;
    case NF_EVENT_STOP:
        NF_TRY(nf_str_addf(&t->text, err, " %d %s", (int)e->stop, e->detail ? e->detail : "-"));
        break;
    case NF_EVENT_ERROR:
        NF_TRY(nf_str_addf(&t->text, err, " %s %d %s", nf_code_name(e->code), e->status, e->kind));
        break;
    default:
        break;
    }
    if (e->text.n > 0) {
        NF_TRY(nf_str_adds(&t->text, " |", err));
        NF_TRY(nf_str_add(&t->text, e->text.p, e->text.n, err));
    }
    return nf_str_adds(&t->text, "\n", err);
}

/* Feed `n` bytes in pieces of `piece`, the first of `first`; then the end. */
static inline enum nf_code transcript_run(const struct nf_llm_codec *codec, struct transcript *t,
                                          const char *p, size_t n, size_t first, size_t piece,
                                          struct nf_err *err)
{
    NF_CLEANUP(nf_llm_decoder_freep) struct nf_llm_decoder *d = NULL;
    t->text.max = TRANSCRIPT_MAX;
    NF_TRY(codec->decoder_new(transcript_note, t, ID_SEED, &d, err));
    for (size_t at = 0, take = first; at < n; at += take, take = piece) {
        if (take > n - at)
            take = n - at;
        /* An exact copy, so that valgrind and ASan see a read past the piece. */
        char *copy = malloc(take ? take : 1);
        if (!copy)
            return NF_E_NOMEM;
        memcpy(copy, p + at, take);
        enum nf_code rc = nf_llm_feed(d, copy, take, err);
        free(copy);
        NF_TRY(rc);
    }
    return nf_llm_finish(d, err);
}

/* The stream gives these events, whole, byte by byte, and cut in two anywhere; and without its last
 * `mark` bytes, or more of them, it never ends well. */
static inline void assert_stream(const struct nf_llm_codec *codec, const char *stream, size_t mark,
                                 const char *want)
{
    struct nf_err err;
    size_t n = strlen(stream);
    for (size_t cut = 0; cut <= n + 1; cut++) {
        struct transcript t = { 0 };
        size_t first = cut == n + 1 ? 1 : cut ? cut : n;
        assert_ok(transcript_run(codec, &t, stream, n, first, cut == n + 1 ? 1 : n, &err), &err);
        assert_string_equal(nf_str_c(&t.text), want);
        nf_str_done(&t.text);
    }
    for (size_t keep = 0; mark > 0 && keep + mark <= n; keep++) {
        struct transcript t = { 0 };
        assert_ok(transcript_run(codec, &t, stream, keep, keep, 1, &err), &err);
        if (t.ended)
            fail_msg("ended well after %zu of %zu bytes", keep, n);
        assert_non_null(strstr(nf_str_c(&t.text), "ERROR unavailable 0 truncated"));
        nf_str_done(&t.text);
    }
}

/* The same without the cuts. */
static inline void assert_events(const struct nf_llm_codec *codec, const char *stream,
                                 const char *want)
{
    struct nf_err err;
    struct transcript t = { 0 };
    assert_ok(transcript_run(codec, &t, stream, strlen(stream), strlen(stream), 1, &err), &err);
    assert_string_equal(nf_str_c(&t.text), want);
    nf_str_done(&t.text);
}

/* Every allocation fails once; the decoder says so or was done before. A receiver that fails at any
 * event is told nothing more, and its error comes back. */
static inline void assert_survives_failures(const struct nf_llm_codec *codec, const char *stream)
{
    struct nf_err err;
    for (size_t at = 1;; at++) {
        struct transcript t = { 0 };
        nf_fail_alloc_at(at);
        enum nf_code rc = transcript_run(codec, &t, stream, strlen(stream), 7, 7, &err);
        nf_fail_alloc_at(0);
        nf_str_done(&t.text);
        if (rc == NF_OK && at > 500)
            break;
        assert_true(rc == NF_OK || rc == NF_E_NOMEM);
    }
    for (int at = 1;; at++) {
        struct transcript t = { .fail_at = at };
        enum nf_code rc = transcript_run(codec, &t, stream, strlen(stream), 7, 7, &err);
        bool over = t.events < at;
        nf_str_done(&t.text);
        if (over)
            break;
        assert_code(rc, NF_E_CONFLICT);
        assert_int_equal(t.events, at);
    }
}

/* --- requests --------------------------------------------------------------------------------- */

/* The JSON body, for the caller to free. */
static inline char *encoded(const struct nf_llm_codec *codec, const struct nf_completion_request *r,
                            const struct nf_llm_target *t)
{
    struct nf_err err;
    struct nf_llm_body body = { 0 };
    struct nf_slice pieces[NF_LLM_BODY_PIECES];
    struct nf_str all = { .max = 2 * NF_LLM_REQUEST_MAX };
    struct nf_json_doc *doc = NULL;
    assert_ok(codec->encode(r, t, &body, &err), &err);
    nf_llm_body_pieces(&body, pieces);
    for (size_t i = 0; i < NF_LLM_BODY_PIECES; i++)
        assert_ok(nf_str_add(&all, pieces[i].p, pieces[i].n, &err), &err);
    nf_llm_body_done(&body);
    assert_ok(nf_json_parse(all.p, all.len, 0, &doc, &err), &err);
    nf_json_free(doc);
    return all.p;
}

static inline void assert_body(const struct nf_llm_codec *codec,
                               const struct nf_completion_request *r, const struct nf_llm_target *t,
                               const char *want)
{
    char *body = encoded(codec, r, t);
    assert_string_equal(body, want);
    free(body);
}

static inline void assert_body_has(const struct nf_llm_codec *codec,
                                   const struct nf_completion_request *r,
                                   const struct nf_llm_target *t, const char *want)
{
    char *body = encoded(codec, r, t);
    if (!strstr(body, want))
        fail_msg("%s\nis not in\n%s", want, body);
    free(body);
}

static inline void assert_body_lacks(const struct nf_llm_codec *codec,
                                     const struct nf_completion_request *r,
                                     const struct nf_llm_target *t, const char *what)
{
    char *body = encoded(codec, r, t);
    if (strstr(body, what))
        fail_msg("%s\nis in\n%s", what, body);
    free(body);
}

/* The request is refused and the message begins with `field`. */
static inline void assert_refused(const struct nf_llm_codec *codec,
                                  const struct nf_completion_request *r,
                                  const struct nf_llm_target *t, const char *field)
{
    struct nf_err err = { 0 };
    NF_CLEANUP(nf_llm_body_done) struct nf_llm_body body = { 0 };
    assert_code(codec->encode(r, t, &body, &err), NF_E_INVALID);
    if (strncmp(err.msg, field, strlen(field)) != 0)
        fail_msg("'%s' does not begin with '%s'", err.msg, field);
}

static inline struct nf_chat_message *add_message(struct nf_completion_request *r,
                                                  enum nf_role role)
{
    struct nf_err err;
    struct nf_chat_message *m = NULL;
    assert_ok(nf_completion_add_message(r, role, &m, &err), &err);
    return m;
}

static inline struct nf_part *add_part(struct nf_chat_message *m, enum nf_part_type type,
                                       const char *text)
{
    struct nf_err err;
    struct nf_part *p = NULL;
    assert_ok(nf_parts_add(&m->parts, type, &p, &err), &err);
    if (text)
        assert_ok(nf_strdup(text, &p->text, &err), &err);
    return p;
}

static inline struct nf_part *say(struct nf_completion_request *r, enum nf_role role,
                                  const char *text)
{
    return add_part(add_message(r, role), NF_PART_TEXT, text);
}

static inline struct nf_part *add_call(struct nf_chat_message *m, const char *id, const char *name,
                                       const char *args)
{
    struct nf_part *p = add_part(m, NF_PART_TOOL_CALL, NULL);
    p->call_id = strdup(id);
    p->name = strdup(name);
    p->args = args ? strdup(args) : NULL;
    return p;
}

static inline struct nf_part *add_result(struct nf_chat_message *m, const char *id,
                                         const char *text)
{
    struct nf_part *p = add_part(m, NF_PART_TOOL_RESULT, text);
    p->call_id = strdup(id);
    return p;
}

static inline struct nf_part *add_media(struct nf_chat_message *m, enum nf_part_type type,
                                        const char *media_type, const char *data, const char *url)
{
    struct nf_part *p = add_part(m, type, NULL);
    p->media_type = media_type ? strdup(media_type) : NULL;
    p->data = data ? strdup(data) : NULL;
    p->url = url ? strdup(url) : NULL;
    return p;
}

static inline void add_tool(struct nf_completion_request *r, const char *name, const char *schema)
{
    struct nf_err err;
    if (!r->tools)
        assert_ok(nf_toolset_new(&r->tools, &err), &err);
    assert_ok(nf_toolset_add(r->tools, name, "does things", schema, &err), &err);
}

/* Offer this tool and no other. */
static inline void only_tool(struct nf_completion_request *r, const char *name, const char *schema)
{
    nf_toolset_unref(r->tools);
    r->tools = NULL;
    add_tool(r, name, schema);
}

/* For tests with a request as their state. */
static inline int setup_request(void **state)
{
    struct nf_completion_request *r = calloc(1, sizeof(*r));
    if (!r)
        return -1;
    nf_completion_request_init(r);
    *state = r;
    return 0;
}

static inline int teardown_request(void **state)
{
    nf_completion_request_done(*state);
    free(*state);
    return 0;
}

#define request_test(f) cmocka_unit_test_setup_teardown(f, setup_request, teardown_request)
