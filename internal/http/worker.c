/*
 * Who runs handlers: a few fibers that take connections from a queue.
 *
 * A handler that does not wait costs no fiber of its own: the same one goes on with the next
 * connection. One that waits holds its fiber, and the others must not wait with it. So before a
 * handler that waited the last time another fiber is woken for the rest of the queue; if one waits
 * for the first time, the end of the round sees the queue and does the same.
 */
#include "http/conn.h"

#include <stdlib.h>
#include <utlist.h>

#define PARKED_MAX 8 /* fibers that wait for work; each keeps the part of its stack it has used */

struct nf_httpd_worker {
    struct nf_wait wait;
    struct nf_httpd_worker *next;
    bool taken; /* out of the list, by who woke it */
};

static struct nf_httpd_conn *pop(struct nf_http_server *s)
{
    struct nf_httpd_conn *c = s->ready;
    if (!c)
        return NULL;
    s->ready = c->ready_next;
    if (!s->ready)
        s->ready_end = &s->ready;
    c->ready_next = NULL;
    return c;
}

static bool park(struct nf_http_server *s)
{
    struct nf_httpd_worker me = { 0 };
    if (s->parked_n == PARKED_MAX || s->fibers.canceled)
        return false;
    /* cppcheck-suppress autoVariables ; taken out of the list before this returns */
    LL_PREPEND(s->parked, &me);
    s->parked_n++;
    enum nf_code rc = nf_wait(&me.wait, -1, "work", NULL);
    if (!me.taken) { /* cancelled */
        LL_DELETE(s->parked, &me);
        s->parked_n--;
    }
    return rc == NF_OK;
}

static enum nf_code run(void *arg, struct nf_err *err)
{
    struct nf_http_server *s = arg;
    (void)err;
    do {
        struct nf_httpd_conn *c;
        s->worker_due = false;
        while ((c = pop(s)) != NULL) {
            if (s->ready && nf_httpd_conn_waits(c))
                nf_httpd_worker_call(s);
            nf_httpd_conn_work(c);
        }
    } while (park(s) || s->ready);
    return NF_OK;
}

bool nf_httpd_worker_call(struct nf_http_server *s)
{
    if (s->worker_due)
        return true;
    struct nf_httpd_worker *w = s->parked;
    if (w) {
        LL_DELETE(s->parked, w);
        s->parked_n--;
        w->taken = true;
        nf_wait_wake(&w->wait, NF_OK);
    } else if (nf_scope_spawn(&s->fibers, run, s, NULL, NULL) != NF_OK) {
        return false;
    }
    s->worker_due = true;
    return true;
}

bool nf_httpd_worker_give(struct nf_http_server *s, struct nf_httpd_conn *c)
{
    /* Others in the queue have a fiber to come; the first must get one. */
    if (!nf_httpd_worker_call(s) && !s->ready)
        return false;
    *s->ready_end = c;
    s->ready_end = &c->ready_next;
    return true;
}
