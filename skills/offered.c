#include "skills/tools_impl.h"

#include "base/own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void nf_offered_unref(struct nf_offered *o)
{
    if (!o || --o->refs > 0)
        return;
    nf_skill_package_done(&o->package);
    if (o->is.code >= 0)
        close(o->is.code);
    free(o->dir);
    free(o->entry);
    free(o);
}

static void unrefp(struct nf_offered **o)
{
    nf_offered_unref(*o);
}

/* Two stats of files that nobody writes: their inodes are in memory. */
static bool mark_of(const char *path, struct nf_file_mark *ret)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return false;
    *ret = nf_file_mark_of(&st);
    return true;
}

static bool same_mark(const struct nf_file_mark *a, const struct nf_file_mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

enum nf_code nf_offered_load(struct nf_catalogue *c, const char *name, const char *hash,
                             struct nf_offered **ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str dir = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str entry = { 0 };
    NF_CLEANUP(unrefp) struct nf_offered *o = calloc(1, sizeof(*o));

    if (!o)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    o->refs = 1;
    o->is.code = -1;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not see what unrefp frees */
    NF_TRY(nf_catalogue_path(c, name, hash, &dir, err));
    NF_TRY(nf_catalogue_load_entry(c, name, hash, &o->package, &o->is, err));
    NF_TRY(nf_str_addf(&entry, err, "%s/%s", nf_str_c(&dir), o->package.manifest.entry));
    o->dir = nf_take(dir).p;
    o->entry = nf_take(entry).p;
    *ret = nf_take(o);
    return NF_OK;
}

enum nf_code nf_offered_check(struct nf_catalogue *c, struct nf_offered *o, struct nf_err *err)
{
    struct nf_skill_files *files = nf_catalogue_port(c);
    NF_CLEANUP(nf_skill_package_done) struct nf_skill_package again = { 0 };
    struct nf_file_mark now = { 0 };
    bool there = mark_of(o->entry, &now);

    if (there && same_mark(&now, &o->is.mark) && o->package.manifest.kind == NF_SKILL_PLUGIN)
        return NF_OK;
    enum nf_code rc =
        files->ops->load(files, o->package.manifest.name, o->package.hash, &again, err);
    if (rc == NF_E_NOT_FOUND)
        return nf_err_set(err, NF_E_CONFLICT, "the files of skill %s are gone: install it again",
                          o->package.manifest.name);
    if (rc == NF_OK && there)
        o->is.mark = now;
    return rc;
}
