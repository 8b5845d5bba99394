/* nexflow skill install, enable: nothing runs that the owner did not agree to. */
#include "cmd/nexflow/skill.h"
#include "cmd/nexflow/skill_rights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void nf_skill_found_done(struct nf_skill_found *f)
{
    nf_package_done(&f->files);
    nf_skill_manifest_done(&f->manifest);
}

/* Blocks, so it runs beside the loop. */
static enum nf_code look(void *arg, struct nf_err *err)
{
    struct nf_skill_found *f = arg;
    NF_TRY(nf_package_read(f->dir, &f->files, err));
    NF_TRY(nf_package_manifest(&f->files, &f->manifest, err));
    return nf_package_hash(&f->files, f->hash, err);
}

enum nf_code nf_skill_look(struct nf_cli *cli, const char *dir, struct nf_skill_found *ret,
                           struct nf_err *err)
{
    ret->dir = dir;
    return nf_executor_call(cli->blocking, look, ret, err);
}

/* The installed skill of that name; *ret stays NULL if there is none. */
static NF_RC find_installed(struct nf_cli *cli, const char *name, struct nf_json_doc **ret,
                            struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_TRY(nf_skill_path(name, "", &path, err));
    enum nf_code rc = nf_cli_call(cli, "GET", nf_str_c(&path), NULL, ret, err);
    return rc == NF_E_NOT_FOUND ? NF_OK : rc;
}

/* {"path":path,"hash":hash}; a NULL is left out. */
static NF_RC ask_for(const char *path, const char *hash, struct nf_str *ret, struct nf_err *err)
{
    struct nf_json_out o;
    nf_json_begin_doc(&o, ret);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "path", path);
    nf_json_put_str(&o, "hash", hash);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

static NF_RC enable(struct nf_cli *cli, const char *name, const char *hash, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    NF_TRY(nf_skill_path(name, "/enable", &path, err));
    NF_TRY(ask_for(NULL, hash, &body, err));
    NF_TRY(nf_cli_call(cli, "POST", nf_str_c(&path), nf_str_c(&body), &doc, err));
    (void)printf("%s is enabled\n", name);
    return NF_OK;
}

static NF_RC print_limits(const struct nf_skill_found *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str limits = { 0 };
    NF_TRY(nf_rights_tell_limits(&f->manifest, &limits, err));
    (void)puts("\nWhat it may use up:");
    nf_rights_print(nf_str_c(&limits), "");
    return NF_OK;
}

static NF_RC show_new(const struct nf_skill_found *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str rights = { 0 };
    NF_TRY(nf_rights_tell(&f->manifest, &rights, err));
    nf_cli_print(stdout, "%s %s: %s\n\nWhat it may do:\n", f->manifest.name, f->manifest.version,
                 f->manifest.description);
    nf_rights_print(nf_str_c(&rights), "");
    return print_limits(f, err);
}

static NF_RC show_replacement(const struct nf_skill_found *f, const struct nf_json *old,
                              struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str before = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str now = { 0 };
    NF_TRY(nf_rights_tell_answer(old, &before, err));
    NF_TRY(nf_rights_tell(&f->manifest, &now, err));
    nf_cli_print(stdout, "%s %s replaces %s. What it may do changes:\n", f->manifest.name,
                 f->manifest.version, nf_cli_text(old, "version"));
    nf_rights_print_changes(nf_str_c(&before), nf_str_c(&now));
    return print_limits(f, err);
}

/* The daemon copies the files, if they are still what was looked at. */
static NF_RC hand_over(struct nf_cli *cli, const struct nf_skill_found *f, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    NF_CLEANUP(nf_freep) char *path = realpath(f->dir, NULL);
    if (!path)
        return nf_err_set(err, NF_E_NOT_FOUND, "there is no directory '%s'", f->dir);
    NF_TRY(ask_for(path, f->hash, &body, err));
    NF_TRY(nf_cli_call(cli, "POST", "/api/v1/skills", nf_str_c(&body), &doc, err));
    return enable(cli, f->manifest.name, f->hash, err);
}

static NF_RC install(struct nf_cli *cli, const char *dir, bool yes, struct nf_err *err)
{
    NF_CLEANUP(nf_skill_found_done) struct nf_skill_found f = { 0 };
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *installed = NULL;

    NF_TRY(nf_skill_look(cli, dir, &f, err));
    NF_TRY(find_installed(cli, f.manifest.name, &installed, err));
    const struct nf_json *old = installed ? nf_json_root(installed) : NULL;
    if (installed && strcmp(nf_cli_text(old, "hash"), f.hash) == 0 &&
        strcmp(nf_cli_text(old, "status"), "enabled") == 0) {
        (void)printf("%s is installed and enabled already, with the same files\n", f.manifest.name);
        return NF_OK;
    }
    NF_TRY(installed ? show_replacement(&f, old, err) : show_new(&f, err));
    if (!yes)
        NF_TRY(nf_skill_ask(cli, installed ? "Replace and enable it?" : "Install and enable it?",
                            &yes, err));
    if (!yes)
        return nf_err_set(err, NF_E_CANCELED, "nothing is changed");
    return hand_over(cli, &f, err);
}

/* DIR-or-NAME and --yes in any order; false: wrong use. */
static bool one_word(int argc, char **argv, const char **word, bool *yes)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--yes") == 0)
            *yes = true;
        else if (argv[i][0] == '-' || *word)
            return false;
        else
            *word = argv[i];
    }
    return *word != NULL;
}

static int run_install(struct nf_cli *cli, int argc, char **argv)
{
    const char *dir = NULL;
    struct nf_err err;
    bool yes = false;
    if (!one_word(argc, argv, &dir, &yes))
        return nf_skill_misused(&nf_skill_verb_install);
    return install(cli, dir, yes, &err) == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
}

static NF_RC enable_installed(struct nf_cli *cli, const char *name, bool yes, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str rights = { 0 };

    NF_TRY(nf_skill_path(name, "", &path, err));
    NF_TRY(nf_cli_call(cli, "GET", nf_str_c(&path), NULL, &doc, err));
    const struct nf_json *s = nf_json_root(doc);
    /* What was agreed to needs no second question. */
    if (!nf_json_bool(nf_json_get(s, "granted"), false)) {
        NF_TRY(nf_rights_tell_answer(s, &rights, err));
        nf_cli_print(stdout, "%s %s: %s\n\nWhat it may do:\n", name, nf_cli_text(s, "version"),
                     nf_cli_text(s, "description"));
        nf_rights_print(nf_str_c(&rights), "");
        if (!yes)
            NF_TRY(nf_skill_ask(cli, "Enable it?", &yes, err));
        if (!yes)
            return nf_err_set(err, NF_E_CANCELED, "%s stays as it is", name);
    }
    return enable(cli, name, nf_cli_text(s, "hash"), err);
}

static int run_enable(struct nf_cli *cli, int argc, char **argv)
{
    const char *name = NULL;
    struct nf_err err;
    bool yes = false;
    if (!one_word(argc, argv, &name, &yes))
        return nf_skill_misused(&nf_skill_verb_enable);
    return enable_installed(cli, name, yes, &err) == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
}

const struct nf_cli_verb nf_skill_verb_install = {
    .name = "install",
    .usage = "DIR [--yes]",
    .help = "show what a skill may do, ask, install and enable it",
    .details =
        "Of one that replaces another, what changes is shown. What you agree to is bound to\n"
        "the files as they are now: changed ones ask again.\n"
        "\n"
        "  --yes  show it and do not ask, for scripts\n",
    .run = run_install,
};
const struct nf_cli_verb nf_skill_verb_enable = {
    .name = "enable",
    .usage = "NAME [--yes]",
    .help = "let an installed skill be called",
    .details = "Asks first if you have not agreed to what it may do.\n"
               "\n"
               "  --yes  show it and do not ask\n",
    .run = run_enable,
};
