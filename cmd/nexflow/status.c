/* nexflow status: instances, queues, and how the database and the bus are. */
#include "cmd/nexflow/cli.h"

#include <stdio.h>
#include <string.h>

static const char *text(const struct nf_json *v, const char *key)
{
    const char *s = nf_json_str(nf_json_get(v, key));
    return s ? s : "";
}

static long long number(const struct nf_json *v, const char *key)
{
    return (long long)nf_json_i64(nf_json_get(v, key), 0);
}

static void print_instances(const struct nf_json *root)
{
    const struct nf_json *i = nf_json_first(nf_json_get(root, "instances"));
    if (i)
        nf_cli_print(stdout, "%-3s %-6s %-22s %-14s %-25s %s\n", "NO", "STATE", "ADDRESS",
                     "VERSION", "STARTED", "LEASE UNTIL");
    for (; i; i = nf_json_next(i))
        nf_cli_print(stdout, "%-3lld %-6s %-22s %-14s %-25s %s%s\n", number(i, "number"),
                     text(i, "state"), text(i, "address"), text(i, "version"),
                     text(i, "started_at"), text(i, "lease_until"),
                     number(i, "number") == number(root, "instance") ? "  (this one)" : "");
}

static void print_status(const struct nf_json *root)
{
    const struct nf_json *q = nf_json_get(root, "queues"), *d = nf_json_get(root, "database");
    const struct nf_json *b = nf_json_get(root, "bus"), *r = nf_json_get(root, "redis");
    const struct nf_json *k = nf_json_get(root, "backup");
    print_instances(root);
    const struct nf_json *why = nf_json_first(nf_json_get(root, "not_ready"));
    for (; why; why = nf_json_next(why))
        nf_cli_print(stdout, "NOT READY %s\n", nf_json_str(why) ? nf_json_str(why) : "");
    (void)printf("turns     %lld running here, %lld waiting\n", number(q, "turns_running"),
                 number(q, "turns_waiting"));
    (void)printf("outbox    %lld to be delivered\n", number(q, "outbox"));
    nf_cli_print(stdout,
                 "database  %s: %lld transactions, %lld waiting, %lld tried again, %lld "
                 "reconnections\n",
                 text(d, "kind"), number(d, "transactions"), number(d, "waiting"),
                 number(d, "retries"), number(d, "reconnects"));
    if (strcmp(text(d, "kind"), "sqlite") == 0)
        nf_cli_print(stdout, "backup    %s %s\n", *text(k, "at") ? text(k, "at") : "none yet:",
                     *text(k, "file") ? text(k, "file") : "nexflow backup create");
    if (b)
        nf_cli_print(stdout, "bus       %s, %s: %lld lines sent, %lld heard, %lld dropped\n",
                     text(b, "kind"),
                     nf_json_bool(nf_json_get(b, "connected"), false) ? "connected" : "LOST",
                     number(b, "sent"), number(b, "heard"), number(b, "dropped"));
    if (r)
        nf_cli_print(stdout, "redis     %s: %lld calls, %lld done without it, %lld reconnections\n",
                     nf_json_bool(nf_json_get(r, "connected"), false) ? "connected" : "LOST",
                     number(r, "calls"), number(r, "failures"), number(r, "reconnects"));
}

static int run_status(struct nf_cli *cli, int argc, char **argv)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct nf_err err;
    (void)argv;
    if (argc != 1)
        return nf_cli_misused(&nf_cli_status);
    if (nf_cli_call(cli, "GET", "/api/v1/status", NULL, &doc, &err) != NF_OK)
        return nf_cli_fail(&err);
    print_status(nf_json_root(doc));
    return NF_CLI_OK;
}

const struct nf_cli_command nf_cli_status = {
    .name = "status",
    .usage = "",
    .help = "show instances, leases and queues",
    .details =
        "Of several instances on one PostgreSQL it shows all; \"late\" is one whose lease is\n"
        "over and whose work is about to be taken over.\n",
    .run = run_status,
};
