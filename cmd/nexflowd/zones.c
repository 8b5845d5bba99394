#include "cmd/nexflowd/zones.h"

#include "base/own.h"
#include "base/string.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

struct nf_zone_entry {
    struct nf_zone zone;
    struct nf_zone_entry *next;
};

static const struct nf_zones_ops zones_ops;

static NF_RC no_such(const char *name, struct nf_err *err)
{
    return nf_err_set(err, NF_E_INVALID,
                      "time zone: there is no %.64s here; write a name of the IANA database, such "
                      "as Europe/Berlin or UTC",
                      name);
}

/* A few kilobytes of a local file, once per zone. */
static NF_RC read_file(const char *path, const char *name, uint8_t *to, size_t *n,
                       struct nf_err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = -1;

    if (fd < 0)
        return no_such(name, err);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= NF_ZONE_BYTES_MAX)
        got = read(fd, to, NF_ZONE_BYTES_MAX);
    (void)close(fd);
    if (got < 0)
        return no_such(name, err);
    *n = (size_t)got;
    return NF_OK;
}

static NF_RC read_zone(const struct nf_file_zones *z, const char *name, struct nf_zone *ret,
                       struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_CLEANUP(nf_freep) uint8_t *bytes = NULL;
    size_t n = 0;

    NF_TRY(nf_zone_check_name(name, err));
    NF_TRY(nf_str_addf(&path, err, "%s/%s", z->dir, name));
    bytes = malloc(NF_ZONE_BYTES_MAX);
    if (!bytes)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): nf_freep frees it */
    NF_TRY(read_file(nf_str_c(&path), name, bytes, &n, err));
    return nf_zone_parse(name, bytes, n, ret, err);
}

static enum nf_code find(struct nf_zones *port, const char *name, const struct nf_zone **ret,
                         struct nf_err *err)
{
    assert(port->ops == &zones_ops);
    struct nf_file_zones *z = nf_container_of(port, struct nf_file_zones, port);
    struct nf_zone_entry *e;

    if (strcmp(name, nf_zone_utc.name) == 0) {
        *ret = &nf_zone_utc;
        return NF_OK;
    }
    LL_FOREACH(z->read, e)
    if (strcmp(e->zone.name, name) == 0) {
        *ret = &e->zone;
        return NF_OK;
    }
    e = calloc(1, sizeof(*e));
    if (!e)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    enum nf_code rc = read_zone(z, name, &e->zone, err);
    if (rc != NF_OK) {
        free(e);
        return rc;
    }
    LL_PREPEND(z->read, e);
    *ret = &e->zone;
    return NF_OK;
}

static const struct nf_zones_ops zones_ops = { .find = find };

void nf_file_zones_init(struct nf_file_zones *z, const char *dir)
{
    *z = (struct nf_file_zones){ .port.ops = &zones_ops, .dir = dir };
}

void nf_file_zones_done(struct nf_file_zones *z)
{
    struct nf_zone_entry *e, *next;

    LL_FOREACH_SAFE(z->read, e, next)
    {
        nf_zone_done(&e->zone);
        free(e);
    }
    z->read = NULL;
}
