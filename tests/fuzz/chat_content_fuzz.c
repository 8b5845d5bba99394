/* Whatever a person, a network's file and a button say: what the model reads is text within its
 * bound, and the parts beside it are whole. The input is fields between bytes 0xFE: text, quote,
 * author, name of a file, reason it is missing, and its bytes. */
#include "application/commands.h"
#include "application/present_approval.h"
#include "base/own.h"
#include "base/utf8.h"
#include "channels/chat/content.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int right)
{
    if (!right)
        abort();
}

/* A copy of the field with a NUL, and what is left. */
static char *field(const uint8_t **data, size_t *size, size_t *n)
{
    const uint8_t *end = memchr(*data, 0xFE, *size);
    size_t len = end ? (size_t)(end - *data) : *size;
    struct nf_err err;
    char *copy = NULL;
    expect(nf_strndup(len ? (const char *)*data : "", len, &copy, &err) == NF_OK);
    *n = len;
    *data += len + (end != NULL);
    *size -= len + (end != NULL);
    return copy;
}

static void check(const struct nf_chat_said *s, const struct nf_chat_content *c)
{
    bool clean = nf_utf8_valid(s->text, strlen(s->text));
    expect(c->text.len <= NF_MESSAGE_BYTES_MAX);
    expect(!clean || nf_utf8_valid(nf_str_c(&c->text), c->text.len));
    expect(c->parts.n == 0 || c->parts.n == 2);
    for (size_t i = 1; i < c->parts.n; i++) {
        const struct nf_part *p = &c->parts.v[i];
        expect(p->data && strlen(p->data) % 4 == 0 && p->media_type && p->name);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NF_CLEANUP(nf_chat_content_done) struct nf_chat_content c = { .text.len = 0 };
    struct nf_err err;
    char *v[FIELDS];
    size_t n[FIELDS];
    int64_t id;
    bool allow;
    const char *arg;

    for (int i = 0; i < FIELDS; i++)
        v[i] = field(&data, &size, &n[i]);
    /* Names of people are checked when they are made. */
    const char *author = v[2][0] && nf_utf8_valid(v[2], n[2]) ? v[2] : NULL;
    struct nf_chat_file f = { .name = v[3],
                              .media_type = "",
                              .problem = v[4][0] && nf_utf8_valid(v[4], n[4]) ? v[4] : NULL,
                              .data = (const unsigned char *)v[5],
                              .n = n[5] };
    const struct nf_chat_said s = { .text = v[0], .quote = v[1], .files = &f, .files_n = 1 };
    if (nf_chat_write_content(&s, author, size % 2, &c, &err) == NF_OK)
        check(&s, &c);
    if (nf_command_of(v[0], &arg) != NF_COMMAND_NONE)
        expect(arg > v[0] && arg <= v[0] + n[0]);
    (void)nf_approval_button_read(v[0], &id, &allow);
    for (int i = 0; i < FIELDS; i++)
        free(v[i]);
    return 0;
}
