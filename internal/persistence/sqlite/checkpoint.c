#include "persistence/sqlite/checkpoint.h"

#include "persistence/sqlite/conn.h"
#include "persistence/sqlite/thread.h"

#include <sqlite3.h>
#include <stdlib.h>

#define ROUNDS_MAX 8 /* a writer that is this much faster is slowed down by NF_LITE_WAL_MAX */

struct nf_lite_checkpointer {
    const char *path;
    int busy_ms;
    pthread_t thread;
    pthread_mutex_t mu;
    pthread_cond_t wake;
    bool due, rest, stop; /* under mu */
};

/* Copy until little is left. */
static void copy(sqlite3 *conn)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        int frames = 0, copied = 0;
        if (sqlite3_wal_checkpoint_v2(conn, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, &copied) !=
            SQLITE_OK)
            return; /* the writer does it, and says what is wrong */
        if (frames - copied < NF_LITE_WAL_REST)
            return;
    }
}

static void *run(void *arg)
{
    struct nf_lite_checkpointer *c = arg;
    sqlite3 *conn = NULL; /* opened when first needed: an idle program has none */
    pthread_mutex_lock(&c->mu);
    for (;;) {
        while (!c->due && !c->stop)
            pthread_cond_wait(&c->wake, &c->mu);
        if (c->stop)
            break;
        pthread_mutex_unlock(&c->mu);
        struct nf_err ignored;
        if (conn ||
            nf_lite_conn_open(c->path, NF_LITE_COPIER, c->busy_ms, &conn, &ignored) == NF_OK)
            copy(conn);
        pthread_mutex_lock(&c->mu);
        c->due = false;
        c->rest = true;
    }
    pthread_mutex_unlock(&c->mu);
    nf_lite_conn_close(conn);
    return NULL;
}

bool nf_lite_checkpointer_tell(struct nf_lite_checkpointer *c, int frames)
{
    pthread_mutex_lock(&c->mu);
    bool now = c->rest || frames >= NF_LITE_WAL_MAX;
    if (now) {
        c->rest = false;
    } else if (frames >= NF_LITE_WAL_DUE && !c->due) {
        c->due = true;
        pthread_cond_signal(&c->wake);
    }
    pthread_mutex_unlock(&c->mu);
    return now;
}

enum nf_code nf_lite_checkpointer_new(const char *path, int busy_ms,
                                      struct nf_lite_checkpointer **ret, struct nf_err *err)
{
    struct nf_lite_checkpointer *c = calloc(1, sizeof(*c));
    if (!c)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    c->path = path;
    c->busy_ms = busy_ms;
    pthread_mutex_init(&c->mu, NULL);
    pthread_cond_init(&c->wake, NULL);
    if (nf_lite_thread(&c->thread, "db-checkpoint", run, c) != 0) {
        pthread_cond_destroy(&c->wake);
        pthread_mutex_destroy(&c->mu);
        free(c);
        return nf_err_set(err, NF_E_UNAVAILABLE, "cannot start a thread for the database");
    }
    *ret = c;
    return NF_OK;
}

void nf_lite_checkpointer_free(struct nf_lite_checkpointer *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->mu);
    c->stop = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->mu);
    pthread_join(c->thread, NULL);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->mu);
    free(c);
}
