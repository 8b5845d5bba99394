/* What the tests of JSON share: a document that is read and a text that is written. */
#pragma once

#include "base/own.h"
#include "codec/json.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

static struct nf_err err;

struct fixture {
    struct nf_json_doc *doc;
    struct nf_str text;
    struct nf_json_out o;
};

static inline int setup(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    return *state ? 0 : -1;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    nf_fail_alloc_at(0);
    nf_json_free(f->doc);
    nf_str_done(&f->text);
    free(f);
    return 0;
}

static inline enum nf_code parse(struct fixture *f, const char *text)
{
    nf_json_free(f->doc);
    f->doc = NULL;
    return nf_json_parse(text, strlen(text), 0, &f->doc, &err);
}

static inline const struct nf_json *parsed(struct fixture *f, const char *text)
{
    assert_ok(parse(f, text), &err);
    return nf_json_root(f->doc);
}

/* What `text` reads as, printed again. */
static inline const char *reprinted(struct fixture *f, const char *text)
{
    const struct nf_json *v = parsed(f, text);
    nf_str_reset(&f->text);
    nf_json_begin_doc(&f->o, &f->text);
    nf_json_out_value(&f->o, v);
    assert_ok(nf_json_end_doc(&f->o, &err), &err);
    return nf_str_c(&f->text);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
