/* The skill notes: a person's notes, found again by words and tags. */
#include "skills/bundled/common/sort.h"
#include "skills/bundled/common/text.h"
#include "skills/bundled/common/utf8.h"
#include "skills/bundled/notes/rank.h"

#include <string.h>

#define QUERY_MAX 500
#define SHOWN_MAX 100
#define SHOWN 20
#define SNIPPET 200 /* bytes */
#define TITLE_FROM_TEXT 60

/* Tags are compared as they are, so they are stored in one form: lower case, no blanks around. */
static const char *clean_tag(struct nf_args *a, const char *key, const char *tag)
{
    struct nf_buf b = nf_buf_of(a->h, (size_t)NF_NOTE_TAG_MAX * 2);
    size_t n = strlen(tag), i = 0;

    while (n > 0 && tag[n - 1] == ' ')
        n--;
    while (i < n && (tag[i] == ' ' || tag[i] == '#'))
        i++;
    if (i == n || n - i > NF_NOTE_TAG_MAX)
        nf_args_fail(a, NF_SKILL_E_INVALID, "argument \"%s\": a tag has 1 to %d bytes", key,
                     NF_NOTE_TAG_MAX);
    while (i < n && a->rc == NF_SKILL_OK)
        nf_buf_add_rune(&b, nf_rune_lower(nf_rune_next(tag, n, &i)));
    if (b.rc != NF_SKILL_OK && a->rc == NF_SKILL_OK)
        a->rc = b.rc;
    return nf_buf_c(&b);
}

static size_t read_tags(struct nf_args *a, const char **ret)
{
    const struct nf_skill_json *v = nf_args_list(a, "tags", 0, NF_NOTE_TAGS_MAX);
    size_t n = 0, i = 0;

    for (v = a->h->json_first(a->h, v); v && a->rc == NF_SKILL_OK; v = a->h->json_next(a->h, v)) {
        const char *tag =
            clean_tag(a, "tags", nf_args_item(a, "tags", v, i++, (size_t)2 * NF_NOTE_TAG_MAX));
        bool known = false;

        for (size_t k = 0; k < n; k++)
            known |= strcmp(ret[k], tag) == 0;
        if (!known)
            ret[n++] = tag;
    }
    return n;
}

/* The first line that says something, cut at a word. */
static const char *title_of(struct nf_args *a, const char *text)
{
    size_t from = strspn(text, " \t\r\n#*-"), n = strcspn(text + from, "\r\n");
    struct nf_buf b = nf_buf_of(a->h, NF_NOTE_TITLE_MAX);

    if (n > TITLE_FROM_TEXT) {
        size_t cut = n = nf_utf8_clip(text + from, n, TITLE_FROM_TEXT);

        while (cut > 0 && text[from + cut] != ' ')
            cut--;
        n = cut > TITLE_FROM_TEXT / 2 ? cut : n;
        nf_buf_add(&b, text + from, n);
        nf_buf_adds(&b, "\xe2\x80\xa6");
    } else {
        nf_buf_add(&b, text + from, n);
    }
    if (a->rc == NF_SKILL_OK)
        a->rc = b.rc;
    return nf_buf_c(&b);
}

/* --- output ----------------------------------------------------------------------------------- */

static void put_time(struct nf_buf *out, const char *key, int64_t ms)
{
    struct nf_buf text = nf_buf_of(out->h, 64);

    nf_note_time(ms, &text);
    nf_put_buf(out, key, &text);
}

static void put_head(struct nf_buf *out, const struct nf_note *n)
{
    nf_put_i64(out, "id", n->id);
    nf_put_str(out, "title", n->title);
    nf_out_key(out, "tags");
    nf_out_open(out, '[');
    for (size_t i = 0; i < n->tags_n; i++)
        nf_out_str(out, n->tags[i]);
    nf_out_close(out, ']');
    put_time(out, "updated", n->updated_ms);
}

/* The text around `hit`, in one line. */
static void put_snippet(struct nf_buf *out, const char *text, size_t hit)
{
    struct nf_buf b = nf_buf_of(out->h, (size_t)SNIPPET * 4);
    size_t n = strlen(text), from = hit == SIZE_MAX || hit < SNIPPET / 3 ? 0 : hit - SNIPPET / 3,
           to;
    bool gap = false;

    from = nf_utf8_clip(text, n, from);
    to = nf_utf8_clip(text, n, from + SNIPPET);
    if (from > 0)
        nf_buf_adds(&b, "\xe2\x80\xa6");
    for (size_t i = from; i < to; i++) {
        bool blank = strchr(" \t\r\n", text[i]) != NULL;

        if (!blank)
            nf_buf_addc(&b, text[i]);
        else if (!gap)
            nf_buf_addc(&b, ' ');
        gap = blank;
    }
    if (to < n)
        nf_buf_adds(&b, "\xe2\x80\xa6");
    nf_put_buf(out, "text", &b);
}

/* --- tools ------------------------------------------------------------------------------------ */

/* Old text, a line break, new text. */
static const char *joined(struct nf_args *a, const char *old, const char *new)
{
    struct nf_buf b = nf_buf_of(a->h, NF_BUF_MAX);

    nf_buf_adds(&b, old);
    if (b.len > 0 && b.p[b.len - 1] != '\n')
        nf_buf_addc(&b, '\n');
    nf_buf_adds(&b, new);
    if (a->rc == NF_SKILL_OK)
        a->rc = b.rc;
    return nf_buf_c(&b);
}

static int save(struct nf_args *a, struct nf_buf *out)
{
    struct nf_note n = { .text = "" };
    int64_t id = nf_args_int_or(a, "id", 1, 999999999999, 0);
    bool append = nf_args_bool_or(a, "append", false);
    const char *text = id > 0 ? nf_args_text_or(a, "text", NF_NOTE_TEXT_MAX, NULL)
                              : nf_args_text(a, "text", NF_NOTE_TEXT_MAX);
    const char *title = nf_args_text_or(a, "title", NF_NOTE_TITLE_MAX, NULL);

    if (a->rc != NF_SKILL_OK || (id > 0 && !nf_note_get(a, id, &n)))
        return a->rc;
    if (text)
        n.text = append && id > 0 ? joined(a, n.text, text) : text;
    if (a->rc == NF_SKILL_OK && strlen(n.text) > NF_NOTE_TEXT_MAX)
        nf_args_fail(a, NF_SKILL_E_LIMIT, "the note would be over %d bytes: save a new one",
                     NF_NOTE_TEXT_MAX);
    if (a->rc == NF_SKILL_OK && id == 0 && n.text[strspn(n.text, " \t\r\n")] == '\0')
        nf_args_fail(a, NF_SKILL_E_INVALID, "argument \"text\" is empty");
    if (nf_args_has(a, "tags"))
        n.tags_n = read_tags(a, n.tags);
    n.updated_ms = a->h->now_ms(a->h);
    if (id == 0)
        n.created_ms = n.updated_ms;
    if (title || id == 0)
        n.title = title && *title ? title : title_of(a, n.text);
    if (a->rc != NF_SKILL_OK || !nf_note_put(a, &n))
        return a->rc;
    nf_out_open(out, '{');
    nf_put_bool(out, "saved", true);
    put_head(out, &n);
    nf_out_close(out, '}');
    return NF_SKILL_OK;
}

static int get(struct nf_args *a, struct nf_buf *out)
{
    struct nf_note n;

    if (!nf_note_get(a, nf_args_int(a, "id", 1, 999999999999), &n))
        return a->rc;
    nf_out_open(out, '{');
    put_head(out, &n);
    put_time(out, "created", n.created_ms);
    nf_put_str(out, "text", n.text);
    nf_out_close(out, '}');
    return NF_SKILL_OK;
}

static int remove_note(struct nf_args *a, struct nf_buf *out)
{
    int64_t id = nf_args_int(a, "id", 1, 999999999999);

    if (!nf_note_delete(a, id))
        return a->rc;
    nf_out_open(out, '{');
    nf_put_i64(out, "deleted", id);
    nf_out_close(out, '}');
    return NF_SKILL_OK;
}

/* Those with all the tags that are asked for, in place. */
static size_t keep_tagged(struct nf_args *a, struct nf_note *notes, size_t n)
{
    const char *tags[NF_NOTE_TAGS_MAX];
    size_t tags_n = read_tags(a, tags), kept = 0;

    for (size_t i = 0; i < n; i++) {
        bool all = true;

        for (size_t k = 0; k < tags_n; k++)
            all &= nf_note_has_tag(&notes[i], tags[k]);
        if (all)
            notes[kept++] = notes[i];
    }
    return kept;
}

static int list(struct nf_args *a, struct nf_buf *out)
{
    int64_t limit = nf_args_int_or(a, "limit", 1, SHOWN_MAX, SHOWN);
    int64_t offset = nf_args_int_or(a, "offset", 0, NF_NOTES_MAX, 0);
    size_t n;
    struct nf_note *notes = nf_note_all(a, &n);

    if (!notes)
        return a->rc;
    n = keep_tagged(a, notes, n);
    nf_out_open(out, '{');
    nf_put_i64(out, "total", (int64_t)n);
    nf_out_key(out, "notes");
    nf_out_open(out, '[');
    for (int64_t i = offset; i < (int64_t)n && i < offset + limit; i++) {
        const struct nf_note *note = &notes[n - 1 - (size_t)i]; /* the newest first */

        nf_out_open(out, '{');
        put_head(out, note);
        put_snippet(out, note->text, SIZE_MAX);
        nf_out_close(out, '}');
    }
    nf_out_close(out, ']');
    nf_out_close(out, '}');
    return a->rc;
}

static int find(struct nf_args *a, struct nf_buf *out)
{
    const char *query = nf_args_text(a, "query", QUERY_MAX);
    int64_t limit = nf_args_int_or(a, "limit", 1, SHOWN_MAX, 10);
    size_t n, fit;
    struct nf_note *notes = nf_note_all(a, &n);
    struct nf_ranked *ranked = nf_args_alloc(a, n + 1, sizeof(*ranked));

    if (a->rc != NF_SKILL_OK)
        return a->rc;
    n = keep_tagged(a, notes, n);
    fit = nf_rank(a, notes, n, query, ranked);
    nf_out_open(out, '{');
    nf_put_i64(out, "found", (int64_t)fit);
    nf_out_key(out, "notes");
    nf_out_open(out, '[');
    for (size_t i = 0; i < fit && i < (size_t)limit; i++) {
        nf_out_open(out, '{');
        put_head(out, ranked[i].note);
        put_snippet(out, ranked[i].note->text, ranked[i].hit);
        nf_out_close(out, '}');
    }
    nf_out_close(out, ']');
    nf_out_close(out, '}');
    return a->rc;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int tags(struct nf_args *a, struct nf_buf *out)
{
    size_t n, used = 0;
    struct nf_note *notes = nf_note_all(a, &n);
    const void **all = nf_args_alloc(a, 2 * n * NF_NOTE_TAGS_MAX + 2, sizeof(*all));

    if (a->rc != NF_SKILL_OK)
        return a->rc;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < notes[i].tags_n; k++)
            all[used++] = notes[i].tags[k];
    nf_sort(all, all + used + 1, used, by_text);
    nf_out_open(out, '{');
    nf_out_key(out, "tags");
    nf_out_open(out, '{');
    for (size_t i = 0, to; i < used; i = to) {
        for (to = i + 1; to < used && strcmp(all[i], all[to]) == 0;)
            to++;
        nf_put_i64(out, all[i], (int64_t)(to - i));
    }
    nf_out_close(out, '}');
    nf_put_i64(out, "notes", (int64_t)n);
    nf_out_close(out, '}');
    return NF_SKILL_OK;
}

static int call(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    static const struct nf_tool tools[] = {
        { "save", save }, { "get", get },   { "list", list },
        { "find", find }, { "tags", tags }, { "delete", remove_note },
    };

    return nf_tools_run(h, r, tools, sizeof(tools) / sizeof(tools[0]));
}

NF_SKILL("notes", "1.0.0", call)
