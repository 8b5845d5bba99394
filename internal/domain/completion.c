/* The canonical request: building it up and taking it down. */
#include "domain/completion.h"

#include "base/own.h"
#include "domain/list.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGES_FIRST 16 /* room for so many, then doubled */

void nf_completion_request_init(struct nf_completion_request *r)
{
    *r = (struct nf_completion_request){ .temperature = NF_NOT_SET, .top_p = NF_NOT_SET };
}

void nf_chat_message_done(struct nf_chat_message *m)
{
    nf_parts_done(&m->parts);
    *m = (struct nf_chat_message){ 0 };
}

void nf_completion_request_done(struct nf_completion_request *r)
{
    free(r->model);
    nf_parts_done(&r->system);
    for (size_t i = 0; i < r->messages_n; i++)
        nf_chat_message_done(&r->messages[i]);
    free(r->messages);
    nf_toolset_unref(r->tools);
    free(r->tool_choice_name);
    for (size_t i = 0; i < r->stop_n; i++)
        free(r->stop[i]);
    free(r->format_name);
    free(r->format_schema);
    free(r->user);
    *r = (struct nf_completion_request){ 0 };
}

enum nf_code nf_completion_add_message(struct nf_completion_request *r, enum nf_role role,
                                       struct nf_chat_message **ret, struct nf_err *err)
{
    struct nf_chat_message *v;

    if (r->messages_n >= NF_REQUEST_MESSAGES_MAX)
        return nf_err_set(err, NF_E_LIMIT,
                          "messages has more than %d entries: leave out the oldest",
                          NF_REQUEST_MESSAGES_MAX);
    if (r->messages_n == r->messages_cap) {
        size_t cap = r->messages_cap ? 2 * r->messages_cap : MESSAGES_FIRST;
        v = nf_list_grow(r->messages, cap, sizeof(*v));
        if (!v)
            return nf_list_nomem(err);
        r->messages = v;
        r->messages_cap = cap;
    }
    v = &r->messages[r->messages_n++];
    *v = (struct nf_chat_message){ .role = role };
    *ret = v;
    return NF_OK;
}

enum nf_code nf_completion_add_system(struct nf_completion_request *r, const char *text,
                                      struct nf_err *err)
{
    return nf_parts_add_text(&r->system, text, err);
}
