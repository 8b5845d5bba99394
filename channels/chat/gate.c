/* A bound on how many do something at once. */
#include "channels/chat/chat_internal.h"

struct nf_chat_gate_waiter {
    struct nf_wait wait;
    struct nf_chat_gate_waiter *next;
};

/* False: it was let in already. */
static bool give_up(struct nf_chat_gate *g, struct nf_chat_gate_waiter *w)
{
    for (struct nf_chat_gate_waiter **at = &g->first; *at; at = &(*at)->next) {
        if (*at != w)
            continue;
        *at = w->next;
        return true;
    }
    return false;
}

enum nf_code nf_chat_gate_enter(struct nf_chat_gate *g, struct nf_err *err)
{
    struct nf_chat_gate_waiter w = { .next = NULL }, **at = &g->first;

    if (g->inside < NF_CHAT_FETCHES_MAX) {
        g->inside++;
        return NF_OK;
    }
    while (*at)
        at = &(*at)->next;
    *at = &w;
    enum nf_code rc = nf_wait(&w.wait, -1, "other messages with files to be taken in", err);
    if (rc != NF_OK && !give_up(g, &w))
        nf_chat_gate_leave(g);
    return rc;
}

/* The place goes to the next, so that nobody overtakes. */
void nf_chat_gate_leave(struct nf_chat_gate *g)
{
    struct nf_chat_gate_waiter *w = g->first;

    if (!w) {
        g->inside--;
        return;
    }
    g->first = w->next;
    nf_wait_wake(&w->wait, NF_OK);
}
