/* Port: what a model or a person may call. */
#pragma once

#include "domain/skill.h"
#include "domain/toolset.h"

struct nf_tools {
    const struct nf_tools_ops *ops;
};

/* A tool as offered. Strings are borrowed and valid until the caller suspends. */
struct nf_tool_info {
    const char *name;      /* as the model sees it: "calc_evaluate" */
    const char *skill;     /* "calc" */
    const char *tool;      /* "evaluate" */
    const char *version;   /* hash of the skill's files */
    const char *schema;    /* JSON Schema of the arguments */
    const char *workspace; /* "" or what it works on, for a person: the session's files */
    enum nf_approval approval;
    bool idempotent; /* calling it twice does no harm: then a crash may repeat it */
    int64_t timeout_ms;
};

struct nf_tool_call {
    int64_t user_id, session_id, task_id;
    const char *name;
    const char *version; /* what `find` said: the call is refused if it is another by now */
    const char *args;    /* a JSON object that fits the tool's schema */
    /* What the person sees while they wait; percent -1: not known. Must not suspend. */
    void (*progress)(void *arg, int percent, const char *text);
    void *progress_arg;
};

/* How it ran, for the task row. The zero value is: not at all. */
struct nf_tool_outcome {
    struct nf_str text;  /* its limit is the caller's: an adapter keeps text.max */
    struct nf_str words; /* of a failure, where an error cannot hold them all; "": it does */
    int64_t worker;      /* 0: none */
    char level[8];       /* of the sandbox: "L3"; "": none */
    int64_t wall_us, bytes;
};
void nf_tool_outcome_done(struct nf_tool_outcome *o);

struct nf_tools_ops {
    /* *ret = a reference to what `user_id` may use in `session_id`, NULL: nothing. As long as that
     * is the same, so should be the list: what was made of it before is kept with it. */
    enum nf_code (*offer)(struct nf_tools *t, int64_t user_id, int64_t session_id,
                          struct nf_toolset **ret, struct nf_err *err);
    /* NF_E_NOT_FOUND: there is none of that name for that user; the message says what there is.
     * Never suspends. */
    enum nf_code (*find)(struct nf_tools *t, int64_t user_id, const char *name,
                         struct nf_tool_info *ret, struct nf_err *err);
    /* Run one call; calls run beside each other. May suspend. *ret is what the model shall read. A
     * failure of the tool is an error whose message is fit for the model, as ret->words are; *ret
     * then tells how it ran as far as known. NF_E_CONFLICT: the skill's files are not of `version`
     * any more. */
    enum nf_code (*call)(struct nf_tools *t, const struct nf_tool_call *c,
                         struct nf_tool_outcome *ret, struct nf_err *err);
};

static inline NF_RC nf_tools_offer(struct nf_tools *t, int64_t user_id, int64_t session_id,
                                   struct nf_toolset **ret, struct nf_err *err)
{
    return t->ops->offer(t, user_id, session_id, ret, err);
}

static inline NF_RC nf_tools_find(struct nf_tools *t, int64_t user_id, const char *name,
                                  struct nf_tool_info *ret, struct nf_err *err)
{
    return t->ops->find(t, user_id, name, ret, err);
}

static inline NF_RC nf_tools_call(struct nf_tools *t, const struct nf_tool_call *c,
                                  struct nf_tool_outcome *ret, struct nf_err *err)
{
    return t->ops->call(t, c, ret, err);
}
