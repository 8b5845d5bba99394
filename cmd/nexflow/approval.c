/* nexflow approval: calls of tools that wait for a decision. */
#include "cmd/nexflow/cli.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const struct nf_json *v, const char *key)
{
    const char *s = nf_json_str(nf_json_get(v, key));
    return s ? s : "";
}

static const struct nf_cli_verb verb_list, verb_allow, verb_deny;

/* The whole call: who decides must see what would run, not the beginning of it. */
static void print_approval(const struct nf_json *a)
{
    const char *workspace = text_of(a, "workspace");
    nf_cli_print(stdout, "%s  %s  until %s\n  asked by   %s%s\n  arguments  %s\n", text_of(a, "id"),
                 text_of(a, "tool"), text_of(a, "expires_at"),
                 text_of(nf_json_get(a, "user"), "name"),
                 nf_json_bool(nf_json_get(a, "yours"), true) ? "" : " (somebody else decides)",
                 text_of(a, "arguments"));
    if (workspace[0])
        nf_cli_print(stdout, "  works on   %s\n", workspace);
}

static NF_RC list_approvals(struct nf_cli *cli, bool json, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_TRY(nf_cli_call(cli, "GET", "/api/v1/approvals", NULL, &doc, err));
    const struct nf_json *all = nf_json_get(nf_json_root(doc), "approvals");
    if (json)
        return nf_cli_print_json(all, err);
    if (!nf_json_first(all))
        (void)puts("Nothing waits for a decision.");
    for (const struct nf_json *a = nf_json_first(all); a; a = nf_json_next(a))
        print_approval(a);
    return NF_OK;
}

static int run_list(struct nf_cli *cli, int argc, char **argv)
{
    struct nf_err err;
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc > 2 || (argc == 2 && !json))
        return nf_cli_verb_misused(&nf_cli_approval, &verb_list);
    return list_approvals(cli, json, &err) == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
}

static NF_RC decide(struct nf_cli *cli, const char *id, const char *decision, const char *reason,
                    struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_json_out o;

    NF_TRY(nf_cli_check_word(id, err));
    NF_TRY(nf_str_addf(&path, err, "/api/v1/approvals/%s", id));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "decision", decision);
    nf_json_put_str(&o, "reason", reason);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_cli_call(cli, "POST", nf_str_c(&path), nf_str_c(&body), &doc, err);
}

static int run_allow(struct nf_cli *cli, int argc, char **argv)
{
    struct nf_err err;
    if (argc != 2 || argv[1][0] == '-')
        return nf_cli_verb_misused(&nf_cli_approval, &verb_allow);
    if (decide(cli, argv[1], "allow", NULL, &err) != NF_OK)
        return nf_cli_fail(&err);
    (void)puts("allowed, once");
    return NF_CLI_OK;
}

static int run_deny(struct nf_cli *cli, int argc, char **argv)
{
    struct nf_err err;
    if (argc < 2 || argc > 3 || argv[1][0] == '-')
        return nf_cli_verb_misused(&nf_cli_approval, &verb_deny);
    if (decide(cli, argv[1], "deny", argc == 3 ? argv[2] : NULL, &err) != NF_OK)
        return nf_cli_fail(&err);
    (void)puts("denied");
    return NF_CLI_OK;
}

static const struct nf_cli_verb verb_list = {
    .name = "list",
    .usage = "[--json]",
    .help = "show what waits, with its whole arguments",
    .details = "What nobody has decided by the time shown is denied.\n",
    .run = run_list,
};
static const struct nf_cli_verb verb_allow = {
    .name = "allow",
    .usage = "ID",
    .help = "let exactly this call run, once",
    .details = "",
    .run = run_allow,
};
static const struct nf_cli_verb verb_deny = {
    .name = "deny",
    .usage = "ID [REASON]",
    .help = "do not let it run",
    .details = "The model is told REASON.\n",
    .run = run_deny,
};
static const struct nf_cli_verb *const verbs[] = { &verb_list, &verb_allow, &verb_deny };

static int run_approval(struct nf_cli *cli, int argc, char **argv)
{
    return nf_cli_run_verb(&nf_cli_approval, cli, argc, argv);
}

const struct nf_cli_command nf_cli_approval = {
    .name = "approval",
    .usage = "list [--json] | allow ID | deny ID [REASON]",
    .help = "decide about calls of tools that wait for you",
    .details = "A skill, or its settings, can say that a tool asks before it runs. The page shows\n"
               "such a call as a card; these are for who has no page.\n",
    .run = run_approval,
    .verbs = verbs,
    .verbs_n = NF_COUNT(verbs),
};
