/* Port: tasks, for looking at. All may suspend. */
#pragma once

#include "domain/task.h"
#include "domain/usage.h"

struct nf_task_filter {
    int64_t user_id;    /* 0: anybody's */
    int64_t session_id; /* 0: any */
    int64_t turn_id;    /* 0: turns and calls by hand; else that turn and its steps */
    int status;         /* enum nf_task_status, 0: any */
    int64_t before_id;  /* the last id of the page before; 0: the newest */
    size_t limit;
};

struct nf_task_changes {
    struct nf_task_change *v;
    size_t n;
};
void nf_task_changes_done(struct nf_task_changes *c);

/* How a turn stands, and how that begins which it answers; "" if that is no person's. */
#define NF_TASK_ASKED_CHARS 201 /* more than a title has */
struct nf_task_title {
    int64_t id;
    enum nf_task_status status;
    char asked[NF_TASK_ASKED_CHARS * 4 + 1];
};
struct nf_task_titles {
    struct nf_task_title *v;
    size_t n;
};
void nf_task_titles_done(struct nf_task_titles *t);

#define NF_USAGE_ROWS_MAX 10000

struct nf_usage_hours {
    struct nf_usage_hour *v;
    size_t n;
};
void nf_usage_hours_done(struct nf_usage_hours *h);

struct nf_task_store {
    const struct nf_task_store_ops *ops;
};

struct nf_task_store_ops {
    enum nf_code (*get)(struct nf_task_store *s, int64_t id, int64_t user_id, struct nf_task *ret,
                        struct nf_err *err); /* NF_E_NOT_FOUND; user_id 0: anybody's */
    /* Newest first. Without a turn_id the arguments and results of calls may be left out. */
    enum nf_code (*list)(struct nf_task_store *s, const struct nf_task_filter *f,
                         struct nf_tasks *ret, struct nf_err *err);
    /* The newest turns of a session, the newest first. */
    enum nf_code (*titles)(struct nf_task_store *s, int64_t session_id, size_t limit,
                           struct nf_task_titles *ret, struct nf_err *err);
    /* Oldest first. */
    enum nf_code (*changes)(struct nf_task_store *s, int64_t task_id, struct nf_task_changes *ret,
                            struct nf_err *err);
    /* What model calls used from since_ms on, a row per hour and model, the oldest hour first, at
     * most NF_USAGE_ROWS_MAX; user_id 0: everybody's. */
    enum nf_code (*usage)(struct nf_task_store *s, int64_t user_id, int64_t since_ms,
                          struct nf_usage_hours *ret, struct nf_err *err);
    /* Calls by hand that ran or waited when the instance that made their ids died become unknown,
     * and what was asked about them is void. */
    enum nf_code (*settle)(struct nf_task_store *s, int64_t instance, int64_t now_ms,
                           const char *reason, struct nf_err *err);
};
