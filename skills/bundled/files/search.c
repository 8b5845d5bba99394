/* Searching the files of the workspace, line by line. */
#include "skills/bundled/common/regex.h"
#include "skills/bundled/common/text.h"
#include "skills/bundled/common/utf8.h"
#include "skills/bundled/files/files.h"

#include <string.h>

#define DEPTH_MAX 16
#define FILES_MAX 2000
#define BYTES_MAX ((size_t)16 << 20) /* read by one search */
#define STEPS_MAX INT64_C(100000000) /* of a pattern: six for each byte that may be read */
#define MATCHES_MAX 500
#define LINE_SHOWN 300
#define CONTEXT_MAX 10

struct search {
    struct nf_args *a;
    struct nf_buf *out;
    const char *literal; /* NULL: `regex` */
    size_t literal_n;
    bool any_case;
    struct nf_regex *regex;
    const char *names; /* pattern of file names; "" all */
    int64_t max, context;
    size_t matches, files, read, bytes, binary, too_large;
    bool stopped; /* at a limit */
};

/* '*' any text, '?' a character; of the name, without its directory. Linear: only the last '*' is
 * ever tried again. */
static bool name_fits(const char *pattern, const char *name)
{
    const char *star = NULL, *from = NULL;

    while (*name) {
        if (*pattern == '*') {
            star = ++pattern;
            from = name;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star;
            name = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static bool has_literal(const struct search *s, const char *p, size_t n)
{
    for (size_t i = 0; i + s->literal_n <= n; i++)
        if (s->any_case) {
            size_t k = i, l = 0;

            while (l < s->literal_n && k < n &&
                   nf_rune_lower(nf_rune_next(p, n, &k)) ==
                       nf_rune_lower(nf_rune_next(s->literal, s->literal_n, &l)))
                if (l == s->literal_n)
                    return true;
        } else {
            const char *hit = memchr(p + i, s->literal[0], n - i - s->literal_n + 1);

            if (!hit)
                return false;
            i = (size_t)(hit - p);
            if (memcmp(hit, s->literal, s->literal_n) == 0)
                return true;
        }
    return false;
}

static bool line_fits(struct search *s, const char *p, size_t n)
{
    size_t at[2 * (NF_REGEX_GROUPS_MAX + 1)];

    return s->literal ? has_literal(s, p, n) : nf_regex_search(s->regex, p, n, 0, at);
}

struct span {
    const char *p;
    size_t n;
};

static struct span line_at(const struct nf_file *f, size_t at)
{
    const char *end = memchr(f->p + at, '\n', f->n - at);

    return (struct span){ f->p + at, end ? (size_t)(end - (f->p + at)) : f->n - at };
}

static void put_line(struct search *s, char sign, size_t number, struct span line)
{
    size_t n = nf_utf8_clip(line.p, line.n, LINE_SHOWN);

    nf_buf_addf(s->out, "%zu%c ", number, sign);
    for (size_t i = 0; i < n;) {
        uint32_t rune = nf_rune_next(line.p, n, &i);

        nf_buf_add_rune(s->out, rune == 0 ? NF_RUNE_BAD : rune);
    }
    nf_buf_adds(s->out, n < line.n ? "...\n" : "\n");
}

/* Matches with ':' behind their numbers, lines around them with '-', gaps as "--". */
static void search_file(struct search *s, const char *path, const struct nf_file *f)
{
    struct span before[CONTEXT_MAX];
    size_t kept = 0, number = 1, shown = 0, after = 0;
    size_t context = (size_t)s->context;
    bool any = false;

    for (size_t at = 0; at < f->n && s->a->rc == NF_SKILL_OK; number++) {
        struct span line = line_at(f, at);
        bool fits = line_fits(s, line.p, line.n);

        at += line.n + 1;
        if (fits && (int64_t)s->matches >= s->max) {
            s->stopped = true;
            break;
        }
        if (fits) {
            if (!any)
                nf_buf_addf(s->out, "%s\n", path);
            if (any && context > 0 && number - kept > shown + 1)
                nf_buf_adds(s->out, "--\n");
            for (size_t k = 0; k < kept; k++)
                put_line(s, '-', number - kept + k, before[k]);
            put_line(s, ':', number, line);
            any = true;
            s->matches++;
            shown = number;
            after = context;
            kept = 0;
        } else if (after > 0) {
            put_line(s, '-', number, line);
            shown = number;
            after--;
        } else if (context > 0) {
            if (kept == context)
                memmove(before, before + 1, (--kept) * sizeof(*before));
            before[kept++] = line;
        }
    }
    s->files += any;
    if (any)
        nf_buf_addc(s->out, '\n');
}

static void visit_file(struct search *s, const char *path, const char *name, int64_t size)
{
    struct nf_file f;
    bool found;

    if (*s->names && !name_fits(s->names, name))
        return;
    if (size > (int64_t)NF_FILE_MAX) {
        s->too_large++;
        return;
    }
    if (s->read == FILES_MAX || s->bytes > BYTES_MAX) {
        s->stopped = true;
        return;
    }
    if (!nf_file_try(s->a, path, &f, &found) || !found)
        return;
    s->read++;
    s->bytes += f.n;
    if (nf_file_is_text(&f))
        search_file(s, path, &f);
    else
        s->binary++;
}

/* NOLINTBEGIN(misc-no-recursion): DEPTH_MAX bounds it */

static void visit_directory(struct search *s, const char *path, int depth)
{
    const struct nf_skill_host *h = s->a->h;
    const struct nf_skill_json *entries = NULL, *e;
    int rc = h->file_list(h, path, &entries);

    if (rc != NF_SKILL_OK) {
        nf_file_failed(s->a, rc, path);
        return;
    }
    for (e = h->json_first(h, entries); e && s->a->rc == NF_SKILL_OK && !s->stopped;
         e = h->json_next(h, e)) {
        const char *name = h->json_str(h, h->json_get(h, e, "name"));
        const char *type = h->json_str(h, h->json_get(h, e, "type"));
        struct nf_buf child = nf_buf_of(h, NF_PATH_MAX);

        if (!name || !type)
            continue;
        nf_buf_addf(&child, "%s%s%s", path, *path ? "/" : "", name);
        if (child.rc != NF_SKILL_OK)
            s->a->rc = child.rc;
        else if (strcmp(type, "directory") != 0)
            visit_file(s, nf_buf_c(&child), name, h->json_i64(h, h->json_get(h, e, "size"), 0));
        else if (depth < DEPTH_MAX)
            visit_directory(s, nf_buf_c(&child), depth + 1);
    }
}

/* NOLINTEND(misc-no-recursion) */

int nf_files_search(struct nf_args *a, struct nf_buf *out)
{
    const char *path = nf_path_arg(a, "path", true);
    bool pattern = nf_args_bool_or(a, "regex", false);
    struct search s = { .a = a, .out = out };
    const char *query = nf_args_text(a, "query", NF_REGEX_PATTERN_MAX);
    struct nf_file f;
    bool found = false;

    s.any_case = nf_args_bool_or(a, "ignore_case", false);
    s.names = nf_args_text_or(a, "files", 200, "");
    s.max = nf_args_int_or(a, "max", 1, MATCHES_MAX, 100);
    s.context = nf_args_int_or(a, "context", 0, CONTEXT_MAX, 0);
    if (a->rc == NF_SKILL_OK && !*query)
        nf_args_fail(a, NF_SKILL_E_INVALID, "argument \"query\" is empty");
    if (pattern)
        s.regex = nf_regex_new(a, "query", query, s.any_case ? "i" : "");
    else
        s.literal = query;
    s.literal_n = strlen(query);
    if (s.regex)
        nf_regex_set_steps(s.regex, STEPS_MAX);
    if (a->rc != NF_SKILL_OK)
        return a->rc;
    if (*path && a->h->file_read(a->h, path, 0, 1, &(struct nf_skill_bytes){ 0 }) == NF_SKILL_OK) {
        if (nf_file_try(a, path, &f, &found))
            search_file(&s, path, &f);
        s.read++;
    } else {
        visit_directory(&s, path, 0);
    }
    nf_buf_addf(out, "(%zu matching lines in %zu of %zu files", s.matches, s.files, s.read);
    if (s.binary + s.too_large > 0)
        nf_buf_addf(out, "; %zu that are no text or too large were not searched",
                    s.binary + s.too_large);
    nf_buf_adds(out, s.stopped ? "; stopped at a limit: search more precisely)\n" : ")\n");
    return a->rc;
}
