/* nexflow approval: calls of tools that wait for a decision. */
#include "cmd/nexflow/cli.h"

#include <stdio.h>
#include <string.h>

#define ARGS_MAX ((size_t)8 << 20)

static const struct nf_cli_verb verb_list, verb_allow, verb_deny;

/* Characters that are not seen, or that turn the direction of those behind them (U+200B to U+200F,
 * U+202A to U+202E, U+2066 to U+2069), are written as escapes: what is shown is what would run. */
static NF_RC add_visible(struct nf_str *to, const char *text, struct nf_err *err)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        bool general = p[0] == 0xe2 && p[1] != 0 && p[2] != 0;
        bool hidden =
            general &&
            ((p[1] == 0x80 && ((p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xaa && p[2] <= 0xae))) ||
             (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
        if (!hidden) {
            NF_TRY(nf_str_add(to, (const char *)p, 1, err));
            continue;
        }
        unsigned c = ((p[0] & 0x0fu) << 12) | ((p[1] & 0x3fu) << 6) | (p[2] & 0x3fu);
        NF_TRY(nf_str_addf(to, err, "\\u%04x", c));
        p += 2;
    }
    return NF_OK;
}

enum nf_code nf_cli_readable(const char *args, struct nf_str *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = ARGS_MAX };
    struct nf_json_out o;
    struct nf_err ignored;

    ret->max = 2 * ARGS_MAX;
    if (nf_json_parse(args, strlen(args), 0, &doc, &ignored) != NF_OK)
        return add_visible(ret, args, err);
    nf_json_begin_doc(&o, &text);
    nf_json_out_value(&o, nf_json_root(doc));
    NF_TRY(nf_json_end_doc(&o, err));
    return add_visible(ret, nf_str_c(&text), err);
}

/* The whole call: who decides must see what would run, not the beginning of it. */
static NF_RC print_approval(const struct nf_json *a, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str args = { 0 };
    const char *workspace = nf_cli_text(a, "workspace");

    NF_TRY(nf_cli_readable(nf_cli_text(a, "arguments"), &args, err));
    nf_cli_print(stdout, "%s  %s  until %s\n  asked by   %s%s\n  arguments  %s\n",
                 nf_cli_text(a, "id"), nf_cli_text(a, "tool"), nf_cli_text(a, "expires_at"),
                 nf_cli_text(nf_json_get(a, "user"), "name"),
                 nf_json_bool(nf_json_get(a, "yours"), true) ? "" : " (somebody else decides)",
                 nf_str_c(&args));
    if (workspace[0])
        nf_cli_print(stdout, "  works on   %s\n", workspace);
    return NF_OK;
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
        NF_TRY(print_approval(a, err));
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
