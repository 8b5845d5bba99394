/* The web that the test scripted, and keys, files and settings in memory. */
#include "tests/support/skill_host_impl.h"

#include <stdio.h>
#include <string.h>

#define KV_VALUE_MAX 65536

static int http_fetch(const struct nf_skill_host *h, const struct nf_skill_http_request *r,
                      struct nf_skill_http_response *ret)
{
    struct skill_rig *rig = rig_of(h);

    if (!rig->web)
        return rig_fail(rig, NF_SKILL_E_DENIED, "http is not granted");
    if (r->abi_major != NF_SKILL_ABI_MAJOR || r->struct_size < sizeof(*r))
        return rig_fail(rig, NF_SKILL_E_INVALID, "the request has no version");
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
    struct rig_item *item = rig_find(rig_of(h)->kv, key);

    if (!item)
        return rig_fail(rig_of(h), NF_SKILL_E_NOT_FOUND, "there is no such key");
    *ret = (struct nf_skill_bytes){ item->bytes, item->n };
    return NF_SKILL_OK;
}

static int config_get(const struct nf_skill_host *h, const char *key, struct nf_skill_bytes *ret)
{
    struct rig_item *item = rig_find(rig_of(h)->config, key);

    if (!item)
        return rig_fail(rig_of(h), NF_SKILL_E_NOT_FOUND, "it is not set");
    *ret = (struct nf_skill_bytes){ item->bytes, item->n };
    return NF_SKILL_OK;
}

static int kv_put(const struct nf_skill_host *h, const char *key, const char *p, size_t n)
{
    if (!is_key(key))
        return rig_fail(rig_of(h), NF_SKILL_E_INVALID, "a key is 1 to 128 printable characters");
    if (n > KV_VALUE_MAX)
        return rig_fail(rig_of(h), NF_SKILL_E_LIMIT, "a value is over 64 KiB");
    rig_put(&rig_of(h)->kv, key, p, n);
    return NF_SKILL_OK;
}

static int kv_delete(const struct nf_skill_host *h, const char *key)
{
    if (!rig_find(rig_of(h)->kv, key))
        return rig_fail(rig_of(h), NF_SKILL_E_NOT_FOUND, "there is no such key");
    rig_put(&rig_of(h)->kv, key, NULL, 0);
    return NF_SKILL_OK;
}

/* Parse what was written and hand it out. */
static int hand_out(struct skill_rig *rig, struct nf_json_out *o, struct nf_str *s,
                    const struct nf_skill_json **ret)
{
    struct nf_skill_bytes b = rig_written(rig, o, s);

    *ret = rig_must((void *)rig_json_parse(&rig->h, b.p, b.n));
    return NF_SKILL_OK;
}

static int kv_list(const struct nf_skill_host *h, const char *prefix, const char *after,
                   uint32_t limit, const struct nf_skill_json **ret)
{
    struct nf_str s = { .max = NF_JSON_BYTES_MAX };
    struct nf_json_out o;

    if (limit == 0 || limit > 1000)
        return rig_fail(rig_of(h), NF_SKILL_E_INVALID, "limit must be 1 to 1000");
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
    struct rig_item *item = rig_find(rig_of(h)->files, path);
    size_t max = limit && limit < rig_of(h)->file_max ? limit : rig_of(h)->file_max;

    if (!is_path(path))
        return rig_fail(rig_of(h), NF_SKILL_E_INVALID, "not a path within the workspace");
    if (!item)
        return rig_fail(rig_of(h), NF_SKILL_E_NOT_FOUND, "there is no such file");
    if (offset > item->n)
        offset = item->n;
    ret->n = item->n - offset < max ? item->n - offset : max;
    ret->p = memcpy(rig_own_alloc(rig_of(h), ret->n + 1), item->bytes + offset, ret->n);
    return NF_SKILL_OK;
}

static int file_write(const struct nf_skill_host *h, const char *path, const char *p, size_t n)
{
    if (!is_path(path) || is_directory(rig_of(h), path))
        return rig_fail(rig_of(h), NF_SKILL_E_INVALID, "not a path within the workspace");
    rig_put(&rig_of(h)->files, path, n > 0 ? p : "", n);
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
        return rig_fail(rig, NF_SKILL_E_NOT_FOUND, "there is no such directory");
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
    if (!rig_find(rig_of(h)->files, path))
        return rig_fail(rig_of(h), NF_SKILL_E_NOT_FOUND, "there is no such file");
    rig_put(&rig_of(h)->files, path, NULL, 0);
    return NF_SKILL_OK;
}

void rig_set_stores(struct nf_skill_host *h)
{
    h->http_fetch = http_fetch;
    h->kv_get = kv_get;
    h->kv_put = kv_put;
    h->kv_delete = kv_delete;
    h->kv_list = kv_list;
    h->file_read = file_read;
    h->file_write = file_write;
    h->file_list = file_list;
    h->file_remove = file_remove;
    h->config_get = config_get;
}
