/* Port: what a model may call. The skills of a later release implement it. */
#pragma once

#include "domain/completion.h"

struct nf_tools {
    const struct nf_tools_ops *ops;
};

struct nf_tool_call {
    int64_t user_id, session_id, task_id;
    const char *name;
    const char *args; /* a JSON object as text */
};

struct nf_tools_ops {
    /* Add the tools that `user_id` may use in `session_id` to *r. */
    enum nf_code (*offer)(struct nf_tools *t, int64_t user_id, int64_t session_id,
                          struct nf_completion_request *r, struct nf_err *err);
    /* Run one call. May suspend. Appends what the model shall read to *ret. A failure of the tool
     * is an error whose message is fit for the model. */
    enum nf_code (*call)(struct nf_tools *t, const struct nf_tool_call *c, struct nf_str *ret,
                         struct nf_err *err);
    /* True if calling it twice does no harm: then a crash may repeat it. */
    bool (*is_idempotent)(struct nf_tools *t, const char *name);
};
