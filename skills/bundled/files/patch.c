/*
 * Two formats. A unified diff: the lines with ' ' and '-' of each hunk must be in the file, at the
 * place that the hunk names or else at the only or nearest place behind the last hunk. Blocks:
 *
 *     <<<<<<< SEARCH
 *     lines that are in the file exactly once
 *     =======
 *     lines that replace them
 *     >>>>>>> REPLACE
 *
 * All or nothing: the file is written when every part has been found.
 */
#include "skills/bundled/files/patch.h"

#include "skills/bundled/common/text.h"

#include <string.h>

#define LINES_MAX 200000

struct line {
    const char *p;
    size_t n;    /* without its end */
    bool break_; /* it ends with a line break */
};

struct lines {
    struct line *at;
    size_t n;
};

static struct lines split(struct nf_args *a, const char *p, size_t n)
{
    struct lines ret = { 0 };
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += p[i] == '\n' || i + 1 == n;
    if (count > LINES_MAX)
        nf_args_fail(a, NF_SKILL_E_LIMIT, "over %d lines: too many to patch", LINES_MAX);
    ret.at = a->rc == NF_SKILL_OK ? nf_args_alloc(a, count + 1, sizeof(*ret.at)) : NULL;
    for (size_t i = 0; ret.at && ret.n < count; ret.n++) {
        const char *end = memchr(p + i, '\n', n - i);
        size_t len = end ? (size_t)(end - (p + i)) : n - i;

        ret.at[ret.n] = (struct line){ p + i, len, end != NULL };
        i += len + 1;
    }
    return ret;
}

/* A carriage return before the line break is part of the line's end, not of its text. */
static size_t text_length(const struct line *l)
{
    return l->n > 0 && l->p[l->n - 1] == '\r' ? l->n - 1 : l->n;
}

static bool same(const struct line *x, const struct line *y)
{
    size_t n = text_length(x);

    return n == text_length(y) && memcmp(x->p, y->p, n) == 0;
}

static bool begins(const struct line *l, const char *with)
{
    size_t n = strlen(with);

    return l->n >= n && memcmp(l->p, with, n) == 0;
}

static bool found_at(const struct lines *text, size_t at, const struct line *want, size_t n)
{
    if (n > text->n || at > text->n - n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!same(&text->at[at + i], &want[i]))
            return false;
    return true;
}

/* --- replaced lines ----------------------------------------------------------------------------
 */

/* At `at` of the text `gone` lines are replaced by `lines`. */
struct change {
    size_t at, gone, n;
    const struct line *lines;
    bool no_break; /* the last of `lines` has no line break */
};

struct changes {
    struct change *at;
    size_t n;
};

static struct change *next_change(struct nf_args *a, struct changes *all)
{
    if (all->n == NF_PATCH_HUNKS_MAX) {
        nf_args_fail(a, NF_SKILL_E_LIMIT, "argument \"patch\" has over %d parts",
                     NF_PATCH_HUNKS_MAX);
        return &all->at[0];
    }
    return &all->at[all->n++];
}

/* The changes are in order and apart. New lines get the file's kind of line break. */
static void write_changed(const struct lines *text, const struct changes *all, struct nf_buf *to)
{
    bool crlf = text->n > 0 && text->at[0].break_ && text_length(&text->at[0]) < text->at[0].n;
    size_t at = 0;

    for (size_t i = 0; i <= all->n; i++) {
        size_t end = i < all->n ? all->at[i].at : text->n;

        for (; at < end; at++) {
            nf_buf_add(to, text->at[at].p, text->at[at].n + text->at[at].break_);
            /* Lines follow where the file had none. */
            if (!text->at[at].break_ && at + 1 == text->n && i < all->n && all->at[i].n > 0)
                nf_buf_addc(to, '\n');
        }
        if (i == all->n)
            return;
        for (size_t k = 0; k < all->at[i].n; k++) {
            const struct line *l = &all->at[i].lines[k];
            bool last = k + 1 == all->at[i].n && end + all->at[i].gone == text->n;

            nf_buf_add(to, l->p, text_length(l));
            if (!(last && all->at[i].no_break))
                nf_buf_adds(to, crlf ? "\r\n" : "\n");
        }
        at += all->at[i].gone;
    }
}

/* --- blocks ------------------------------------------------------------------------------------
 */

static bool is_mark(const struct line *l, const char *mark)
{
    return begins(l, mark) && (l->n == 7 || l->p[7] == ' ' || l->p[7] == '\r');
}

static size_t until(const struct lines *patch, size_t from, const char *mark)
{
    while (from < patch->n && !is_mark(&patch->at[from], mark))
        from++;
    return from;
}

/* One block; *i stands on its first mark and then behind its last. */
static void read_block(struct nf_args *a, const struct lines *text, const struct lines *patch,
                       size_t *i, struct changes *all)
{
    size_t from = *i + 1, middle = until(patch, from, "======="),
           end = until(patch, middle, ">>>>>>>");
    size_t n = middle - from, hits = 0, first = 0, second = 0;
    struct change *c;

    if (end >= patch->n) {
        nf_args_fail(
            a, NF_SKILL_E_INVALID,
            "argument \"patch\", block %zu: it needs the lines =======  and >>>>>>> REPLACE "
            "behind <<<<<<< SEARCH",
            all->n + 1);
        return;
    }
    for (size_t at = 0; n > 0 && at + n <= text->n && hits < 2; at++)
        if (found_at(text, at, patch->at + from, n)) {
            if (hits++ == 0)
                first = at;
            else
                second = at;
        }
    if (n == 0 && text->n > 0)
        nf_args_fail(a, NF_SKILL_E_INVALID,
                     "argument \"patch\", block %zu: the part to search is empty, which only an "
                     "empty file has",
                     all->n + 1);
    else if (n > 0 && hits == 0)
        nf_args_fail(a, NF_SKILL_E_INVALID,
                     "argument \"patch\", block %zu: its search lines are not in the file (first: "
                     "\"%.*s\"); read the file again and copy them exactly",
                     all->n + 1, (int)(patch->at[from].n < 80 ? patch->at[from].n : 80),
                     patch->at[from].p);
    else if (hits > 1)
        nf_args_fail(
            a, NF_SKILL_E_INVALID,
            "argument \"patch\", block %zu: its search lines are in the file more than once "
            "(lines %zu and %zu); add lines around them",
            all->n + 1, first + 1, second + 1);
    if (a->rc != NF_SKILL_OK)
        return;
    c = next_change(a, all);
    *c = (struct change){ first, n, end - middle - 1, patch->at + middle + 1, false };
    c->no_break = n > 0 && !text->at[first + n - 1].break_;
    *i = end + 1;
}

/* Blocks may come in any order: sort by place, refuse overlaps. */
static void order(struct nf_args *a, struct changes *all)
{
    for (size_t i = 1; i < all->n; i++)
        for (size_t k = i; k > 0 && all->at[k - 1].at > all->at[k].at; k--) {
            struct change c = all->at[k];

            all->at[k] = all->at[k - 1];
            all->at[k - 1] = c;
        }
    for (size_t i = 1; i < all->n; i++)
        if (all->at[i - 1].at + all->at[i - 1].gone > all->at[i].at)
            nf_args_fail(a, NF_SKILL_E_INVALID,
                         "argument \"patch\": two blocks change the same lines (line %zu)",
                         all->at[i].at + 1);
}

/* --- unified diff ------------------------------------------------------------------------------
 */

/* "@@ -12,3 +12,4 @@": the first number. */
static bool hunk_line(const struct line *l, size_t *ret)
{
    size_t i = 4, v = 0;

    if (!begins(l, "@@ -"))
        return begins(l, "@@");
    for (; i < l->n && nf_text_is_digit(l->p[i]) && v < 100000000; i++)
        v = v * 10 + (size_t)(l->p[i] - '0');
    *ret = v;
    return true;
}

static bool is_hunk_body(const struct line *l)
{
    return l->n == 0 || strchr(" -+\\", l->p[0]) || (l->n == 1 && l->p[0] == '\r');
}

/* The lines of a hunk as they were and will be. */
struct hunk {
    struct line *old, *new;
    size_t old_n, new_n, number, line;
    bool no_break; /* of the new last line */
};

static void read_hunk(struct nf_args *a, const struct lines *patch, size_t *i, struct hunk *h)
{
    size_t from = *i, end = from;
    char last = ' ';

    while (end < patch->n && is_hunk_body(&patch->at[end]) &&
           !(begins(&patch->at[end], "--- ") && end + 1 < patch->n &&
             begins(&patch->at[end + 1], "+++ ")))
        end++;
    /* An empty line at the very end is the text's end rather than a line of context. */
    if (end > from && end == patch->n && patch->at[end - 1].n == 0)
        end--;
    h->old = nf_args_alloc(a, end - from + 1, sizeof(*h->old));
    h->new = nf_args_alloc(a, end - from + 1, sizeof(*h->new));
    for (*i = end; from < end && a->rc == NF_SKILL_OK; from++) {
        struct line l = patch->at[from];
        char sign = ' ';

        if (l.n > 0 && l.p[0] != '\r')
            sign = l.p[0];
        if (sign == '\\') {
            h->no_break = h->no_break || last != '-';
            continue;
        }
        if (l.n > 0 && l.p[0] != '\r') {
            l.p++;
            l.n--;
        }
        if (sign != '+')
            h->old[h->old_n++] = l;
        if (sign != '-')
            h->new[h->new_n++] = l;
        last = sign;
    }
}

/* Where the old lines are: at the hunk's line, else the nearest place behind the last change. */
static bool place(const struct lines *text, const struct hunk *h, size_t from, size_t *ret)
{
    size_t want = h->line > 0 ? h->line - (h->old_n > 0) : 0;

    want = want < from ? from : want;
    want = want > text->n ? text->n : want;
    for (size_t away = 0; away <= text->n; away++) {
        if (found_at(text, want + away, h->old, h->old_n)) {
            *ret = want + away;
            return true;
        }
        if (away > 0 && away <= want && want - away >= from &&
            found_at(text, want - away, h->old, h->old_n)) {
            *ret = want - away;
            return true;
        }
    }
    return false;
}

/* The old line that the file has least of, for the message. */
static const struct line *missing(const struct lines *text, const struct hunk *h)
{
    for (size_t i = 0; i < h->old_n; i++) {
        bool there = false;

        for (size_t k = 0; k < text->n && !there; k++)
            there = same(&text->at[k], &h->old[i]);
        if (!there)
            return &h->old[i];
    }
    return NULL;
}

static void apply_hunk(struct nf_args *a, const struct lines *text, const struct hunk *h,
                       struct changes *all)
{
    size_t from = all->n > 0 ? all->at[all->n - 1].at + all->at[all->n - 1].gone : 0, at;
    const struct line *l;
    struct change *c;

    if (h->old_n == 0 && h->new_n == 0) {
        nf_args_fail(a, NF_SKILL_E_INVALID, "argument \"patch\", hunk %zu: it has no lines",
                     h->number);
        return;
    }
    if (!place(text, h, from, &at)) {
        l = missing(text, h);
        nf_args_fail(a, NF_SKILL_E_INVALID,
                     "argument \"patch\", hunk %zu (line %zu): %s%.*s%s; read the file again",
                     h->number, h->line,
                     l ? "the file has no line \""
                       : "its lines are in the file, but not together in "
                         "this order behind the hunk before",
                     l ? (int)(l->n < 100 ? l->n : 100) : 0, l ? l->p : "", l ? "\"" : "");
        return;
    }
    c = next_change(a, all);
    *c = (struct change){ at, h->old_n, h->new_n, h->new, h->no_break };
    /* Context at the end that had no line break keeps none, whether the diff says so or not. */
    if (h->old_n > 0 && h->new_n > 0 && !text->at[at + h->old_n - 1].break_ &&
        same(&h->old[h->old_n - 1], &h->new[h->new_n - 1]))
        c->no_break = true;
}

size_t nf_patch_apply(struct nf_args *a, const char *text, size_t n, const char *patch,
                      struct nf_buf *to)
{
    struct lines old = split(a, text, n), all_lines = split(a, patch, strlen(patch));
    struct changes all = { nf_args_alloc(a, NF_PATCH_HUNKS_MAX, sizeof(struct change)), 0 };
    size_t hunks = 0, line = 0;
    bool blocks = false, mixed = false;

    for (size_t i = 0; i < all_lines.n && a->rc == NF_SKILL_OK && !mixed;) {
        struct hunk h = { 0 };

        if (is_mark(&all_lines.at[i], "<<<<<<<")) {
            blocks = true;
            mixed = hunks > 0;
            if (!mixed)
                read_block(a, &old, &all_lines, &i, &all);
        } else if (hunk_line(&all_lines.at[i], &line)) {
            mixed = blocks;
            h.number = ++hunks;
            h.line = line;
            i++;
            read_hunk(a, &all_lines, &i, &h);
            if (a->rc == NF_SKILL_OK && !mixed)
                apply_hunk(a, &old, &h, &all);
        } else {
            i++; /* names of files, other words around */
        }
    }
    if (mixed)
        nf_args_fail(a, NF_SKILL_E_INVALID,
                     "argument \"patch\" mixes a unified diff and SEARCH/REPLACE blocks");
    if (all.n == 0)
        nf_args_fail(
            a, NF_SKILL_E_INVALID,
            "argument \"patch\" is neither a unified diff (@@ -1,2 +1,3 @@ and lines with a "
            "blank, - or + before them) nor SEARCH/REPLACE blocks");
    if (blocks && a->rc == NF_SKILL_OK)
        order(a, &all);
    if (a->rc != NF_SKILL_OK)
        return 0;
    write_changed(&old, &all, to);
    if (a->rc == NF_SKILL_OK)
        a->rc = to->rc;
    return a->rc == NF_SKILL_OK ? all.n : 0;
}

int nf_files_patch(struct nf_args *a, struct nf_buf *out)
{
    const char *path = nf_path_arg(a, "path", false);
    const char *patch = nf_args_text(a, "patch", (size_t)256 * 1024);
    bool dry = nf_args_bool_or(a, "check_only", false), found = false;
    struct nf_buf changed = nf_buf_of(a->h, NF_FILE_MAX);
    struct nf_file f;
    size_t parts;

    if (a->rc != NF_SKILL_OK || !nf_file_try(a, path, &f, &found))
        return a->rc;
    if (!nf_file_is_text(&f)) {
        nf_args_fail(a, NF_SKILL_E_INVALID, "\"%.200s\" is no text", path);
        return a->rc;
    }
    parts = nf_patch_apply(a, f.p, f.n, patch, &changed);
    if (a->rc != NF_SKILL_OK || (!dry && !nf_file_save(a, path, nf_buf_c(&changed), changed.len)))
        return a->rc;
    nf_out_open(out, '{');
    nf_put_str(out, "path", path);
    nf_put_bool(out, "written", !dry);
    nf_put_bool(out, "created", !found);
    nf_put_i64(out, "parts", (int64_t)parts);
    nf_put_i64(out, "bytes", (int64_t)changed.len);
    nf_out_close(out, '}');
    return NF_SKILL_OK;
}
