/* What the parts of the host for tests share (skill_host.h). Nothing here fails: without memory the
 * test ends. */
#pragma once

#include "codec/json.h"
#include "tests/support/skill_host.h"

#include <stddef.h>

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

static inline struct skill_rig *rig_of(const struct nf_skill_host *h)
{
    return h->self;
}

/* `p`, which is not NULL. */
void *rig_must(void *p);
/* Keep the reason; `code`. */
int rig_fail(struct skill_rig *rig, int code, const char *text);
/* What the host needs for itself until the call ends: not among the plugin's allocations. */
void *rig_own_alloc(struct skill_rig *rig, size_t n);

/* Lists, sorted by name: what stands under a name; NULL: nothing. */
struct rig_item *rig_find(struct rig_item *list, const char *name);
/* Put a copy of the bytes there; `p` NULL: take away what is there. */
void rig_put(struct rig_item **list, const char *name, const char *p, size_t n);

/* The functions of JSON, of which some serve the host too. */
void rig_set_json(struct nf_skill_host *h);
const struct nf_skill_json *rig_json_parse(const struct nf_skill_host *h, const char *p, size_t n);
struct nf_skill_bytes rig_json_quote(const struct nf_skill_host *h, const char *p, size_t n);
/* What was written to `o`, in memory of the call; *s is freed. */
struct nf_skill_bytes rig_written(struct skill_rig *rig, struct nf_json_out *o, struct nf_str *s);

/* The functions of http, kv, files and settings. */
void rig_set_stores(struct nf_skill_host *h);
