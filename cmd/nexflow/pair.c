/* nexflow pair: who asks to be let in, and letting them. */
#include "cmd/nexflow/cli.h"
#include "cmd/nexflow/people.h"

#include <stdio.h>
#include <string.h>

static void print_pairing(const struct nf_json *p)
{
    nf_cli_print(stdout, "%-10s %-7s %-10s %-20s %s\n", nf_cli_text(p, "code"),
                 nf_cli_text(p, "status"), nf_cli_text(p, "network"), nf_cli_text(p, "account"),
                 nf_cli_text(p, "name"));
}

static NF_RC list_pairings(struct nf_cli *cli, struct nf_err *err)
{
    static const struct nf_cli_rows rows = {
        .path = "/api/v1/pairings",
        .key = "pairings",
        .head = "CODE       STATUS  NETWORK    ACCOUNT              NAME",
        .none = "Nobody asks to be let in.",
        .print = print_pairing,
    };
    return nf_cli_list(cli, &rows, err);
}

struct decision {
    const char *code, *user, *name, *role;
    bool deny;
};

/* False: wrong use. */
static bool read_arguments(int argc, char **argv, struct decision *d)
{
    struct {
        const char *option, **to;
    } const options[] = { { "--user", &d->user }, { "--name", &d->name }, { "--role", &d->role } };
    for (int i = 1; i < argc; i++) {
        size_t k = 0;
        while (k < NF_COUNT(options) && strcmp(argv[i], options[k].option) != 0)
            k++;
        if (k < NF_COUNT(options) && i + 1 < argc)
            *options[k].to = argv[++i];
        else if (strcmp(argv[i], "--deny") == 0)
            d->deny = true;
        else if (argv[i][0] != '-' && !d->code)
            d->code = argv[i];
        else
            return false;
    }
    bool more = d->user || d->name || d->role;
    return d->code ? !(d->deny && more) : !d->deny && !more;
}

static NF_RC decide(struct nf_cli *cli, const struct decision *d, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    const char *const more[][2] = { { "user", d->user }, { "name", d->name }, { "role", d->role } };
    struct nf_json_out o;

    if (d->code[strspn(d->code, NF_CLI_CODE)])
        return nf_err_set(err, NF_E_INVALID, "'%.20s' is no code: one looks like ABCD-2345",
                          d->code);
    NF_TRY(nf_str_addf(&path, err, "/api/v1/pairings/%s", d->code));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "decision", d->deny ? "deny" : "approve");
    for (size_t i = 0; i < NF_COUNT(more); i++)
        if (more[i][1])
            nf_json_put_str(&o, more[i][0], more[i][1]);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    NF_TRY(nf_cli_call(cli, "POST", nf_str_c(&path), nf_str_c(&body), &doc, err));
    if (d->deny)
        (void)puts("Denied: this account is not heard for 30 days.");
    else
        nf_cli_print_user(nf_json_root(doc));
    return NF_OK;
}

static int run_pair(struct nf_cli *cli, int argc, char **argv)
{
    struct decision d = { 0 };
    struct nf_err err;
    if (!read_arguments(argc, argv, &d))
        return nf_cli_misused(&nf_cli_pair);
    enum nf_code rc = d.code ? decide(cli, &d, &err) : list_pairings(cli, &err);
    return rc == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
}

const struct nf_cli_command nf_cli_pair = {
    .name = "pair",
    .usage = "[CODE [--user ID | --name NAME] [--role ROLE] | --deny CODE]",
    .help = "let in who wrote to a bot and got a code",
    .details =
        "Without a code: who asks to be let in. With one, its account becomes a new user's, or "
        "with\n"
        "--user that of somebody who is here already (me: your own). Codes end after an hour. A\n"
        "denied account gets no answer for 30 days; until then its code still lets it in.\n",
    .run = run_pair,
};
