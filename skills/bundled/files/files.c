/* The skill files: reading, writing, listing, moving and deleting in the conversation's workspace.
 */
#include "skills/bundled/files/files.h"

#include "skills/bundled/common/utf8.h"

#include <stdio.h>
#include <string.h>

#define CHUNK ((uint32_t)1 << 20) /* what one request reads at most */
#define LIST_DEPTH_MAX 8
#define LIST_ENTRIES_MAX 1000
#define LINE_SHOWN_MAX 2000 /* bytes of one line */

void nf_file_failed(struct nf_args *a, int code, const char *path)
{
    char why[300];

    (void)snprintf(why, sizeof(why), "%s", a->h->error(a->h));
    if (code == NF_SKILL_E_NOT_FOUND)
        nf_args_fail(a, code, "there is no \"%.200s\" in the workspace: see the tool list", path);
    else
        nf_args_fail(a, code, "\"%.200s\": %s", path, why);
}

const char *nf_path_arg(struct nf_args *a, const char *key, bool root)
{
    const char *path =
        root ? nf_args_text_or(a, key, NF_PATH_MAX, "") : nf_args_text(a, key, NF_PATH_MAX);
    struct nf_buf trimmed = nf_buf_of(a->h, NF_PATH_MAX);

    while (path[0] == '.' && path[1] == '/')
        path += 2;
    if (strcmp(path, ".") == 0 || strcmp(path, "./") == 0)
        path = "";
    if (*path == '/')
        nf_args_fail(a, NF_SKILL_E_INVALID,
                     "argument \"%s\": paths are relative to the workspace, without / before them",
                     key);
    nf_buf_adds(&trimmed, path);
    while (trimmed.len > 0 && trimmed.p[trimmed.len - 1] == '/')
        trimmed.p[--trimmed.len] = '\0';
    if (a->rc == NF_SKILL_OK)
        a->rc = trimmed.rc;
    if (trimmed.len == 0 && !root)
        nf_args_fail(a, NF_SKILL_E_INVALID, "argument \"%s\" must name a file", key);
    return nf_buf_c(&trimmed);
}

bool nf_file_try(struct nf_args *a, const char *path, struct nf_file *ret, bool *found)
{
    struct nf_buf b = nf_buf_of(a->h, NF_FILE_MAX + 1);
    struct nf_skill_bytes part;

    *found = true;
    for (;;) {
        int rc = a->rc == NF_SKILL_OK ? a->h->file_read(a->h, path, b.len, CHUNK, &part) : a->rc;

        if (rc == NF_SKILL_E_NOT_FOUND) {
            *found = false;
            *ret = (struct nf_file){ "", 0 };
            return true;
        }
        if (rc != NF_SKILL_OK)
            nf_file_failed(a, rc, path);
        else if (b.len + part.n > NF_FILE_MAX)
            nf_args_fail(a, NF_SKILL_E_LIMIT, "\"%.200s\" is over %zu MiB: too large for this tool",
                         path, NF_FILE_MAX >> 20);
        if (a->rc != NF_SKILL_OK)
            return false;
        if (part.n == 0)
            break;
        if (b.len == 0 && part.n < CHUNK) { /* as a rule the file in one piece: no copy */
            *ret = (struct nf_file){ part.p, part.n };
            return true;
        }
        nf_buf_add(&b, part.p, part.n);
        if (b.rc != NF_SKILL_OK) {
            a->rc = b.rc;
            return false;
        }
    }
    *ret = (struct nf_file){ nf_buf_c(&b), b.len };
    return true;
}

bool nf_file_load(struct nf_args *a, const char *path, struct nf_file *ret)
{
    bool found;

    if (!nf_file_try(a, path, ret, &found))
        return false;
    if (!found)
        nf_file_failed(a, NF_SKILL_E_NOT_FOUND, path);
    return found;
}

bool nf_file_save(struct nf_args *a, const char *path, const char *p, size_t n)
{
    int rc;

    if (n > NF_FILE_MAX)
        nf_args_fail(a, NF_SKILL_E_LIMIT, "\"%.200s\" would be over %zu MiB", path,
                     NF_FILE_MAX >> 20);
    rc = a->rc == NF_SKILL_OK ? a->h->file_write(a->h, path, p, n) : a->rc;
    if (rc != NF_SKILL_OK)
        nf_file_failed(a, rc, path);
    return a->rc == NF_SKILL_OK;
}

bool nf_file_is_text(const struct nf_file *f)
{
    return f->n == 0 || !memchr(f->p, 0, f->n < 8192 ? f->n : 8192);
}

/* --- read ------------------------------------------------------------------------------------- */

static size_t count_lines(const struct nf_file *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n; i++)
        n += f->p[i] == '\n';
    return n + (f->n > 0 && f->p[f->n - 1] != '\n');
}

/* A line as it is, long ones cut, what is no UTF-8 replaced. */
static void put_line(struct nf_buf *out, const char *p, size_t n)
{
    size_t shown = nf_utf8_clip(p, n, LINE_SHOWN_MAX);

    if (nf_utf8_ok(p, shown) && !memchr(p, 0, shown))
        nf_buf_add(out, p, shown);
    else
        for (size_t i = 0; i < shown;) {
            uint32_t rune = nf_rune_next(p, shown, &i);

            nf_buf_add_rune(out, rune == 0 ? NF_RUNE_BAD : rune);
        }
    if (shown < n)
        nf_buf_addf(out, "... (%zu bytes more)", n - shown);
}

int nf_files_read(struct nf_args *a, struct nf_buf *out)
{
    const char *path = nf_path_arg(a, "path", false);
    int64_t first = nf_args_int_or(a, "line", 1, INT32_MAX, 1), line = 1;
    int64_t wanted = nf_args_int_or(a, "count", 1, NF_READ_LINES_MAX, 500), last;
    bool numbers = nf_args_bool_or(a, "numbers", true);
    struct nf_file f;
    int64_t total;

    if (a->rc != NF_SKILL_OK || !nf_file_load(a, path, &f))
        return a->rc;
    if (!nf_file_is_text(&f)) {
        nf_args_fail(a, NF_SKILL_E_INVALID, "\"%.200s\" is no text (%zu bytes)", path, f.n);
        return a->rc;
    }
    total = (int64_t)count_lines(&f);
    if (first > total && total > 0) {
        nf_args_fail(a, NF_SKILL_E_INVALID, "argument \"line\": \"%.200s\" has %lld lines only",
                     path, (long long)total);
        return a->rc;
    }
    last = first;
    for (size_t at = 0; at < f.n; line++) {
        const char *end = memchr(f.p + at, '\n', f.n - at);
        size_t n = end ? (size_t)(end - (f.p + at)) : f.n - at;

        if (line >= first + wanted || out->len > NF_READ_BYTES_MAX)
            break;
        if (line >= first) {
            if (numbers)
                nf_buf_addf(out, "%lld: ", (long long)line);
            put_line(out, f.p + at, n);
            nf_buf_addc(out, '\n');
            last = line;
        }
        at += n + 1;
    }
    if (total == 0)
        nf_buf_adds(out, "(the file is empty)\n");
    else if (last < total || first > 1)
        nf_buf_addf(out, "(lines %lld to %lld of %lld%s)\n", (long long)first, (long long)last,
                    (long long)total, last < total ? "; read on with a larger \"line\"" : "");
    return NF_SKILL_OK;
}

/* --- write, move, delete ---------------------------------------------------------------------- */

int nf_files_write(struct nf_args *a, struct nf_buf *out)
{
    static const char *const modes[] = { "replace", "create", "append", NULL };
    const char *path = nf_path_arg(a, "path", false);
    const char *text = nf_args_text(a, "text", NF_FILE_MAX);
    size_t mode = nf_args_choice_or(a, "mode", modes, 0), n = strlen(text);
    struct nf_buf joined = nf_buf_of(a->h, NF_FILE_MAX);
    struct nf_file old;
    bool found = false;

    if (a->rc != NF_SKILL_OK || !nf_file_try(a, path, &old, &found))
        return a->rc;
    if (mode == 1 && found) {
        nf_args_fail(a, NF_SKILL_E_INVALID,
                     "\"%.200s\" exists already: use mode replace to overwrite it, or patch", path);
        return a->rc;
    }
    if (mode == 2) {
        nf_buf_add(&joined, old.p, old.n);
        nf_buf_add(&joined, text, n);
        if (joined.rc != NF_SKILL_OK)
            return joined.rc;
        text = nf_buf_c(&joined);
        n = joined.len;
    }
    if (!nf_file_save(a, path, text, n))
        return a->rc;
    nf_out_open(out, '{');
    nf_put_str(out, "path", path);
    nf_put_bool(out, "created", !found);
    nf_put_i64(out, "bytes", (int64_t)n);
    nf_put_i64(out, "lines", (int64_t)count_lines(&(struct nf_file){ text, n }));
    nf_out_close(out, '}');
    return NF_SKILL_OK;
}

int nf_files_move(struct nf_args *a, struct nf_buf *out)
{
    const char *from = nf_path_arg(a, "from", false), *to = nf_path_arg(a, "to", false);
    bool overwrite = nf_args_bool_or(a, "overwrite", false),
         copy = nf_args_bool_or(a, "copy", false);
    struct nf_file f, old;
    bool found = false;
    int rc;

    if (a->rc != NF_SKILL_OK)
        return a->rc;
    if (strcmp(from, to) == 0) {
        nf_args_fail(a, NF_SKILL_E_INVALID, "arguments \"from\" and \"to\" are the same file");
        return a->rc;
    }
    if (!nf_file_load(a, from, &f) || !nf_file_try(a, to, &old, &found))
        return a->rc;
    if (found && !overwrite) {
        nf_args_fail(a, NF_SKILL_E_INVALID,
                     "\"%.200s\" exists already: set overwrite to replace it", to);
        return a->rc;
    }
    /* Written first and removed then: a failure between leaves two files, never none. */
    if (!nf_file_save(a, to, f.p, f.n))
        return a->rc;
    rc = copy ? NF_SKILL_OK : a->h->file_remove(a->h, from);
    if (rc != NF_SKILL_OK) {
        nf_file_failed(a, rc, from);
        return a->rc;
    }
    nf_out_open(out, '{');
    nf_put_str(out, copy ? "copied" : "moved", from);
    nf_put_str(out, "to", to);
    nf_put_i64(out, "bytes", (int64_t)f.n);
    nf_out_close(out, '}');
    return NF_SKILL_OK;
}

int nf_files_delete(struct nf_args *a, struct nf_buf *out)
{
    const char *path = nf_path_arg(a, "path", false);
    int rc = a->rc == NF_SKILL_OK ? a->h->file_remove(a->h, path) : a->rc;

    if (rc != NF_SKILL_OK)
        nf_file_failed(a, rc, path);
    if (a->rc != NF_SKILL_OK)
        return a->rc;
    nf_out_open(out, '{');
    nf_put_str(out, "deleted", path);
    nf_out_close(out, '}');
    return NF_SKILL_OK;
}

/* --- list ------------------------------------------------------------------------------------- */

struct tree {
    struct nf_args *a;
    struct nf_buf *out;
    int64_t depth; /* levels to show */
    size_t files, directories, left_out;
    uint64_t bytes;
};

static void put_size(struct nf_buf *out, int64_t n)
{
    if (n < 10240)
        nf_buf_addf(out, "%lld B", (long long)n);
    else if (n < INT64_C(10240) << 10)
        nf_buf_addf(out, "%lld KiB", (long long)(n >> 10));
    else
        nf_buf_addf(out, "%lld MiB", (long long)(n >> 20));
}

/* NOLINTBEGIN(misc-no-recursion): LIST_DEPTH_MAX bounds it */

static void put_directory(struct tree *t, const char *path, int64_t level)
{
    const struct nf_skill_host *h = t->a->h;
    const struct nf_skill_json *entries = NULL, *e;
    int rc = h->file_list(h, path, &entries);

    if (rc != NF_SKILL_OK) {
        nf_file_failed(t->a, rc, path);
        return;
    }
    for (e = h->json_first(h, entries); e && t->a->rc == NF_SKILL_OK; e = h->json_next(h, e)) {
        const char *name = h->json_str(h, h->json_get(h, e, "name"));
        const char *type = h->json_str(h, h->json_get(h, e, "type"));
        int64_t size = h->json_i64(h, h->json_get(h, e, "size"), 0);
        bool directory = type && strcmp(type, "directory") == 0;
        struct nf_buf child = nf_buf_of(h, NF_PATH_MAX);

        if (!name)
            continue;
        if (t->files + t->directories >= LIST_ENTRIES_MAX) {
            t->left_out++;
            continue;
        }
        t->files += !directory;
        t->directories += directory;
        t->bytes += directory || size < 0 ? 0 : (uint64_t)size;
        for (int64_t i = 0; i < level; i++)
            nf_buf_adds(t->out, "  ");
        put_line(t->out, name, strlen(name));
        if (directory) {
            nf_buf_adds(t->out, "/\n");
        } else {
            nf_buf_adds(t->out, "  ");
            put_size(t->out, size);
            nf_buf_addc(t->out, '\n');
        }
        nf_buf_addf(&child, "%s%s%s", path, *path ? "/" : "", name);
        if (t->a->rc == NF_SKILL_OK)
            t->a->rc = child.rc;
        if (directory && level + 1 < t->depth && t->a->rc == NF_SKILL_OK)
            put_directory(t, nf_buf_c(&child), level + 1);
    }
}

/* NOLINTEND(misc-no-recursion) */

int nf_files_list(struct nf_args *a, struct nf_buf *out)
{
    const char *path = nf_path_arg(a, "path", true);
    struct tree t = { .a = a,
                      .out = out,
                      .depth = nf_args_int_or(a, "depth", 1, LIST_DEPTH_MAX, 3) };

    if (a->rc != NF_SKILL_OK)
        return a->rc;
    put_directory(&t, path, 0);
    if (a->rc != NF_SKILL_OK)
        return a->rc;
    nf_buf_addf(out, "(%zu files, %zu directories, ", t.files, t.directories);
    put_size(out, (int64_t)t.bytes);
    if (t.left_out > 0)
        nf_buf_addf(out, "; %zu more are not shown: list a directory below", t.left_out);
    nf_buf_adds(out, ")\n");
    return NF_SKILL_OK;
}

static int call(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    static const struct nf_tool tools[] = {
        { "read", nf_files_read },     { "write", nf_files_write }, { "list", nf_files_list },
        { "search", nf_files_search }, { "patch", nf_files_patch }, { "move", nf_files_move },
        { "delete", nf_files_delete },
    };

    return nf_tools_run(h, r, tools, sizeof(tools) / sizeof(tools[0]));
}

NF_SKILL("files", "1.0.0", call)
