/* The host side of the ABI for tests. Lists are as good as anything for a dozen items. */
#include "tests/support/skill_host.h"

#include "codec/json.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_MAX ((size_t)64 << 20)
#define KV_VALUE_MAX 65536

struct rig_item {
    struct rig_item *next;
    char *name;
    size_t n;
    _Alignas(max_align_t) char bytes[];
};
struct rig_doc {
    struct rig_doc *next;
    struct nf_json_doc *doc;
};

static struct skill_rig *rig_of(const struct nf_skill_host *h)
{
    return h->self;
}

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

static int fail_with(struct skill_rig *rig, int code, const char *text)
{
    (void)snprintf(rig->error, sizeof(rig->error), "%s", text);
    return code;
}

/* --- lists ------------------------------------------------------------------------------------ */

static struct rig_item *find(struct rig_item *list, const char *name)
{
    while (list && strcmp(list->name, name) != 0)
        list = list->next;
    return list;
}

static void put(struct rig_item **list, const char *name, const char *p, size_t n)
{
    struct rig_item *item;

    for (struct rig_item **at = list; *at; at = &(*at)->next)
        if (strcmp((*at)->name, name) == 0) {
            struct rig_item *old = *at;

            *at = old->next;
            free(old->name);
            free(old);
            break;
        }
    if (!p)
        return;
    while (*list && strcmp((*list)->name, name) < 0)
        list = &(*list)->next;
    item = must(calloc(1, sizeof(*item) + n + 1));
    item->name = must(strdup(name));
    item->n = n;
    if (n > 0)
        memcpy(item->bytes, p, n);
    item->next = *list;
    *list = item;
}

static void drop_all(struct rig_item **list)
{
    while (*list) {
        struct rig_item *next = (*list)->next;

        free((*list)->name);
        free(*list);
        *list = next;
    }
}

/* --- result, memory, time --------------------------------------------------------------------- */

static int reply(const struct nf_skill_host *h, const char *p, size_t n)
{
    struct skill_rig *rig = rig_of(h);

    if (n > rig->output_max - rig->result_n)
        return fail_with(rig, NF_SKILL_E_LIMIT, "the result is over the tool's output bytes");
    rig->result = must(realloc(rig->result, rig->result_n + n + 1));
    memcpy(rig->result + rig->result_n, p, n);
    rig->result_n += n;
    rig->result[rig->result_n] = '\0';
    return NF_SKILL_OK;
}

static int replyf(const struct nf_skill_host *h, const char *format, ...)
{
    char text[4096];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    return reply(h, text, strlen(text));
}

static int host_fail(const struct nf_skill_host *h, int code, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(rig_of(h)->error, sizeof(rig_of(h)->error), format, ap);
    va_end(ap);
    return code;
}

static const char *host_error(const struct nf_skill_host *h)
{
    return rig_of(h)->error;
}

static void *host_alloc(const struct nf_skill_host *h, size_t n)
{
    struct skill_rig *rig = rig_of(h);
    struct rig_item *item;

    if (++rig->allocs == rig->fail_alloc || n > rig->memory_max - rig->memory_used) {
        (void)fail_with(rig, NF_SKILL_E_LIMIT, "over the memory limit");
        return NULL;
    }
    rig->memory_used += n;
    item = must(calloc(1, sizeof(*item) + n));
    item->next = rig->memory;
    rig->memory = item;
    return item->bytes;
}

/* What the host needs for itself; it is not counted among the plugin's allocations. */
static void *own_alloc(struct skill_rig *rig, size_t n)
{
    size_t fail_alloc = rig->fail_alloc;
    void *p;

    rig->fail_alloc = 0;
    p = must(host_alloc(&rig->h, n));
    rig->fail_alloc = fail_alloc;
    rig->allocs--;
    return p;
}

static int64_t now_ms(const struct nf_skill_host *h)
{
    return rig_of(h)->now_ms;
}

static int64_t left_ms(const struct nf_skill_host *h)
{
    (void)h;
    return 60000;
}

static void host_log(const struct nf_skill_host *h, int level, const char *format, ...)
{
    (void)h;
    (void)level;
    (void)format;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static const struct nf_json *in(const struct nf_skill_json *v)
{
    return (const struct nf_json *)v;
}

static const struct nf_skill_json *out(const struct nf_json *v)
{
    return (const struct nf_skill_json *)v;
}

static const struct nf_skill_json *json_parse(const struct nf_skill_host *h, const char *p,
                                              size_t n)
{
    struct nf_json_doc *doc;
    struct rig_doc *kept;
    struct nf_err err;

    if (nf_json_parse(p, n, 0, &doc, &err) != NF_OK) {
        (void)fail_with(rig_of(h), NF_SKILL_E_INVALID, err.msg);
        return NULL;
    }
    kept = must(calloc(1, sizeof(*kept)));
    kept->doc = doc;
    kept->next = rig_of(h)->docs;
    rig_of(h)->docs = kept;
    return out(nf_json_root(doc));
}

static int json_type(const struct nf_skill_host *h, const struct nf_skill_json *v)
{
    static const int types[] = {
        [NF_JSON_ABSENT] = NF_SKILL_JSON_ABSENT, [NF_JSON_NULL] = NF_SKILL_JSON_NULL,
        [NF_JSON_BOOL] = NF_SKILL_JSON_BOOL,     [NF_JSON_NUMBER] = NF_SKILL_JSON_NUMBER,
        [NF_JSON_STRING] = NF_SKILL_JSON_STRING, [NF_JSON_ARRAY] = NF_SKILL_JSON_ARRAY,
        [NF_JSON_OBJECT] = NF_SKILL_JSON_OBJECT,
    };
    (void)h;

    return types[nf_json_type(in(v))];
}

static const struct nf_skill_json *json_get(const struct nf_skill_host *h,
                                            const struct nf_skill_json *v, const char *key)
{
    (void)h;
    return out(nf_json_get(in(v), key));
}

static const struct nf_skill_json *json_first(const struct nf_skill_host *h,
                                              const struct nf_skill_json *v)
{
    (void)h;
    return out(nf_json_first(in(v)));
}

static const struct nf_skill_json *json_next(const struct nf_skill_host *h,
                                             const struct nf_skill_json *v)
{
    (void)h;
    return out(nf_json_next(in(v)));
}

static size_t json_count(const struct nf_skill_host *h, const struct nf_skill_json *v)
{
    (void)h;
    return nf_json_count(in(v));
}

static const char *json_key(const struct nf_skill_host *h, const struct nf_skill_json *v)
{
    (void)h;
    return nf_json_key(in(v));
}

static const char *json_str(const struct nf_skill_host *h, const struct nf_skill_json *v)
{
    (void)h;
    return nf_json_str(in(v));
}

static int64_t json_i64(const struct nf_skill_host *h, const struct nf_skill_json *v,
                        int64_t otherwise)
{
    (void)h;
    return nf_json_i64(in(v), otherwise);
}

static double json_f64(const struct nf_skill_host *h, const struct nf_skill_json *v,
                       double otherwise)
{
    (void)h;
    return nf_json_f64(in(v), otherwise);
}

static int json_bool(const struct nf_skill_host *h, const struct nf_skill_json *v, int otherwise)
{
    (void)h;
    return nf_json_bool(in(v), otherwise != 0);
}

/* What was written, in memory of the call. */
static struct nf_skill_bytes written(struct skill_rig *rig, struct nf_json_out *o, struct nf_str *s)
{
    struct nf_skill_bytes b = { "", 0 };
    struct nf_err err;

    assert_ok(nf_json_end_doc(o, &err), &err);
    b.n = s->len;
    b.p = memcpy(own_alloc(rig, s->len + 1), nf_str_c(s), s->len + 1);
    nf_str_done(s);
    return b;
}

static struct nf_skill_bytes json_text(const struct nf_skill_host *h, const struct nf_skill_json *v)
{
    struct nf_str s = { .max = NF_JSON_BYTES_MAX };
    struct nf_json_out o;

    nf_json_begin_doc(&o, &s);
    nf_json_out_value(&o, in(v));
    return written(rig_of(h), &o, &s);
}

static struct nf_skill_bytes json_quote(const struct nf_skill_host *h, const char *p, size_t n)
{
    struct nf_str s = { .max = NF_JSON_BYTES_MAX };
    struct nf_json_out o;

    nf_json_begin_doc(&o, &s);
    nf_json_out_strn(&o, p, n);
    return written(rig_of(h), &o, &s);
}

/* --- http, kv, files -------------------------------------------------------------------------- */

static int http_fetch(const struct nf_skill_host *h, const struct nf_skill_http_request *r,
                      struct nf_skill_http_response *ret)
{
    struct skill_rig *rig = rig_of(h);

    if (!rig->web)
        return fail_with(rig, NF_SKILL_E_DENIED, "http is not granted");
    if (r->abi_major != NF_SKILL_ABI_MAJOR || r->struct_size < sizeof(*r))
        return fail_with(rig, NF_SKILL_E_INVALID, "the request has no version");
    rig->requests++;
    (void)snprintf(rig->last_url, sizeof(rig->last_url), "%s", r->url);
    *ret = (struct nf_skill_http_response){
        .status = 200, .body = { "", 0 }, .content_type = "", .url = rig->last_url
    };
    return rig->web(rig, r, ret);
}

static bool is_key(const char *key)
{
    size_t n = strlen(key);

    for (size_t i = 0; i < n; i++)
        if (key[i] <= ' ' || key[i] > '~')
            return false;
    return n >= 1 && n <= 128;
}

static int kv_get(const struct nf_skill_host *h, const char *key, struct nf_skill_bytes *ret)
{
    struct rig_item *item = find(rig_of(h)->kv, key);

    if (!item)
        return fail_with(rig_of(h), NF_SKILL_E_NOT_FOUND, "there is no such key");
    *ret = (struct nf_skill_bytes){ item->bytes, item->n };
    return NF_SKILL_OK;
}

static int kv_put(const struct nf_skill_host *h, const char *key, const char *p, size_t n)
{
    if (!is_key(key))
        return fail_with(rig_of(h), NF_SKILL_E_INVALID, "a key is 1 to 128 printable characters");
    if (n > KV_VALUE_MAX)
        return fail_with(rig_of(h), NF_SKILL_E_LIMIT, "a value is over 64 KiB");
    put(&rig_of(h)->kv, key, p, n);
    return NF_SKILL_OK;
}

static int kv_delete(const struct nf_skill_host *h, const char *key)
{
    if (!find(rig_of(h)->kv, key))
        return fail_with(rig_of(h), NF_SKILL_E_NOT_FOUND, "there is no such key");
    put(&rig_of(h)->kv, key, NULL, 0);
    return NF_SKILL_OK;
}

/* Parse what was written and hand it out. */
static int hand_out(struct skill_rig *rig, struct nf_json_out *o, struct nf_str *s,
                    const struct nf_skill_json **ret)
{
    struct nf_skill_bytes b = written(rig, o, s);

    *ret = must((void *)json_parse(&rig->h, b.p, b.n));
    return NF_SKILL_OK;
}

static int kv_list(const struct nf_skill_host *h, const char *prefix, const char *after,
                   uint32_t limit, const struct nf_skill_json **ret)
{
    struct nf_str s = { .max = NF_JSON_BYTES_MAX };
    struct nf_json_out o;

    if (limit == 0 || limit > 1000)
        return fail_with(rig_of(h), NF_SKILL_E_INVALID, "limit must be 1 to 1000");
    nf_json_begin_doc(&o, &s);
    nf_json_out_array(&o);
    for (struct rig_item *item = rig_of(h)->kv; item && limit > 0; item = item->next)
        if (strncmp(item->name, prefix, strlen(prefix)) == 0 &&
            (!after || strcmp(item->name, after) > 0)) {
            nf_json_out_str(&o, item->name);
            limit--;
        }
    nf_json_out_end(&o);
    return hand_out(rig_of(h), &o, &s, ret);
}

static bool is_path(const char *path)
{
    if (!*path || *path == '/' || strlen(path) > 1024 || path[strlen(path) - 1] == '/')
        return false;
    for (const char *p = path; *p; p += strcspn(p, "/"), p += *p == '/') {
        size_t n = strcspn(p, "/");

        if (n == 0 || n > 255 || (n == 1 && *p == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return false;
    }
    return true;
}

static bool is_directory(struct skill_rig *rig, const char *path)
{
    size_t n = strlen(path);

    for (struct rig_item *item = rig->files; item; item = item->next)
        if (strncmp(item->name, path, n) == 0 && item->name[n] == '/')
            return true;
    return n == 0;
}

static int file_read(const struct nf_skill_host *h, const char *path, uint64_t offset,
                     uint32_t limit, struct nf_skill_bytes *ret)
{
    struct rig_item *item = find(rig_of(h)->files, path);
    size_t max = limit && limit < rig_of(h)->file_max ? limit : rig_of(h)->file_max;

    if (!is_path(path))
        return fail_with(rig_of(h), NF_SKILL_E_INVALID, "not a path within the workspace");
    if (!item)
        return fail_with(rig_of(h), NF_SKILL_E_NOT_FOUND, "there is no such file");
    if (offset > item->n)
        offset = item->n;
    ret->n = item->n - offset < max ? item->n - offset : max;
    ret->p = memcpy(own_alloc(rig_of(h), ret->n + 1), item->bytes + offset, ret->n);
    return NF_SKILL_OK;
}

static int file_write(const struct nf_skill_host *h, const char *path, const char *p, size_t n)
{
    if (!is_path(path) || is_directory(rig_of(h), path))
        return fail_with(rig_of(h), NF_SKILL_E_INVALID, "not a path within the workspace");
    put(&rig_of(h)->files, path, n > 0 ? p : "", n);
    return NF_SKILL_OK;
}

static int file_list(const struct nf_skill_host *h, const char *path,
                     const struct nf_skill_json **ret)
{
    struct skill_rig *rig = rig_of(h);
    struct nf_str s = { .max = NF_JSON_BYTES_MAX };
    struct nf_json_out o;
    size_t n = strlen(path) + (*path != '\0');
    char last[256] = "";

    if (!is_directory(rig, path))
        return fail_with(rig, NF_SKILL_E_NOT_FOUND, "there is no such directory");
    nf_json_begin_doc(&o, &s);
    nf_json_out_array(&o);
    for (struct rig_item *item = rig->files; item; item = item->next) {
        const char *name = item->name + n;
        size_t len;
        char one[256];

        if (strncmp(item->name, path, n > 0 ? n - 1 : 0) != 0 ||
            (n > 0 && item->name[n - 1] != '/'))
            continue;
        len = strcspn(name, "/");
        (void)snprintf(one, sizeof(one), "%.*s", (int)len, name);
        if (strcmp(one, last) == 0)
            continue;
        (void)snprintf(last, sizeof(last), "%s", one);
        nf_json_out_object(&o);
        nf_json_put_str(&o, "name", one);
        nf_json_put_str(&o, "type", name[len] ? "directory" : "file");
        nf_json_put_i64(&o, "size", name[len] ? 0 : (int64_t)item->n);
        nf_json_put_i64(&o, "modified_ms", 1700000000000);
        nf_json_out_end(&o);
    }
    nf_json_out_end(&o);
    return hand_out(rig, &o, &s, ret);
}

static int file_remove(const struct nf_skill_host *h, const char *path)
{
    if (!find(rig_of(h)->files, path))
        return fail_with(rig_of(h), NF_SKILL_E_NOT_FOUND, "there is no such file");
    put(&rig_of(h)->files, path, NULL, 0);
    return NF_SKILL_OK;
}

/* --- the rig ---------------------------------------------------------------------------------- */

static void progress(const struct nf_skill_host *h, int percent, const char *format, ...)
{
    (void)h;
    (void)percent;
    (void)format;
}

struct skill_rig *skill_rig_new(const struct nf_skill_v1 *skill)
{
    struct skill_rig *rig = must(calloc(1, sizeof(*rig)));

    rig->h = (struct nf_skill_host){
        .abi_major = NF_SKILL_ABI_MAJOR,
        .struct_size = sizeof(rig->h),
        .self = rig,
        .reply = reply,
        .replyf = replyf,
        .fail = host_fail,
        .error = host_error,
        .alloc = host_alloc,
        .now_ms = now_ms,
        .left_ms = left_ms,
        .log = host_log,
        .progress = progress,
        .json_parse = json_parse,
        .json_type = json_type,
        .json_get = json_get,
        .json_first = json_first,
        .json_next = json_next,
        .json_count = json_count,
        .json_key = json_key,
        .json_str = json_str,
        .json_i64 = json_i64,
        .json_f64 = json_f64,
        .json_bool = json_bool,
        .json_text = json_text,
        .json_quote = json_quote,
        .http_fetch = http_fetch,
        .kv_get = kv_get,
        .kv_put = kv_put,
        .kv_delete = kv_delete,
        .kv_list = kv_list,
        .file_read = file_read,
        .file_write = file_write,
        .file_list = file_list,
        .file_remove = file_remove,
    };
    rig->skill = skill;
    rig->memory_max = MEMORY_MAX;
    rig->output_max = (size_t)1 << 20;
    rig->file_max = (size_t)1 << 20;
    rig->now_ms = 1764329744000; /* 2025-11-28T11:35:44Z */
    rig->result = must(calloc(1, 1));
    return rig;
}

static void end_call(struct skill_rig *rig)
{
    drop_all(&rig->memory);
    while (rig->docs) {
        struct rig_doc *next = rig->docs->next;

        nf_json_free(rig->docs->doc);
        free(rig->docs);
        rig->docs = next;
    }
}

void skill_rig_free(struct skill_rig *rig)
{
    if (!rig)
        return;
    end_call(rig);
    drop_all(&rig->kv);
    drop_all(&rig->files);
    free(rig->result);
    free(rig);
}

int skill_rig_call(struct skill_rig *rig, const char *tool, const char *args)
{
    struct nf_skill_request r = { .abi_major = NF_SKILL_ABI_MAJOR,
                                  .struct_size = sizeof(r),
                                  .tool = tool,
                                  .args_text = { args, strlen(args) } };
    int rc;

    rig->allocs = rig->memory_used = rig->result_n = 0;
    rig->result[0] = '\0';
    rig->error[0] = '\0';
    r.args = json_parse(&rig->h, args, strlen(args));
    rc = r.args ? rig->skill->call(&rig->h, &r) : NF_SKILL_E_INVALID;
    end_call(rig);
    return rc;
}

int skill_rig_call_with(struct skill_rig *rig, const char *tool, const char *key, const char *text,
                        size_t n, const char *more)
{
    struct nf_skill_bytes quoted = json_quote(&rig->h, text, n);
    size_t size = strlen(key) + quoted.n + strlen(more) + 8;
    char *args = must(malloc(size));
    int rc;

    (void)snprintf(args, size, "{\"%s\":%s%s}", key, quoted.p, more);
    rc = skill_rig_call(rig, tool, args);
    free(args);
    return rc;
}

void skill_rig_put_file(struct skill_rig *rig, const char *path, const char *text, size_t n)
{
    put(&rig->files, path, text, n);
}

const char *skill_rig_file(struct skill_rig *rig, const char *path)
{
    struct rig_item *item = find(rig->files, path);

    return item ? item->bytes : NULL;
}

void skill_rig_put_kv(struct skill_rig *rig, const char *key, const char *text, size_t n)
{
    put(&rig->kv, key, text, n);
}

const char *skill_rig_kv(struct skill_rig *rig, const char *key)
{
    struct rig_item *item = find(rig->kv, key);

    return item ? item->bytes : NULL;
}

/* --- checks ----------------------------------------------------------------------------------- */

static void call_ok(struct skill_rig *rig, const char *tool, const char *args)
{
    int rc = skill_rig_call(rig, tool, args);

    if (rc != NF_SKILL_OK)
        fail_msg("%s %s: fails with %d: %s", tool, args, rc, rig->error);
}

void skill_is(struct skill_rig *rig, const char *tool, const char *args, const char *want)
{
    call_ok(rig, tool, args);
    if (strcmp(rig->result, want) != 0)
        fail_msg("%s %s\n  is     %s\n  wanted %s", tool, args, rig->result, want);
}

void skill_has(struct skill_rig *rig, const char *tool, const char *args, const char *want)
{
    call_ok(rig, tool, args);
    if (!strstr(rig->result, want))
        fail_msg("%s %s\n  is %s\n  without %s", tool, args, rig->result, want);
}

void skill_lacks(struct skill_rig *rig, const char *tool, const char *args, const char *unwanted)
{
    call_ok(rig, tool, args);
    if (strstr(rig->result, unwanted))
        fail_msg("%s %s\n  is %s\n  with %s", tool, args, rig->result, unwanted);
}

void skill_fails(struct skill_rig *rig, const char *tool, const char *args, int code,
                 const char *want)
{
    int rc = skill_rig_call(rig, tool, args);

    if (rc != code || !strstr(rig->error, want))
        fail_msg("%s %s\n  is %d: %s\n  result %s\n  wanted %d: %s", tool, args, rc, rig->error,
                 rig->result, code, want);
}

void skill_survives_no_memory(struct skill_rig *rig, const char *tool, const char *args)
{
    for (size_t n = 1;; n++) {
        int rc;

        rig->fail_alloc = n;
        rc = skill_rig_call(rig, tool, args);
        rig->fail_alloc = 0;
        if (rig->allocs < n) {
            if (rc != NF_SKILL_OK)
                fail_msg("%s %s: %d: %s", tool, args, rc, rig->error);
            return;
        }
        if (rc != NF_SKILL_E_LIMIT || !rig->error[0])
            fail_msg("%s %s: allocation %zu fails: %d: %s", tool, args, n, rc, rig->error);
    }
}
