/* Counting tokens and cutting texts. Counted in thirds of a token, so that parts add up. */
#include "application/shorten.h"

#include "application/context.h"
#include "base/own.h"

#include <stdbool.h>
#include <string.h>

#define MARK_MAX 48 /* bytes of "\n[... N bytes left out ...]\n" */
static_assert(3 * NF_SHORTEST_TOKENS > MARK_MAX, "something of the text remains beside the mark");

#define FOUR_BYTES_MORE 5 /* by how many thirds a character of 4 bytes exceeds its bytes */

static int64_t thirds_of(const char *text, size_t n)
{
    size_t wide = 0;

    for (size_t i = 0; i < n;) {
        uint64_t eight;

        if (i + sizeof(eight) <= n) {
            memcpy(&eight, text + i, sizeof(eight));
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                i += sizeof(eight);
                continue;
            }
        }
        wide += (unsigned char)text[i++] >= 0xf0;
    }
    return (int64_t)(n + FOUR_BYTES_MORE * wide);
}

int64_t nf_tokens_of(const char *text, size_t n)
{
    return (thirds_of(text, n) + 2) / 3;
}

static bool starts_char(const char *text, size_t at)
{
    return ((unsigned char)text[at] & 0xc0) != 0x80;
}

/* Where a prefix of at most `thirds` ends. */
static size_t prefix_end(const char *text, size_t n, int64_t thirds)
{
    size_t end = 0;

    while (end < n) {
        size_t next = end + 1;

        while (next < n && !starts_char(text, next))
            next++;
        thirds -= thirds_of(text + end, next - end);
        if (thirds < 0)
            break;
        end = next;
    }
    return end;
}

/* Where a suffix of at most `thirds` begins. */
static size_t suffix_begin(const char *text, size_t n, int64_t thirds)
{
    size_t begin = n;

    while (begin > 0) {
        size_t next = begin - 1;

        while (next > 0 && !starts_char(text, next))
            next--;
        thirds -= thirds_of(text + next, begin - next);
        if (thirds < 0)
            break;
        begin = next;
    }
    return begin;
}

enum nf_code nf_shorten(const char *text, int64_t cap, char **ret, struct nf_err *err)
{
    size_t n = strlen(text);
    int64_t room = 3 * cap - MARK_MAX;
    size_t head = prefix_end(text, n, room * 2 / 3);
    size_t tail = suffix_begin(text, n, room - room * 2 / 3);
    NF_CLEANUP(nf_str_done) struct nf_str s = { .max = n + MARK_MAX + 1 };

    assert(head < tail);
    NF_TRY(nf_str_add(&s, text, head, err));
    NF_TRY(nf_str_addf(&s, err, "\n[... %zu bytes left out ...]\n", tail - head));
    NF_TRY(nf_str_add(&s, text + tail, n - tail, err));
    *ret = nf_take(s).p;
    return NF_OK;
}
