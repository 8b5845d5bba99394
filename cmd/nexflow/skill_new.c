/* nexflow skill new: a skill that builds, tests itself and runs. */
#include "cmd/nexflow/skill.h"
#include "domain/skill_manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACEHOLDER "@NAME@"

static const char manifest[] =
    "{\n"
    "  \"name\": \"@NAME@\",\n"
    "  \"version\": \"0.1.0\",\n"
    "  \"description\": \"Say here what it is good for: the model reads it.\",\n"
    "  \"kind\": \"plugin\",\n"
    "  \"entry\": \"@NAME@.so\",\n"
    "  \"tools\": [\n"
    "    {\n"
    "      \"name\": \"greet\",\n"
    "      \"description\": \"Greet somebody by name, in a language of choice.\",\n"
    "      \"parameters\": {\n"
    "        \"type\": \"object\",\n"
    "        \"properties\": {\n"
    "          \"name\": { \"type\": \"string\", \"minLength\": 1, \"maxLength\": 100 },\n"
    "          \"language\": { \"type\": \"string\", \"enum\": [\"en\", \"de\"] }\n"
    "        },\n"
    "        \"required\": [\"name\"],\n"
    "        \"additionalProperties\": false\n"
    "      },\n"
    "      \"idempotent\": true,\n"
    "      \"approval\": \"never\",\n"
    "      \"timeout_ms\": 5000\n"
    "    }\n"
    "  ],\n"
    "  \"capabilities\": {}\n"
    "}\n";

static const char source[] =
    "/* @NAME@: a skill of Nexflow. Everything it may use is in this one header. */\n"
    "#include <nexflow/skill.h>\n"
    "\n"
    "#include <string.h>\n"
    "\n"
    "/* The host has checked the arguments against the schema in skill.json. */\n"
    "static int greet(const struct nf_skill_host *h, const struct nf_skill_request *r)\n"
    "{\n"
    "    const char *name = h->json_str(h, h->json_get(h, r->args, \"name\"));\n"
    "    const char *language = h->json_str(h, h->json_get(h, r->args, \"language\"));\n"
    "\n"
    "    if (language && strcmp(language, \"de\") == 0)\n"
    "        return h->replyf(h, \"Guten Tag, %s!\", name);\n"
    "    return h->replyf(h, \"Hello, %s!\", name);\n"
    "}\n"
    "\n"
    "static int call(const struct nf_skill_host *h, const struct nf_skill_request *r)\n"
    "{\n"
    "    if (strcmp(r->tool, \"greet\") == 0)\n"
    "        return greet(h, r);\n"
    "    return h->fail(h, NF_SKILL_E_NOT_FOUND, \"there is no tool '%s'\", r->tool);\n"
    "}\n"
    "\n"
    "NF_SKILL(\"@NAME@\", \"0.1.0\", call)\n";

static const char tests[] = "{\n"
                            "  \"tests\": [\n"
                            "    {\n"
                            "      \"name\": \"greets in English if nothing else is said\",\n"
                            "      \"tool\": \"greet\",\n"
                            "      \"args\": { \"name\": \"Ada\" },\n"
                            "      \"expect\": { \"exact\": \"Hello, Ada!\" }\n"
                            "    },\n"
                            "    {\n"
                            "      \"tool\": \"greet\",\n"
                            "      \"args\": { \"name\": \"Ada\", \"language\": \"de\" },\n"
                            "      \"expect\": { \"contains\": \"Guten Tag\" }\n"
                            "    },\n"
                            "    {\n"
                            "      \"name\": \"refuses a language that it does not speak\",\n"
                            "      \"tool\": \"greet\",\n"
                            "      \"args\": { \"name\": \"Ada\", \"language\": \"xx\" },\n"
                            "      \"expect\": { \"error\": \"language\" }\n"
                            "    }\n"
                            "  ]\n"
                            "}\n";

static const char readme[] =
    "# @NAME@\n"
    "\n"
    "A skill of Nexflow. Where its daemon runs:\n"
    "\n"
    "    nexflow skill build @NAME@    # @NAME@.c becomes @NAME@.so\n"
    "    nexflow skill test @NAME@     # the cases of tests.json, in the sandbox; needs no daemon\n"
    "    nexflow skill install @NAME@  # shows what it may do, and asks\n"
    "    nexflow skill run @NAME@ greet '{\"name\": \"Ada\"}'\n"
    "\n"
    "- `skill.json`: its tools, what it may do, its limits\n"
    "- `@NAME@.c`: what it does; `nexflow/skill.h` is all it needs\n"
    "- `tests.json`: what must come out of it\n";

static const char ignore[] = "*.so\n*.new\n";

static const struct {
    const char *name, *text;
} files[] = {
    { "skill.json", manifest }, { PLACEHOLDER ".c", source }, { "tests.json", tests },
    { "README.md", readme },    { ".gitignore", ignore },
};

static NF_RC fill_in(const char *text, const char *name, struct nf_str *ret, struct nf_err *err)
{
    const char *at;
    while ((at = strstr(text, PLACEHOLDER))) {
        NF_TRY(nf_str_add(ret, text, (size_t)(at - text), err));
        NF_TRY(nf_str_adds(ret, name, err));
        text = at + sizeof(PLACEHOLDER) - 1;
    }
    return nf_str_adds(ret, text, err);
}

static NF_RC write_all(int fd, const struct nf_str *text, const char *path, struct nf_err *err)
{
    for (size_t at = 0; at < text->len;) {
        ssize_t n = write(fd, text->p + at, text->len - at);
        if (n < 0 && errno != EINTR)
            return nf_err_set(err, NF_E_IO, "write '%s': %s", path, strerror(errno));
        at += n > 0 ? (size_t)n : 0;
    }
    return NF_OK;
}

static NF_RC file_path(const char *dir, size_t i, struct nf_str *ret, struct nf_err *err)
{
    NF_TRY(nf_str_addf(ret, err, "%s/", dir));
    return fill_in(files[i].name, dir, ret, err);
}

static NF_RC write_file(const char *name, size_t i, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    NF_TRY(file_path(name, i, &path, err));
    NF_TRY(fill_in(files[i].text, name, &text, err));
    int fd = open(nf_str_c(&path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return nf_err_set(err, NF_E_IO, "create '%s': %s", nf_str_c(&path), strerror(errno));
    enum nf_code rc = write_all(fd, &text, nf_str_c(&path), err);
    if (close(fd) != 0 && rc == NF_OK)
        rc = nf_err_set(err, NF_E_IO, "write '%s': %s", nf_str_c(&path), strerror(errno));
    return rc;
}

/* The directory was made by us a moment ago: what is in it by these names is ours. */
static void take_back(const char *name)
{
    for (size_t i = 0; i < NF_COUNT(files); i++) {
        NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
        struct nf_err ignored;
        if (file_path(name, i, &path, &ignored) == NF_OK)
            (void)unlink(nf_str_c(&path));
    }
    (void)rmdir(name);
}

enum nf_code nf_skill_scaffold(const char *name, struct nf_err *err)
{
    if (strchr(name, '/') || name[0] == '.')
        return nf_err_set(err, NF_E_INVALID,
                          "'%.80s' is a path: go to the directory that shall hold the skill, and "
                          "give a name",
                          name);
    NF_TRY(nf_skill_check_name(name, err));
    if (strlen(name) > NF_SKILL_NAME_MAX)
        return nf_err_set(err, NF_E_LIMIT, "'%s' has more than %d characters", name,
                          NF_SKILL_NAME_MAX);
    if (mkdir(name, 0777) != 0)
        return errno == EEXIST
                   ? nf_err_set(err, NF_E_CONFLICT, "'%s' is there already: choose another name",
                                name)
                   : nf_err_set(err, NF_E_IO, "create directory '%s': %s", name, strerror(errno));
    enum nf_code rc = NF_OK;
    for (size_t i = 0; i < NF_COUNT(files) && rc == NF_OK; i++)
        rc = write_file(name, i, err);
    if (rc != NF_OK)
        take_back(name);
    return rc;
}

/* A skill of that name is installed: its replacement would be an accident. */
static NF_RC check_not_installed(struct nf_cli *cli, const char *name, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str ignored = { 0 };
    struct nf_err no_daemon;
    int status = 0;
    NF_TRY(nf_str_addf(&path, err, "/api/v1/skills/%s", name));
    if (nf_cli_fetch(cli, "GET", nf_str_c(&path), NULL, &status, &ignored, &no_daemon) != NF_OK ||
        status != 200)
        return NF_OK;
    return nf_err_set(err, NF_E_CONFLICT, "a skill '%s' is installed already: choose another name",
                      name);
}

static int run_new(struct nf_cli *cli, int argc, char **argv)
{
    struct nf_err err;
    if (argc != 2 || argv[1][0] == '-')
        return nf_skill_misused(&nf_skill_verb_new);
    const char *name = argv[1];
    if (nf_skill_check_name(name, &err) == NF_OK && check_not_installed(cli, name, &err) != NF_OK)
        return nf_cli_fail(&err);
    if (nf_skill_scaffold(name, &err) != NF_OK)
        return nf_cli_fail(&err);
    (void)printf("%s/ is a skill with one tool, `greet`. Next:\n"
                 "\n"
                 "  nexflow skill build %s\n"
                 "  nexflow skill test %s\n"
                 "  nexflow skill install %s\n"
                 "  nexflow skill run %s greet '{\"name\": \"Ada\"}'\n",
                 name, name, name, name, name);
    return NF_CLI_OK;
}

const struct nf_cli_verb nf_skill_verb_new = {
    .name = "new",
    .usage = "NAME",
    .help = "begin a skill: a directory that builds, tests itself and runs",
    .details = "NAME is 1 to 31 of a-z, 0-9 and '-', beginning with a letter. A directory NAME is "
               "made\n"
               "where you are; nothing that is there is touched. docs/skills.md goes on from "
               "there.\n",
    .run = run_new,
};
