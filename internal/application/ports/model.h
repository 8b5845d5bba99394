/* Port: language models. */
#pragma once

#include "domain/completion.h"

struct nf_model {
    const struct nf_model_ops *ops;
};

/* Who receives a stream's events. Called from within nf_model_complete, in order. An error it
 * returns ends the stream and is what nf_model_complete returns. */
struct nf_model_sink {
    enum nf_code (*event)(struct nf_model_sink *sink, const struct nf_completion_event *e,
                          struct nf_err *err);
};

/* Which model answered, and how it went. */
struct nf_model_outcome {
    char model[NF_MODEL_NAME_MAX + 1]; /* "provider/model" */
    int attempts;                      /* calls made, failover and retries included */
};

/* What a name stands for, to size a context. */
struct nf_model_info {
    int64_t context_tokens; /* the window */
    int64_t output_tokens;  /* the most it may answer */
};

struct nf_model_ops {
    /* Run `r`; its `model` is an alias or "provider/model", NULL the default. May suspend, for
     * minutes. Returns NF_OK after the terminal event reached `sink`; a stream cut before it is
     * NF_E_UNAVAILABLE. Retries and fails over only until the first TEXT, THINKING or TOOL event
     * was handed to `sink`; from START on, which comes just before that, `r` is not read any more.
     * NF_E_NOT_FOUND: no such model; NF_E_DENIED: the key was refused;
     * NF_E_LIMIT: the context is too long; NF_E_INVALID: the provider refused the request;
     * NF_E_TIMEOUT; NF_E_UNAVAILABLE; NF_E_CANCELED. *ret is set as far as known even on failure.
     * The error's message is fit for a person: which model, what happened, what to do. */
    enum nf_code (*complete)(struct nf_model *m, const struct nf_completion_request *r,
                             struct nf_model_sink *sink, struct nf_model_outcome *ret,
                             struct nf_err *err);
    /* NF_E_NOT_FOUND. Never suspends. `name` NULL: the default model. */
    enum nf_code (*info)(struct nf_model *m, const char *name, struct nf_model_info *ret,
                         struct nf_err *err);
    /* The i-th name that a person may choose, aliases first; NULL: there are no more. Borrowed
     * until the caller suspends. Never suspends. */
    const char *(*name_at)(struct nf_model *m, size_t i);
};

static inline NF_RC nf_model_complete(struct nf_model *m, const struct nf_completion_request *r,
                                      struct nf_model_sink *sink, struct nf_model_outcome *ret,
                                      struct nf_err *err)
{
    return m->ops->complete(m, r, sink, ret, err);
}

static inline NF_RC nf_model_info(struct nf_model *m, const char *name, struct nf_model_info *ret,
                                  struct nf_err *err)
{
    return m->ops->info(m, name, ret, err);
}
