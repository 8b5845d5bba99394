/* Notes as JSON values. The store may hold what an older version wrote: members that are missing or
 * of another type are empty. */
#include "skills/bundled/notes/store.h"

#include "skills/bundled/common/calendar.h"
#include "skills/bundled/common/text.h"
#include "skills/bundled/common/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "note/"
#define LAST_KEY "last" /* the newest id that was given */
#define KEY_BYTES 32
#define LIST_MAX 1000

static void key_of(int64_t id, char to[KEY_BYTES])
{
    (void)snprintf(to, KEY_BYTES, PREFIX "%012lld", (long long)id);
}

/* A host function failed: so does the call, with its words. */
static void pass_on(struct nf_args *a, int code)
{
    char why[300];

    (void)snprintf(why, sizeof(why), "%s", a->h->error(a->h));
    nf_args_fail(a, code, "the notes cannot be read or written: %s", why);
}

static const char *text_of(struct nf_args *a, const struct nf_skill_json *v, const char *key)
{
    const char *text = a->h->json_str(a->h, a->h->json_get(a->h, v, key));

    return text ? text : "";
}

static bool read_note(struct nf_args *a, int64_t id, struct nf_skill_bytes b, struct nf_note *ret)
{
    const struct nf_skill_json *v = a->h->json_parse(a->h, b.p, b.n), *tag;

    if (!v) {
        pass_on(a, NF_SKILL_E_INTERNAL);
        return false;
    }
    *ret = (struct nf_note){ .id = id,
                             .title = text_of(a, v, "title"),
                             .text = text_of(a, v, "text") };
    ret->created_ms = a->h->json_i64(a->h, a->h->json_get(a->h, v, "created_ms"), 0);
    ret->updated_ms = a->h->json_i64(a->h, a->h->json_get(a->h, v, "updated_ms"), 0);
    tag = a->h->json_first(a->h, a->h->json_get(a->h, v, "tags"));
    for (; tag && ret->tags_n < NF_NOTE_TAGS_MAX; tag = a->h->json_next(a->h, tag))
        if (a->h->json_str(a->h, tag))
            ret->tags[ret->tags_n++] = a->h->json_str(a->h, tag);
    return true;
}

bool nf_note_get(struct nf_args *a, int64_t id, struct nf_note *ret)
{
    struct nf_skill_bytes b;
    char key[KEY_BYTES];
    int rc;

    key_of(id, key);
    rc = a->rc == NF_SKILL_OK ? a->h->kv_get(a->h, key, &b) : a->rc;
    if (rc == NF_SKILL_E_NOT_FOUND)
        nf_args_fail(a, rc, "there is no note %lld; list and find tell the ids", (long long)id);
    else if (rc != NF_SKILL_OK)
        pass_on(a, rc);
    return a->rc == NF_SKILL_OK && read_note(a, id, b, ret);
}

/* The keys of all notes, a page at a time: how many, and if `ret` is there, their ids. */
static size_t ids(struct nf_args *a, int64_t *ret)
{
    const char *after = NULL;
    size_t n = 0, page;

    do {
        const struct nf_skill_json *keys = NULL, *key;
        int rc = a->h->kv_list(a->h, PREFIX, after, LIST_MAX, &keys);

        if (rc != NF_SKILL_OK) {
            pass_on(a, rc);
            return 0;
        }
        page = 0;
        for (key = a->h->json_first(a->h, keys); key; key = a->h->json_next(a->h, key), page++) {
            after = a->h->json_str(a->h, key);
            if (n < NF_NOTES_MAX && ret)
                ret[n] = strtoll(after + strlen(PREFIX), NULL, 10);
            n++;
        }
    } while (page == LIST_MAX && n < NF_NOTES_MAX);
    return n < NF_NOTES_MAX ? n : NF_NOTES_MAX;
}

struct nf_note *nf_note_all(struct nf_args *a, size_t *ret_n)
{
    int64_t *all = nf_args_alloc(a, NF_NOTES_MAX, sizeof(*all));
    size_t n = a->rc == NF_SKILL_OK ? ids(a, all) : 0;
    struct nf_note *notes = nf_args_alloc(a, n + 1, sizeof(*notes));

    *ret_n = 0;
    for (size_t i = 0; i < n && a->rc == NF_SKILL_OK; i++) {
        struct nf_skill_bytes b;
        char key[KEY_BYTES];
        int rc;

        key_of(all[i], key);
        rc = a->h->kv_get(a->h, key, &b);
        if (rc == NF_SKILL_E_NOT_FOUND) /* deleted meanwhile */
            continue;
        if (rc != NF_SKILL_OK)
            pass_on(a, rc);
        else if (read_note(a, all[i], b, &notes[*ret_n]))
            ++*ret_n;
    }
    return a->rc == NF_SKILL_OK ? notes : NULL;
}

/* The next id: one more than the newest, also of those that were deleted. */
static int64_t new_id(struct nf_args *a)
{
    struct nf_skill_bytes b;
    char text[KEY_BYTES];
    int64_t last = 0;
    int rc;

    if (ids(a, NULL) >= NF_NOTES_MAX)
        nf_args_fail(a, NF_SKILL_E_LIMIT, "there are %d notes already: delete some first",
                     NF_NOTES_MAX);
    rc = a->rc == NF_SKILL_OK ? a->h->kv_get(a->h, LAST_KEY, &b) : a->rc;
    if (rc == NF_SKILL_OK)
        last = strtoll(b.p, NULL, 10);
    else if (rc != NF_SKILL_E_NOT_FOUND)
        pass_on(a, rc);
    last = last < 0 || last > 999999999998 ? 0 : last;
    (void)snprintf(text, sizeof(text), "%lld", (long long)last + 1);
    rc = a->rc == NF_SKILL_OK ? a->h->kv_put(a->h, LAST_KEY, text, strlen(text)) : a->rc;
    if (rc != NF_SKILL_OK)
        pass_on(a, rc);
    return last + 1;
}

bool nf_note_put(struct nf_args *a, struct nf_note *n)
{
    struct nf_buf b = nf_buf_of(a->h, NF_BUF_MAX);
    char key[KEY_BYTES];
    int rc;

    if (n->id == 0)
        n->id = new_id(a);
    nf_out_open(&b, '{');
    nf_put_str(&b, "title", n->title);
    nf_put_str(&b, "text", n->text);
    nf_out_key(&b, "tags");
    nf_out_open(&b, '[');
    for (size_t i = 0; i < n->tags_n; i++)
        nf_out_str(&b, n->tags[i]);
    nf_out_close(&b, ']');
    nf_put_i64(&b, "created_ms", n->created_ms);
    nf_put_i64(&b, "updated_ms", n->updated_ms);
    nf_out_close(&b, '}');
    if (a->rc == NF_SKILL_OK)
        a->rc = b.rc;
    key_of(n->id, key);
    rc = a->rc == NF_SKILL_OK ? a->h->kv_put(a->h, key, nf_buf_c(&b), b.len) : a->rc;
    if (rc != NF_SKILL_OK)
        pass_on(a, rc);
    return a->rc == NF_SKILL_OK;
}

bool nf_note_delete(struct nf_args *a, int64_t id)
{
    char key[KEY_BYTES];
    int rc;

    key_of(id, key);
    rc = a->rc == NF_SKILL_OK ? a->h->kv_delete(a->h, key) : a->rc;
    if (rc == NF_SKILL_E_NOT_FOUND)
        nf_args_fail(a, rc, "there is no note %lld; list and find tell the ids", (long long)id);
    else if (rc != NF_SKILL_OK)
        pass_on(a, rc);
    return a->rc == NF_SKILL_OK;
}

bool nf_note_has_tag(const struct nf_note *n, const char *tag)
{
    for (size_t i = 0; i < n->tags_n; i++)
        if (strcmp(n->tags[i], tag) == 0)
            return true;
    return false;
}

void nf_note_time(int64_t ms, struct nf_buf *to)
{
    int64_t s = nf_floor_div(ms, 1000);
    struct nf_date d = nf_date_of(nf_floor_div(s, NF_DAY_S));
    int rest = (int)nf_floor_mod(s, NF_DAY_S);

    nf_buf_addf(to, "%04d-%02d-%02dT%02d:%02d:%02dZ", d.year, d.month, d.day, rest / 3600,
                rest / 60 % 60, rest % 60);
}
