/* nexflow skill build: compile a plugin. */
#include "cmd/nexflow/skill.h"
#include "runtime/process.h"
#include "skills/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER "nexflow/skill.h"
#define SOURCES_MAX 64 /* C files of a skill */
#define EXTRA_MAX 64   /* further arguments for the compiler */
#define COMPILER_MS (INT64_C(5) * 60 * 1000)
#define COMPILER_OUTPUT_MAX ((size_t)1 << 20)

enum nf_code nf_skill_read_file(const char *dir, const char *name, struct nf_str *ret,
                                struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    char buf[4096];
    ssize_t n = 0;
    enum nf_code rc = NF_OK;

    NF_TRY(nf_str_addf(&path, err, "%s/%s", dir, name));
    int fd = open(nf_str_c(&path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return nf_err_set(err, errno == ENOENT ? NF_E_NOT_FOUND : NF_E_IO, "open '%s': %s",
                          nf_str_c(&path), strerror(errno));
    ret->max = NF_SKILL_SOURCE_MAX;
    while (rc == NF_OK && (n = read(fd, buf, sizeof(buf))) > 0)
        rc = nf_err_wrap(err, nf_str_add(ret, buf, (size_t)n, err), "%s", nf_str_c(&path));
    if (rc == NF_OK && n < 0)
        rc = nf_err_set(err, NF_E_IO, "read '%s': %s", nf_str_c(&path), strerror(errno));
    (void)close(fd);
    return rc;
}

enum nf_code nf_skill_include_dir(struct nf_str *ret, struct nf_err *err)
{
    /* As installed: PREFIX/bin and PREFIX/include. In the tree: build/PRESET/bin. */
    static const char *const places[] = { "../include", "../../../skills/include" };
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash = n > 0 ? memrchr(self, '/', (size_t)n) : NULL;

    if (!slash)
        return nf_err_set(err, NF_E_NOT_FOUND, "cannot tell where this program is");
    for (size_t i = 0; i < NF_COUNT(places); i++) {
        NF_CLEANUP(nf_str_done) struct nf_str header = { 0 };
        nf_str_reset(ret);
        NF_TRY(nf_str_add(ret, self, (size_t)(slash - self) + 1, err));
        NF_TRY(nf_str_adds(ret, places[i], err));
        NF_TRY(nf_str_addf(&header, err, "%s/" HEADER, nf_str_c(ret)));
        if (access(nf_str_c(&header), R_OK) == 0)
            return NF_OK;
    }
    return nf_err_set(err, NF_E_NOT_FOUND,
                      HEADER " is neither in ../include nor in the source tree beside this "
                             "program: install Nexflow whole, with `cmake --install`");
}

struct sources {
    char *name[SOURCES_MAX];
    size_t n;
};

static void sources_done(struct sources *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->name[i]);
    *s = (struct sources){ 0 };
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static NF_RC find_sources(const char *dir, struct sources *ret, struct nf_err *err)
{
    enum nf_code rc = NF_OK;
    DIR *d = opendir(dir);
    if (!d)
        return nf_err_set(err, NF_E_NOT_FOUND, "open '%s': %s", dir, strerror(errno));
    for (const struct dirent *e; rc == NF_OK && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (n < 3 || e->d_name[0] == '.' || strcmp(e->d_name + n - 2, ".c") != 0)
            continue;
        if (ret->n == SOURCES_MAX)
            rc = nf_err_set(err, NF_E_LIMIT, "'%s' has more than %d C files", dir, SOURCES_MAX);
        else if ((rc = nf_strdup(e->d_name, &ret->name[ret->n], err)) == NF_OK)
            ret->n++;
    }
    (void)closedir(d);
    if (rc == NF_OK && ret->n == 0)
        rc = nf_err_set(err, NF_E_NOT_FOUND, "there is no C file in '%s'", dir);
    qsort(ret->name, ret->n, sizeof(ret->name[0]), by_name);
    return rc;
}

static NF_RC entry_of(const char *dir, struct nf_str *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    NF_CLEANUP(nf_skill_manifest_done) struct nf_skill_manifest m = { 0 };
    NF_TRY(nf_skill_read_file(dir, "skill.json", &text, err));
    NF_TRY(nf_err_wrap(err, nf_skill_manifest_parse(nf_str_c(&text), text.len, &m, err),
                       "%s/skill.json", dir));
    if (m.kind != NF_SKILL_PLUGIN)
        return nf_err_set(
            err, NF_E_INVALID,
            "'%s' is a program (kind in %s/skill.json): it is run as it is, and there "
            "is nothing to build",
            m.name, dir);
    return nf_str_set(ret, m.entry, err);
}

/* Run the compiler in `dir`; its words are shown, warnings too. */
static NF_RC compile(struct nf_cli *cli, const char *dir, const char *const *argv,
                     struct nf_err *err)
{
    NF_CLEANUP(nf_process_result_done) struct nf_process_result r = { 0 };
    const struct nf_process_options o = {
        .argv = argv, .cwd = dir, .output_max = COMPILER_OUTPUT_MAX, .timeout_ms = COMPILER_MS
    };
    enum nf_code rc = nf_process_run(cli->loop, &o, &r, err);
    nf_cli_print(stderr, "%s%s", nf_str_c(&r.out), nf_str_c(&r.err));
    if (rc == NF_E_NOT_FOUND)
        return nf_err_set(
            err, rc, "there is no compiler '%s': install gcc or clang, or name one in CC", argv[0]);
    NF_TRY(rc);
    if (r.exit_code != 0)
        return nf_err_set(err, NF_E_INVALID, "the compiler refuses it: see above");
    return NF_OK;
}

enum nf_code nf_skill_compile(struct nf_cli *cli, const char *dir, char *const *extra,
                              struct nf_err *err)
{
    /* Everything is resolved when it is loaded, which only happens before the jail is closed; and
     * what is undefined is an error here and not there. */
    static const char *const flags[] = { "-std=gnu11",
                                         "-O2",
                                         "-g",
                                         "-Wall",
                                         "-Werror=implicit-function-declaration",
                                         "-Wextra",
                                         "-shared",
                                         "-fPIC",
                                         "-fvisibility=hidden",
                                         "-Wl,-z,now",
                                         "-Wl,-z,relro",
                                         "-Wl,-z,noexecstack",
                                         "-Wl,--no-undefined",
                                         "-Wl,--as-needed" };
    NF_CLEANUP(sources_done) struct sources sources = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str entry = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str include = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str fresh = { 0 };
    const char *argv[NF_COUNT(flags) + SOURCES_MAX + EXTRA_MAX + 8];
    const char *compiler = getenv("CC");
    size_t n = 0, more = 0;

    NF_TRY(entry_of(dir, &entry, err));
    NF_TRY(find_sources(dir, &sources, err));
    NF_TRY(nf_skill_include_dir(&include, err));
    NF_TRY(nf_str_addf(&fresh, err, "%s.new", nf_str_c(&entry)));
    argv[n++] = compiler && compiler[0] ? compiler : "cc";
    for (size_t i = 0; i < NF_COUNT(flags); i++)
        argv[n++] = flags[i];
    argv[n++] = "-I";
    argv[n++] = nf_str_c(&include);
    argv[n++] = "-o";
    argv[n++] = nf_str_c(&fresh);
    for (size_t i = 0; i < sources.n; i++)
        argv[n++] = sources.name[i];
    for (; more < EXTRA_MAX && extra[more]; more++)
        argv[n++] = extra[more];
    if (extra[more])
        return nf_err_set(err, NF_E_LIMIT, "over %d arguments for the compiler", EXTRA_MAX);
    argv[n++] = "-lm";
    argv[n] = NULL;

    NF_CLEANUP(nf_str_done) struct nf_str from = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str to = { 0 };
    NF_TRY(nf_str_addf(&from, err, "%s/%s", dir, nf_str_c(&fresh)));
    NF_TRY(nf_str_addf(&to, err, "%s/%s", dir, nf_str_c(&entry)));
    enum nf_code rc = compile(cli, dir, argv, err);
    if (rc == NF_OK && rename(nf_str_c(&from), nf_str_c(&to)) != 0)
        rc = nf_err_set(err, NF_E_IO, "rename '%s': %s", nf_str_c(&from), strerror(errno));
    if (rc != NF_OK) {
        (void)unlink(nf_str_c(&from));
        return rc;
    }
    nf_cli_print(stdout, "built %s\n", strcmp(dir, ".") == 0 ? nf_str_c(&entry) : nf_str_c(&to));
    return NF_OK;
}

static int run_build(struct nf_cli *cli, int argc, char **argv)
{
    static char *const none[] = { NULL };
    char *const *extra = none;
    const char *dir = ".";
    struct nf_err err;
    int i = 1;

    if (i < argc && argv[i][0] != '-')
        dir = argv[i++];
    if (i < argc && strcmp(argv[i], "--") == 0)
        extra = argv + i + 1;
    else if (i < argc)
        return nf_skill_misused(&nf_skill_verb_build);
    return nf_skill_compile(cli, dir, extra, &err) == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
}

const struct nf_cli_verb nf_skill_verb_build = {
    .name = "build",
    .usage = "[DIR] [-- COMPILER-ARGUMENTS]",
    .help = "compile a plugin's *.c into the shared object that skill.json names",
    .details = "DIR is the skill's directory, without it the one you are in. CC names another\n"
               "compiler than cc; what stands behind -- is handed on to it. The header is that of\n"
               "this installation.\n",
    .run = run_build,
};
