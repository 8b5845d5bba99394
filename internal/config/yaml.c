#include "config/yaml.h"

#include "base/own.h"
#include "base/string.h"
#include "config/settings.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define KEY_MAX 200 /* bytes; none of ours is as long */

struct reader {
    const char *name;
    yaml_parser_t parser;
    struct nf_yaml *root;
    struct nf_yaml *open[NF_CONFIG_DEPTH_MAX];
    int depth;
    size_t nodes;
    char *key; /* read, and still without its value */
    size_t key_line;
    struct nf_err *err;
};

/* NOLINTNEXTLINE(misc-no-recursion): as deep as NF_CONFIG_DEPTH_MAX */
void nf_yaml_free(struct nf_yaml *y)
{
    while (y) {
        struct nf_yaml *next = y->next;
        nf_yaml_free(y->first);
        if (y->text)
            explicit_bzero(y->text, strlen(y->text)); /* it may be a secret */
        free(y->text);
        free(y->key);
        free(y);
        y = next;
    }
}

void nf_yaml_freep(struct nf_yaml **y)
{
    nf_yaml_free(*y);
}

const struct nf_yaml *nf_yaml_child(const struct nf_yaml *y, const char *key, size_t n)
{
    const struct nf_yaml *c = y && y->kind == NF_YAML_MAP ? y->first : NULL;
    while (c && (strlen(c->key) != n || strncmp(c->key, key, n) != 0))
        c = c->next;
    return c;
}

bool nf_yaml_is_null(const struct nf_yaml *y)
{
    return y->kind == NF_YAML_SCALAR && y->plain &&
           (!*y->text || strcmp(y->text, "~") == 0 || strcmp(y->text, "null") == 0);
}

static void reader_done(struct reader *r)
{
    yaml_parser_delete(&r->parser);
    nf_yaml_free(r->root);
    free(r->key);
}

static size_t line_of(const yaml_event_t *e)
{
    return e->start_mark.line + 1;
}

static enum nf_code refuse(const struct reader *r, const yaml_event_t *e, const char *what)
{
    return nf_err_set(r->err, NF_E_INVALID, "%s:%zu: %s", r->name, line_of(e), what);
}

static enum nf_code nomem(const struct reader *r)
{
    return nf_err_set(r->err, NF_E_NOMEM, "%s: out of memory", r->name);
}

static enum nf_code check_key(const struct reader *r, const yaml_event_t *e,
                              const struct nf_yaml *map)
{
    const char *key = (const char *)e->data.scalar.value;
    size_t n = e->data.scalar.length;
    if (n == 0 || strlen(key) != n || n > KEY_MAX)
        return refuse(r, e, "not a key: it is empty, too long or has a NUL byte");
    for (const struct nf_yaml *c = map->first; c; c = c->next)
        if (strcmp(c->key, key) == 0)
            return nf_err_set(r->err, NF_E_INVALID,
                              "%s:%zu: %.80s: stands twice, first in line %zu", r->name, line_of(e),
                              key, c->line);
    return NF_OK;
}

/* Put a new node where it belongs; *ret is borrowed. */
static enum nf_code add_node(struct reader *r, const yaml_event_t *e, enum nf_yaml_kind kind,
                             struct nf_yaml **ret)
{
    struct nf_yaml *up = r->depth > 0 ? r->open[r->depth - 1] : NULL;
    if (++r->nodes > NF_CONFIG_NODES_MAX)
        return nf_err_set(r->err, NF_E_LIMIT, "%s:%zu: more than %d values", r->name, line_of(e),
                          NF_CONFIG_NODES_MAX);
    if (kind != NF_YAML_SCALAR && r->depth == NF_CONFIG_DEPTH_MAX)
        return nf_err_set(r->err, NF_E_LIMIT, "%s:%zu: nested deeper than %d", r->name, line_of(e),
                          NF_CONFIG_DEPTH_MAX);
    struct nf_yaml *y = calloc(1, sizeof(*y));
    if (!y)
        return nomem(r);
    y->kind = kind;
    y->line = r->key ? r->key_line : line_of(e);
    y->key = nf_take(r->key);
    if (!up)
        r->root = y;
    else if (up->last)
        up->last->next = y;
    else
        up->first = y;
    if (up)
        up->last = y;
    if (kind != NF_YAML_SCALAR)
        r->open[r->depth++] = y;
    *ret = y;
    return NF_OK;
}

static bool key_is_due(const struct reader *r)
{
    return r->depth > 0 && r->open[r->depth - 1]->kind == NF_YAML_MAP && !r->key;
}

static enum nf_code take_scalar(struct reader *r, const yaml_event_t *e)
{
    const char *text = (const char *)e->data.scalar.value;
    size_t n = e->data.scalar.length;
    struct nf_yaml *y = NULL;
    if (e->data.scalar.anchor || e->data.scalar.tag)
        return refuse(r, e, "anchors and tags are not supported");
    if (key_is_due(r)) {
        NF_TRY(check_key(r, e, r->open[r->depth - 1]));
        r->key_line = line_of(e);
        return nf_strndup(text, n, &r->key, r->err);
    }
    if (strlen(text) != n)
        return refuse(r, e, "NUL byte in a value");
    if (n > NF_CONFIG_VALUE_MAX)
        return nf_err_set(r->err, NF_E_LIMIT, "%s:%zu: value over %zu bytes", r->name, line_of(e),
                          NF_CONFIG_VALUE_MAX);
    NF_TRY(add_node(r, e, NF_YAML_SCALAR, &y));
    assert(y);
    y->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return nf_strndup(text, n, &y->text, r->err);
}

static enum nf_code take_container(struct reader *r, const yaml_event_t *e, enum nf_yaml_kind kind)
{
    struct nf_yaml *y = NULL;
    bool map = kind == NF_YAML_MAP;
    if (map ? e->data.mapping_start.anchor || e->data.mapping_start.tag
            : e->data.sequence_start.anchor || e->data.sequence_start.tag)
        return refuse(r, e, "anchors and tags are not supported");
    if (key_is_due(r))
        return refuse(r, e, "a key must be a name");
    return add_node(r, e, kind, &y);
}

static enum nf_code take_event(struct reader *r, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return take_scalar(r, e);
    case YAML_MAPPING_START_EVENT:
        return take_container(r, e, NF_YAML_MAP);
    case YAML_SEQUENCE_START_EVENT:
        return take_container(r, e, NF_YAML_LIST);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        r->depth--;
        return NF_OK;
    case YAML_ALIAS_EVENT:
        return refuse(r, e, "aliases are not supported");
    case YAML_DOCUMENT_START_EVENT:
        return r->root ? refuse(r, e, "a second document is not supported") : NF_OK;
    default:
        return NF_OK;
    }
}

static enum nf_code syntax_error(const struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return nomem(r);
    bool marked = p->error == YAML_SCANNER_ERROR || p->error == YAML_PARSER_ERROR;
    size_t line = marked ? p->problem_mark.line : p->mark.line;
    return nf_err_set(r->err, NF_E_INVALID, "%s:%zu: not YAML: %s", r->name, line + 1,
                      p->problem ? p->problem : "syntax error");
}

static enum nf_code read_all(struct reader *r)
{
    yaml_event_type_t type = YAML_NO_EVENT;
    while (type != YAML_STREAM_END_EVENT) {
        yaml_event_t e;
        if (!yaml_parser_parse(&r->parser, &e))
            return syntax_error(r);
        type = e.type;
        enum nf_code rc = take_event(r, &e);
        yaml_event_delete(&e);
        NF_TRY(rc);
    }
    return NF_OK;
}

enum nf_code nf_yaml_parse(const char *name, const char *text, size_t n, struct nf_yaml **ret,
                           struct nf_err *err)
{
    NF_CLEANUP(reader_done) struct reader r = { .name = name, .err = err };
    if (n > NF_CONFIG_BYTES_MAX)
        return nf_err_set(err, NF_E_LIMIT, "%s: over %zu bytes", name, NF_CONFIG_BYTES_MAX);
    if (!yaml_parser_initialize(&r.parser))
        return nomem(&r);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, n);
    NF_TRY(read_all(&r));
    *ret = nf_take(r.root);
    return NF_OK;
}
