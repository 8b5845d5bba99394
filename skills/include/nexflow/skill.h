/*
 * Nexflow skill ABI, major version 1: the one header that a plugin needs. C99 and C++11.
 *
 * A plugin is a shared object that exports one symbol, `nf_skill_v1`. It runs in a process of its
 * own, without network, without files and with hardly a system call: whatever it wants from outside
 * it asks of its host, and gets it if the manifest names it and the owner agreed.
 *
 *     #include <nexflow/skill.h>
 *
 *     static int call(const struct nf_skill_host *h, const struct nf_skill_request *r)
 *     {
 *         const struct nf_skill_json *who = h->json_get(h, r->args, "name");
 *         return h->replyf(h, "Hello, %s!", h->json_str(h, who));
 *     }
 *     NF_SKILL("hello", "1.0.0", call)
 *
 * Rules for both sides.
 *
 * Versions. Every struct begins with {abi_major, struct_size}, which are checked before anything
 * else of it is read. Members are only ever appended, and read only if struct_size says that they
 * are there (NF_SKILL_HAS). Another major version is refused.
 *
 * Ownership. What the host hands out (arguments, answers, JSON values, memory of `alloc`) belongs
 * to the host and is valid until the call returns; nobody frees it. What the plugin hands over is
 * read before the function returns and stays the plugin's.
 *
 * Threads. The host calls the plugin from one thread, one call at a time. Host functions may only
 * be called from that thread, during `init` or a call, with the `h` that was passed.
 *
 * Errors. A function that returns int returns NF_SKILL_OK or another of the codes below, and then
 * h->error(h) is why, in words; valid until the next host function is called. A call that returns a
 * code without having called `fail` fails with the words of the last error.
 *
 * Time. A call has the deadline of its tool (manifest: timeout_ms). After it the process is killed;
 * host functions return NF_SKILL_E_TIMEOUT shortly before. In mode "pooled" a process serves many
 * calls, possibly of several people: keep nothing between calls that one of them must not learn.
 *
 * Limits. Memory, processor time, output bytes and what may be asked are those of the manifest.
 */
#ifndef NEXFLOW_SKILL_H
#define NEXFLOW_SKILL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NF_SKILL_ABI_MAJOR 1u

/* Return codes. */
enum {
    NF_SKILL_OK = 0,
    NF_SKILL_E_INVALID = 1,     /* an argument is wrong: the words name it and what is allowed */
    NF_SKILL_E_NOT_FOUND = 2,   /* no such key, file, place, ... */
    NF_SKILL_E_DENIED = 3,      /* not granted */
    NF_SKILL_E_LIMIT = 4,       /* over a limit, which the words name */
    NF_SKILL_E_TIMEOUT = 5,     /* the deadline, of the call or of what was asked */
    NF_SKILL_E_UNAVAILABLE = 6, /* the other side does not answer: later it may */
    NF_SKILL_E_INTERNAL = 7
};

/* Levels of `log`. */
enum {
    NF_SKILL_LOG_DEBUG = 0,
    NF_SKILL_LOG_INFO = 1,
    NF_SKILL_LOG_WARN = 2,
    NF_SKILL_LOG_ERROR = 3
};

/* Whether `p`, a struct of this header, is long enough to have `member`. */
#define NF_SKILL_HAS(p, type, member)                                                              \
    ((p)->struct_size >= offsetof(type, member) + sizeof((p)->member))

/* n bytes at p; p[n] is always a '\0' in what the host hands out. */
struct nf_skill_bytes {
    const char *p;
    size_t n;
};

/* A parsed JSON value; NULL stands for "absent" in every function that takes one. */
struct nf_skill_json;

enum {
    NF_SKILL_JSON_ABSENT = 0,
    NF_SKILL_JSON_NULL,
    NF_SKILL_JSON_BOOL,
    NF_SKILL_JSON_NUMBER,
    NF_SKILL_JSON_STRING,
    NF_SKILL_JSON_ARRAY,
    NF_SKILL_JSON_OBJECT
};

/* http_fetch: capability "http". Only URLs below one of the manifest's are allowed, by GET, HEAD,
 * POST, PUT, PATCH or DELETE. A header's value may hold ${secret:NAME}: the host puts a secret that
 * the manifest names there, and the plugin never sees it. */
struct nf_skill_http_request {
    uint32_t abi_major, struct_size;
    const char *method;         /* NULL: GET */
    const char *url;            /* https://..., http:// where the manifest says so */
    const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
    const char *body;           /* body_n bytes; NULL: none */
    size_t body_n;
    uint32_t timeout_ms; /* 0: what is left of the call's time */
    uint32_t max_bytes;  /* of the answer's body, more is NF_SKILL_E_LIMIT; 0: the manifest's */
};
struct nf_skill_http_response {
    int status;                          /* 200 */
    struct nf_skill_bytes body;          /* decoded from any Content-Encoding */
    const char *content_type;            /* "" if none was said */
    const char *url;                     /* of the last redirect, else as asked */
    const struct nf_skill_json *headers; /* an object: lower-case names, string values */
};

struct nf_skill_host {
    uint32_t abi_major, struct_size;
    void *self; /* the host's */

    /* --- the result of the call: text for the model, or JSON as text ------------------------- */

    /* Append to the result. NF_SKILL_E_LIMIT: over the tool's output bytes. */
    int (*reply)(const struct nf_skill_host *h, const char *p, size_t n);
    int (*replyf)(const struct nf_skill_host *h, const char *format, ...)
#ifdef __GNUC__
        __attribute__((format(printf, 2, 3)))
#endif
        ;
    /* Say why the call fails, in words that the model or a person can act on: 1,023 bytes are
     * kept. Returns `code`. */
    int (*fail)(const struct nf_skill_host *h, int code, const char *format, ...)
#ifdef __GNUC__
        __attribute__((format(printf, 3, 4)))
#endif
        ;
    /* Why the last host function failed; "" if none did. */
    const char *(*error)(const struct nf_skill_host *h);

    /* --- the call ---------------------------------------------------------------------------- */

    /* Zeroed memory until the call returns, aligned for anything. NULL: over the memory limit. */
    void *(*alloc)(const struct nf_skill_host *h, size_t n);
    int64_t (*now_ms)(const struct nf_skill_host *h);  /* milliseconds since 1970-01-01 UTC */
    int64_t (*left_ms)(const struct nf_skill_host *h); /* until the deadline; 0: it has passed */
    /* A line in the skill's log, which `nexflow skill logs` shows to the owner. At most 1 KiB is
     * kept of it, and what comes faster than the host allows is counted and dropped. */
    void (*log)(const struct nf_skill_host *h, int level, const char *format, ...)
#ifdef __GNUC__
        __attribute__((format(printf, 3, 4)))
#endif
        ;
    /* What the person sees while they wait; percent -1: not known. The newest counts. */
    void (*progress)(const struct nf_skill_host *h, int percent, const char *format, ...)
#ifdef __GNUC__
        __attribute__((format(printf, 3, 4)))
#endif
        ;

    /* --- JSON: nested at most 64 deep; strings are UTF-8 without NUL -------------------------- */

    /* Parse n bytes. NULL: they are no JSON, h->error says where. */
    const struct nf_skill_json *(*json_parse)(const struct nf_skill_host *h, const char *p,
                                              size_t n);
    int (*json_type)(const struct nf_skill_host *h, const struct nf_skill_json *v);
    /* Member of an object, and children of an array or object in order; NULL: absent. */
    const struct nf_skill_json *(*json_get)(const struct nf_skill_host *h,
                                            const struct nf_skill_json *v, const char *key);
    const struct nf_skill_json *(*json_first)(const struct nf_skill_host *h,
                                              const struct nf_skill_json *v);
    const struct nf_skill_json *(*json_next)(const struct nf_skill_host *h,
                                             const struct nf_skill_json *v);
    size_t (*json_count)(const struct nf_skill_host *h, const struct nf_skill_json *v);
    /* Its name in its object, NULL in an array. */
    const char *(*json_key)(const struct nf_skill_host *h, const struct nf_skill_json *v);
    /* The text of a string; NULL if it is none. */
    const char *(*json_str)(const struct nf_skill_host *h, const struct nf_skill_json *v);
    /* `otherwise` if it is no number, or for i64 not a whole one in range. */
    int64_t (*json_i64)(const struct nf_skill_host *h, const struct nf_skill_json *v,
                        int64_t otherwise);
    double (*json_f64)(const struct nf_skill_host *h, const struct nf_skill_json *v,
                       double otherwise);
    int (*json_bool)(const struct nf_skill_host *h, const struct nf_skill_json *v, int otherwise);
    /* The value as JSON text. */
    struct nf_skill_bytes (*json_text)(const struct nf_skill_host *h,
                                       const struct nf_skill_json *v);
    /* `n` bytes of text as a JSON string with its quotes; what is no UTF-8 becomes U+FFFD. */
    struct nf_skill_bytes (*json_quote)(const struct nf_skill_host *h, const char *p, size_t n);

    /* --- http ----------------------------------------------------------------------------------
     */

    /* NF_SKILL_OK whatever the status. NF_SKILL_E_DENIED: the URL is not granted, or leads into a
     * private network. */
    int (*http_fetch)(const struct nf_skill_host *h, const struct nf_skill_http_request *r,
                      struct nf_skill_http_response *ret);

    /* --- kv: capability "kv". A store of the skill for the person it acts for. Keys are 1 to 128
     * bytes of printable ASCII without blanks, values up to 64 KiB. ---------------------------- */

    int (*kv_get)(const struct nf_skill_host *h, const char *key,
                  struct nf_skill_bytes *ret); /* NF_SKILL_E_NOT_FOUND */
    /* Set or replace. NF_SKILL_E_LIMIT: over the manifest's bytes. */
    int (*kv_put)(const struct nf_skill_host *h, const char *key, const char *p, size_t n);
    int (*kv_delete)(const struct nf_skill_host *h, const char *key); /* NF_SKILL_E_NOT_FOUND */
    /* Keys that begin with `prefix` and come after `after` (NULL: from the first), in order, at
     * most `limit` (up to 1000): a JSON array of strings. */
    int (*kv_list)(const struct nf_skill_host *h, const char *prefix, const char *after,
                   uint32_t limit, const struct nf_skill_json **ret);

    /* --- files: capability "files". The workspace of the session; paths are relative to it, with
     * '/' between names; no "..", no symbolic links. --------------------------------------------
     */

    /* At most `limit` bytes from `offset` (limit 0: up to 1 MiB). */
    int (*file_read)(const struct nf_skill_host *h, const char *path, uint64_t offset,
                     uint32_t limit, struct nf_skill_bytes *ret);
    /* Replace the file as a whole, or create it with the directories above it. */
    int (*file_write)(const struct nf_skill_host *h, const char *path, const char *p, size_t n);
    /* A JSON array of {"name", "type": "file"|"directory", "size", "modified_ms"}, by name; "" is
     * the workspace itself. */
    int (*file_list)(const struct nf_skill_host *h, const char *path,
                     const struct nf_skill_json **ret);
    /* A file, or an empty directory. */
    int (*file_remove)(const struct nf_skill_host *h, const char *path);

    /* --- config: what the owner has set for this skill (skills.config), alike for everybody. Not
     * in hosts of before Nexflow 0.2: NF_SKILL_HAS(h, struct nf_skill_host, config_get).
     * ------------
     */

    /* The value of a key, text. NF_SKILL_E_NOT_FOUND: it is not set. */
    int (*config_get)(const struct nf_skill_host *h, const char *key, struct nf_skill_bytes *ret);
};

struct nf_skill_request {
    uint32_t abi_major, struct_size;
    const char *tool;                 /* as the manifest names it */
    const struct nf_skill_json *args; /* an object that fits the tool's schema */
    struct nf_skill_bytes args_text;  /* the same as text */
};

/* The plugin. `init` runs once per process, after the lock-down and before the first call: other
 * than NF_SKILL_OK, and the process is not used; NULL: nothing to do. It has no person it acts for,
 * so http, kv, files and config answer NF_SKILL_E_DENIED. `done` runs when an idle process is
 * retired; a process may also be killed without it. */
struct nf_skill_v1 {
    uint32_t abi_major, struct_size;
    const char *name, *version; /* as in the manifest */
    int (*init)(const struct nf_skill_host *h);
    int (*call)(const struct nf_skill_host *h, const struct nf_skill_request *r);
    void (*done)(const struct nf_skill_host *h);
};

#ifdef __GNUC__
#define NF_SKILL_EXPORT __attribute__((visibility("default")))
#else
#define NF_SKILL_EXPORT
#endif

/* A plugin that needs neither init nor done. */
#define NF_SKILL(name_, version_, call_)                                                           \
    NF_SKILL_EXPORT extern const struct nf_skill_v1 nf_skill_v1;                                   \
    const struct nf_skill_v1 nf_skill_v1 = { NF_SKILL_ABI_MAJOR,                                   \
                                             (uint32_t)sizeof(struct nf_skill_v1),                 \
                                             name_,                                                \
                                             version_,                                             \
                                             NULL,                                                 \
                                             call_,                                                \
                                             NULL };

#ifdef __cplusplus
}
#endif
#endif
