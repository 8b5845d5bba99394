/* The host side of the ABI for tests: results, memory, calls. */
#include "tests/support/skill_host_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_MAX ((size_t)64 << 20)

void *rig_must(void *p)
{
    if (!p)
        abort();
    return p;
}

int rig_fail(struct skill_rig *rig, int code, const char *text)
{
    (void)snprintf(rig->error, sizeof(rig->error), "%s", text);
    return code;
}

/* Lists are as good as anything for a dozen items. */
struct rig_item *rig_find(struct rig_item *list, const char *name)
{
    while (list && strcmp(list->name, name) != 0)
        list = list->next;
    return list;
}

void rig_put(struct rig_item **list, const char *name, const char *p, size_t n)
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
    item = rig_must(calloc(1, sizeof(*item) + n + 1));
    item->name = rig_must(strdup(name));
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
        return rig_fail(rig, NF_SKILL_E_LIMIT, "the result is over the tool's output bytes");
    rig->result = rig_must(realloc(rig->result, rig->result_n + n + 1));
    memcpy(rig->result + rig->result_n, p, n);
    rig->result_n += n;
    rig->result[rig->result_n] = '\0';
    return NF_SKILL_OK;
}

__attribute__((format(printf, 2, 3))) static int replyf(const struct nf_skill_host *h,
                                                        const char *format, ...)
{
    char text[4096];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    return reply(h, text, strlen(text));
}

__attribute__((format(printf, 3, 4))) static int host_fail(const struct nf_skill_host *h, int code,
                                                           const char *format, ...)
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
        (void)rig_fail(rig, NF_SKILL_E_LIMIT, "over the memory limit");
        return NULL;
    }
    rig->memory_used += n;
    item = rig_must(calloc(1, sizeof(*item) + n));
    item->next = rig->memory;
    rig->memory = item;
    return item->bytes;
}

/* What the host needs for itself; it is not counted among the plugin's allocations. */
void *rig_own_alloc(struct skill_rig *rig, size_t n)
{
    size_t fail_alloc = rig->fail_alloc;
    void *p;

    rig->fail_alloc = 0;
    p = rig_must(host_alloc(&rig->h, n));
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

/* --- the rig ---------------------------------------------------------------------------------- */

static void progress(const struct nf_skill_host *h, int percent, const char *format, ...)
{
    (void)h;
    (void)percent;
    (void)format;
}

struct skill_rig *skill_rig_new(const struct nf_skill_v1 *skill)
{
    struct skill_rig *rig = rig_must(calloc(1, sizeof(*rig)));

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
    };
    rig_set_json(&rig->h);
    rig_set_stores(&rig->h);
    rig->skill = skill;
    rig->memory_max = MEMORY_MAX;
    rig->output_max = (size_t)1 << 20;
    rig->file_max = (size_t)1 << 20;
    rig->now_ms = 1764329744000; /* 2025-11-28T11:35:44Z */
    rig->result = rig_must(calloc(1, 1));
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
    drop_all(&rig->config);
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
    r.args = rig_json_parse(&rig->h, args, strlen(args));
    rc = r.args ? rig->skill->call(&rig->h, &r) : NF_SKILL_E_INVALID;
    end_call(rig);
    return rc;
}

int skill_rig_call_with(struct skill_rig *rig, const char *tool, const char *key, const char *text,
                        size_t n, const char *more)
{
    struct nf_skill_bytes quoted = rig_json_quote(&rig->h, text, n);
    size_t size = strlen(key) + quoted.n + strlen(more) + 8;
    char *args = rig_must(malloc(size));
    int rc;

    (void)snprintf(args, size, "{\"%s\":%s%s}", key, quoted.p, more);
    rc = skill_rig_call(rig, tool, args);
    free(args);
    return rc;
}

void skill_rig_put_file(struct skill_rig *rig, const char *path, const char *text, size_t n)
{
    rig_put(&rig->files, path, text, n);
}

const char *skill_rig_file(struct skill_rig *rig, const char *path)
{
    struct rig_item *item = rig_find(rig->files, path);

    return item ? item->bytes : NULL;
}

void skill_rig_put_config(struct skill_rig *rig, const char *key, const char *text)
{
    rig_put(&rig->config, key, text, strlen(text));
}

void skill_rig_put_kv(struct skill_rig *rig, const char *key, const char *text, size_t n)
{
    rig_put(&rig->kv, key, text, n);
}

const char *skill_rig_kv(struct skill_rig *rig, const char *key)
{
    struct rig_item *item = rig_find(rig->kv, key);

    return item ? item->bytes : NULL;
}
