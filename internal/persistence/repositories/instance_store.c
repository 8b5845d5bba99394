#include "base/own.h"
#include "persistence/repositories/impl.h"
#include "persistence/repositories/row.h"

#define RACES_MAX 16 /* others that join at the same time */

static struct nf_db *db_of(struct nf_instance_store *s)
{
    assert(s->ops == &nf_repository_instances);
    return nf_container_of(s, struct nf_repositories, instances)->db;
}

static enum nf_code on_number(void *to, const void *row, struct nf_err *err)
{
    const struct instance_put_row *r = row;
    *(int64_t *)to = r->number;
    return r->number >= 1 && r->number <= NF_INSTANCE_MAX
               ? NF_OK
               : nf_err_set(err, NF_E_IO, "the database holds a wrong number of an instance");
}

static NF_RC rejoin(struct nf_db *db, struct nf_instance *i, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD_ROW(
        instance_rejoin, 1, on_number, &i->number, .identity = nf_slice_of(i->identity),
        .token = i->token, .address = nf_slice_of(i->address), .version = nf_slice_of(i->version),
        .started = i->started_ms, .until = i->lease_until_ms);
    return nf_db_tx(db, &cmd, 1, NULL, err);
}

static NF_RC take_free(struct nf_db *db, struct nf_instance *i, struct nf_err *err)
{
    struct nf_cmd cmds[] = {
        NF_CMD(instance_forget, NF_ROWS_ANY, .before = i->started_ms - NF_INSTANCE_REST_MS),
        NF_CMD_ROW(instance_put, 1, on_number, &i->number, .identity = nf_slice_of(i->identity),
                   .token = i->token, .address = nf_slice_of(i->address),
                   .version = nf_slice_of(i->version), .started = i->started_ms,
                   .until = i->lease_until_ms, .max = NF_INSTANCE_MAX),
    };
    return nf_db_tx(db, cmds, 2, NULL, err);
}

static enum nf_code join(struct nf_instance_store *s, struct nf_instance *i, struct nf_err *err)
{
    for (int n = 0; n < RACES_MAX; n++) {
        enum nf_code rc = rejoin(db_of(s), i, err);
        if (rc == NF_E_CONFLICT)
            rc = take_free(db_of(s), i, err);
        if (rc != NF_E_CONFLICT)
            return rc;
    }
    return nf_err_set(err, NF_E_LIMIT, "%d instances are there or were within the hour",
                      NF_INSTANCE_MAX);
}

static enum nf_code keep(struct nf_instance_store *s, int64_t number, int64_t token,
                         int64_t lease_until_ms, struct nf_err *err)
{
    struct nf_cmd cmd =
        NF_CMD(instance_keep, 1, .number = number, .token = token, .until = lease_until_ms);
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    if (rc != NF_E_CONFLICT)
        return rc;
    return nf_err_set(err, rc,
                      "instance %lld was given up as dead: others have taken its work over",
                      (long long)number);
}

static enum nf_code leave(struct nf_instance_store *s, int64_t number, int64_t token,
                          int64_t now_ms, struct nf_err *err)
{
    struct nf_cmd cmd =
        NF_CMD(instance_leave, NF_ROWS_ANY, .number = number, .token = token, .now = now_ms);
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

static enum nf_code on_instance(void *to, const void *row, struct nf_err *err)
{
    const struct instance_list_row *r = row;
    struct nf_instances *list = to;
    struct nf_instance i = { .number = r->number,
                             .token = r->token,
                             .started_ms = r->started_at,
                             .lease_until_ms = r->lease_until };
    NF_TRY(nf_row_enum(r->state, NF_INSTANCE_HERE, NF_INSTANCE_GONE, "state of an instance", err));
    i.state = (enum nf_instance_state)r->state;
    NF_TRY(nf_row_copy(i.identity, sizeof(i.identity), r->identity, "an identity", err));
    NF_TRY(nf_row_copy(i.address, sizeof(i.address), r->address, "an address", err));
    NF_TRY(nf_row_copy(i.version, sizeof(i.version), r->version, "a version", err));
    NF_TRY(NF_ROW_ROOM(list, err));
    list->v[list->n++] = i;
    return NF_OK;
}

static enum nf_code list(struct nf_instance_store *s, struct nf_instances *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_instances_done) struct nf_instances found = { 0 };
    struct nf_cmd cmd = NF_CMD_ROW(instance_list, NF_ROWS_ANY, on_instance, &found, .after = 0);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code on_now(void *to, const void *row, struct nf_err *err)
{
    const struct shared_clock_row *r = row;
    (void)err;
    *(int64_t *)to = r->now;
    return NF_OK;
}

static enum nf_code now(struct nf_instance_store *s, int64_t now_ms, int64_t *ret,
                        struct nf_err *err)
{
    int64_t shared_ms = now_ms;
    struct nf_cmd cmd = NF_CMD_ROW(shared_clock, 1, on_now, &shared_ms, .now = now_ms);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = shared_ms;
    return NF_OK;
}

const struct nf_instance_store_ops nf_repository_instances = {
    .join = join, .keep = keep, .leave = leave, .list = list, .now = now
};
