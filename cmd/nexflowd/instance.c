#include "cmd/nexflowd/instance.h"

#include "base/own.h"
#include "codec/hash.h"
#include "observe/log.h"
#include "runtime/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define JITTER_MS 20   /* what a measurement may be wrong by: below it the clock stays */
#define MEASURE_MS 200 /* what takes longer is not measured well enough */
#define IDENTITY_BYTES 16

/* --- the clock -------------------------------------------------------------------------------- */

static int64_t shared_now_ms(struct nf_clock *c)
{
    const struct nf_shared_clock *s = nf_container_of(c, struct nf_shared_clock, port);
    if (!s->measured)
        return nf_clock_now_ms(nf_system_clock());
    return nf_clock_mono_us(nf_system_clock()) / 1000 + s->offset_ms;
}

static int64_t shared_mono_us(struct nf_clock *c)
{
    (void)c;
    return nf_clock_mono_us(nf_system_clock());
}

void nf_shared_clock_init(struct nf_shared_clock *c)
{
    *c = (struct nf_shared_clock){ .port = { .now_ms = shared_now_ms, .mono_us = shared_mono_us } };
}

static NF_RC set_clock(struct nf_daemon_instance *d, struct nf_app *a, struct nf_err *err)
{
    /* By the clock that nobody sets: a step of the other would be in every lease until we look
     * again. */
    int64_t theirs = 0, before = nf_clock_mono_us(nf_system_clock()) / 1000;
    NF_TRY(a->instances->ops->now(a->instances, nf_clock_now_ms(nf_system_clock()), &theirs, err));
    int64_t took = nf_clock_mono_us(nf_system_clock()) / 1000 - before;
    int64_t middle = before + took / 2;
    int64_t change = theirs - middle - (d->clock.measured ? d->clock.offset_ms : 0);
    struct nf_num_buf ms;
    /* A measurement that took long says nothing, unless there was none before. */
    if (took > MEASURE_MS && d->clock.measured)
        return NF_OK;
    d->clock.measured = true;
    if (change > -JITTER_MS && change < JITTER_MS)
        return NF_OK;
    d->clock.offset_ms += change;
    nf_log_info("clock.shared", "offset_ms", nf_num(&ms, (long long)d->clock.offset_ms), NULL);
    return NF_OK;
}

/* --- who we are ------------------------------------------------------------------------------- */

static NF_RC make_identity(const char *path, struct nf_str *ret, struct nf_err *err)
{
    unsigned char random[IDENTITY_BYTES];
    nf_random(random, sizeof(random));
    nf_str_reset(ret);
    for (size_t i = 0; i < sizeof(random); i++)
        NF_TRY(nf_str_addf(ret, err, "%02x", random[i]));
    return nf_file_replace(path, ret->p, ret->len, err);
}

static NF_RC identity(const char *data_dir, struct nf_str *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    char text[2 * IDENTITY_BYTES + 1] = "";
    NF_TRY(nf_str_addf(&path, err, "%s/instance", data_dir));
    int fd = open(nf_str_c(&path), O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    if (fd >= 0)
        close(fd);
    if (n == (ssize_t)sizeof(text) - 1 && strspn(text, "0123456789abcdef") == sizeof(text) - 1)
        return nf_str_set(ret, text, err);
    return make_identity(nf_str_c(&path), ret, err);
}

enum nf_code nf_daemon_instance_join(struct nf_daemon_instance *d, struct nf_app *a,
                                     const char *data_dir, const char *address, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str who = { 0 };
    int64_t token = 0;
    struct nf_num_buf number;
    NF_TRY(set_clock(d, a, err));
    NF_TRY(identity(data_dir, &who, err));
    nf_random(&token, sizeof(token));
    NF_TRY(nf_instance_join(a, nf_str_c(&who), address, NF_VERSION, token & INT64_MAX, err));
    d->joined = true;
    nf_log_info("instance.joined", "number", nf_num(&number, (long long)a->owner), NULL);
    return NF_OK;
}

enum nf_code nf_daemon_instance_keep(struct nf_daemon_instance *d, struct nf_app *a,
                                     struct nf_err *err)
{
    struct nf_num_buf n;
    int64_t before = d->watch.taken_over;
    if (d->left)
        return NF_OK;
    NF_TRY(set_clock(d, a, err));
    enum nf_code rc = nf_instance_keep(a, &d->watch, err);
    if (d->left) /* meanwhile: that nobody knows us any more is as it should be */
        return NF_OK;
    d->lost = d->lost || rc == NF_E_CONFLICT;
    if (d->watch.taken_over > before)
        nf_log_warn("instance.taken_over", "instances",
                    nf_num(&n, (long long)(d->watch.taken_over - before)), NULL);
    return rc;
}

void nf_daemon_instance_leave(struct nf_daemon_instance *d, struct nf_app *a)
{
    struct nf_err why;
    if (!d->joined || d->lost)
        return;
    d->joined = false;
    d->left = true;
    if (nf_instance_leave(a, &why) != NF_OK)
        nf_log_warn("instance.leave.failed", "err", why.msg, NULL);
}
