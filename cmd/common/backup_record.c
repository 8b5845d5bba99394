#include "cmd/common/backup_record.h"

#include "base/own.h"
#include "codec/json.h"
#include "runtime/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEHIND_NAME ".last-backup"
#define RECORD_MAX 8192 /* bytes: a path and a time */

static const struct nf_json_field fields[] = {
    NF_JSON_FIELD(struct nf_backup_record, "at_ms", NF_JSON_F_I64, at_ms, NF_JSON_REQUIRED, 1,
                  INT64_MAX),
    NF_JSON_FIELD(struct nf_backup_record, "file", NF_JSON_F_STR, file, NF_JSON_REQUIRED, 1, 4096),
};
static const struct nf_json_table table = { fields, sizeof(fields) / sizeof(*fields), false };

void nf_backup_record_done(struct nf_backup_record *r)
{
    nf_json_table_done(&table, r);
}

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static NF_RC path_of(const char *database, struct nf_str *ret, struct nf_err *err)
{
    return nf_str_addf(ret, err, "%s" BEHIND_NAME, database);
}

/* The administrator may have made the copy of a database that a service uses. */
static NF_RC give_to_owner_of(const char *database, const char *path, struct nf_err *err)
{
    struct stat st;
    if (stat(database, &st) != 0 ||
        (st.st_uid != geteuid() && chown(path, st.st_uid, st.st_gid) != 0))
        return nf_err_set(err, NF_E_IO, "give '%s' to the owner of the database: %s", path,
                          strerror(errno));
    return NF_OK;
}

enum nf_code nf_backup_record_write(const char *database, const char *file, int64_t at_ms,
                                    struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    NF_CLEANUP(nf_freep) char *real = realpath(file, NULL);
    struct nf_json_out o;

    NF_TRY(path_of(database, &path, err));
    nf_json_begin_doc(&o, &text);
    nf_json_out_object(&o);
    nf_json_put_i64(&o, "at_ms", at_ms);
    nf_json_put_str(&o, "file", real ? real : file);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    NF_TRY(nf_file_replace(nf_str_c(&path), nf_str_c(&text), text.len, err));
    return give_to_owner_of(database, nf_str_c(&path), err);
}

enum nf_code nf_backup_record_read(const char *database, struct nf_backup_record *ret,
                                   struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_backup_record_done) struct nf_backup_record r = { 0 };
    char text[RECORD_MAX];

    NF_TRY(path_of(database, &path, err));
    NF_CLEANUP(close_fd) int fd = open(nf_str_c(&path), O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
    if (n < 0 && errno != ENOENT)
        return nf_err_set(err, NF_E_IO, "read '%s': %s", nf_str_c(&path), strerror(errno));
    if (n >= 0) {
        NF_TRY(nf_json_parse(text, (size_t)n, 0, &doc, err));
        NF_TRY(nf_json_decode(nf_json_root(doc), &table, &r, err));
    }
    *ret = nf_take(r);
    return NF_OK;
}
