/* nexflow link, nexflow user: who gets in. */
#include "cmd/nexflow/cli.h"

#include <stdio.h>
#include <string.h>

static int run_link(struct nf_cli *cli, int argc, char **argv)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    struct nf_err err;

    if (argc > 2 || (argc == 2 && argv[1][0] == '-'))
        return nf_cli_misused(&nf_cli_link);
    if ((argc == 2 && nf_cli_check_word(argv[1], &err) != NF_OK) ||
        nf_str_addf(&path, &err, "/api/v1/users/%s/links", argc == 2 ? argv[1] : "me") != NF_OK ||
        nf_cli_call(cli, "POST", nf_str_c(&path), "{}", &doc, &err) != NF_OK)
        return nf_cli_fail(&err);
    const char *url = nf_json_str(nf_json_get(nf_json_root(doc), "url"));
    return puts(url ? url : "") < 0;
}

const struct nf_cli_command nf_cli_link = {
    .name = "link",
    .usage = "[USER-ID]",
    .help = "print a one-time link that signs a browser in",
    .details = "The link works once, within 10 minutes. Without USER-ID it is the owner's.\n",
    .run = run_link,
};

static void print_user(const struct nf_json *u)
{
    const char *id = nf_json_str(nf_json_get(u, "id"));
    const char *role = nf_json_str(nf_json_get(u, "role"));
    const char *status = nf_json_str(nf_json_get(u, "status"));
    const char *name = nf_json_str(nf_json_get(u, "name"));
    nf_cli_print(stdout, "%-14s %-6s %-8s %s\n", id ? id : "", role ? role : "",
                 status ? status : "", name ? name : "");
}

static NF_RC list_users(struct nf_cli *cli, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_TRY(nf_cli_call(cli, "GET", "/api/v1/users?limit=200", NULL, &doc, err));
    (void)printf("%-14s %-6s %-8s %s\n", "ID", "ROLE", "STATUS", "NAME");
    for (const struct nf_json *u = nf_json_first(nf_json_get(nf_json_root(doc), "users")); u;
         u = nf_json_next(u))
        print_user(u);
    return NF_OK;
}

/* Send one member, or two, of a user. */
static NF_RC send_user(struct nf_cli *cli, const char *method, const char *path,
                       const char *const members[][2], size_t n, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_json_out o;
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    for (size_t i = 0; i < n; i++)
        nf_json_put_str(&o, members[i][0], members[i][1]);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    NF_TRY(nf_cli_call(cli, method, path, nf_str_c(&body), &doc, err));
    print_user(nf_json_root(doc));
    return NF_OK;
}

static NF_RC change_user(struct nf_cli *cli, const char *id, const char *key, const char *value,
                         struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    const char *const members[][2] = { { key, value } };
    NF_TRY(nf_cli_check_word(id, err));
    NF_TRY(nf_str_addf(&path, err, "/api/v1/users/%s", id));
    return send_user(cli, "PATCH", nf_str_c(&path), members, 1, err);
}

static int run_user(struct nf_cli *cli, int argc, char **argv)
{
    struct nf_err err;
    enum nf_code rc;
    const char *verb = argc > 1 ? argv[1] : "";

    if (argc == 2 && strcmp(verb, "list") == 0) {
        rc = list_users(cli, &err);
    } else if ((argc == 3 || argc == 4) && strcmp(verb, "add") == 0) {
        const char *const members[][2] = { { "name", argv[2] },
                                           { "role", argc == 4 ? argv[3] : "user" } };
        rc = send_user(cli, "POST", "/api/v1/users", members, 2, &err);
    } else if (argc == 3 && strcmp(verb, "block") == 0) {
        rc = change_user(cli, argv[2], "status", "blocked", &err);
    } else if (argc == 3 && strcmp(verb, "unblock") == 0) {
        rc = change_user(cli, argv[2], "status", "active", &err);
    } else if (argc == 4 && strcmp(verb, "role") == 0) {
        rc = change_user(cli, argv[2], "role", argv[3], &err);
    } else {
        return nf_cli_misused(&nf_cli_user);
    }
    return rc == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
}

const struct nf_cli_command nf_cli_user = {
    .name = "user",
    .usage = "list | add NAME [ROLE] | role ID ROLE | block ID | unblock ID",
    .help = "list, add, block people",
    .details = "Roles are owner, admin and user. A new user gets in by `nexflow link ID`. Blocking "
               "closes\n"
               "what the user has open.\n",
    .run = run_user,
};
