/* nexflow link, nexflow user: who gets in. */
#include "cmd/nexflow/people.h"

#include "codec/qr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SSH_PORT "22"
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

/* Whoever came here by ssh sits elsewhere, where a link to this machine alone leads nowhere. */
static void print_tunnel(FILE *to, const char *here)
{
    const char *came = getenv("SSH_CONNECTION"), *user = getenv("USER");
    char server[64], at[8], option[16] = "";
    /* "client port server port": ssh(1), ENVIRONMENT */
    if (!came || sscanf(came, "%*63s %*15s %63s %7s", server, at) != 2 ||
        server[strspn(server, "0123456789abcdefABCDEF.:")] != '\0' ||
        at[strspn(at, "0123456789")] != '\0')
        return;
    if (strcmp(at, SSH_PORT) != 0)
        (void)snprintf(option, sizeof(option), "-p %s ", at);
    bool named = user && user[0] && user[strspn(user, NAME_CHARS)] == '\0';
    size_t n = strcspn(here, "/");
    const char *port = here + n;
    while (port > here && port[-1] != ':')
        port--;
    nf_cli_print(to,
                 "From the machine that you sit at, run this first, and leave it running:\n\n"
                 "  ssh %s-L %.*s:%.*s %s%s%s\n\n",
                 option, (int)(here + n - port), port, (int)n, here, named ? user : "",
                 named ? "@" : "", server);
}

void nf_cli_print_ways(FILE *to, const char *url)
{
    NF_CLEANUP(nf_str_done) struct nf_str picture = { 0 };
    static const char *const local[] = { "http://127.0.0.1:", "http://localhost:",
                                         "http://[::1]:" };
    struct nf_err ignored;
    for (size_t i = 0; i < NF_COUNT(local); i++) {
        if (strncmp(url, local[i], strlen(local[i])) == 0) {
            print_tunnel(to, url + strlen("http://"));
            return;
        }
    }
    if (isatty(fileno(to)) && nf_qr_lines(url, false, &picture, &ignored) == NF_OK)
        (void)fputs(nf_str_c(&picture), to);
}

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
    const char *url = nf_cli_text(nf_json_root(doc), "url");
    bool unwritten = puts(url) < 0 || fflush(stdout) != 0;
    if (isatty(STDERR_FILENO)) /* what reads the link gets that alone */
        nf_cli_print_ways(stderr, url);
    return unwritten;
}

const struct nf_cli_command nf_cli_link = {
    .name = "link",
    .usage = "[USER-ID]",
    .help = "print a one-time link that signs a browser in",
    .details =
        "The link works once, within 10 minutes. Without USER-ID it is the owner's. On a\n"
        "terminal it says how to reach it by ssh, or, with server.public_url, shows a QR code.\n",
    .run = run_link,
};

void nf_cli_print_user(const struct nf_json *u)
{
    nf_cli_print(stdout, "%-14s %-6s %-8s %s\n", nf_cli_text(u, "id"), nf_cli_text(u, "role"),
                 nf_cli_text(u, "status"), nf_cli_text(u, "name"));
}

static NF_RC list_users(struct nf_cli *cli, struct nf_err *err)
{
    static const struct nf_cli_rows rows = {
        .path = "/api/v1/users",
        .key = "users",
        .head = "ID             ROLE   STATUS   NAME",
        .none = "There are no users.",
        .print = nf_cli_print_user,
    };
    return nf_cli_list(cli, &rows, err);
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
    nf_cli_print_user(nf_json_root(doc));
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

/* --- accounts in chat networks ---------------------------------------------------------------- */

static void print_identities(const struct nf_json *list)
{
    (void)printf("%-16s %s\n", "NETWORK", "ACCOUNT");
    for (const struct nf_json *i = nf_json_first(list); i; i = nf_json_next(i))
        nf_cli_print(stdout, "%-16s %s\n", nf_cli_text(i, "network"), nf_cli_text(i, "account"));
}

static NF_RC accounts(struct nf_cli *cli, const char *method, const char *path, const char *body,
                      struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_TRY(nf_cli_call(cli, method, path, body, &doc, err));
    print_identities(nf_json_get(nf_json_root(doc), "identities"));
    return NF_OK;
}

/* What may stand in a path as it is: ids of networks are digits, most of them. */
static NF_RC check_account(const char *account, struct nf_err *err)
{
    static const char plain[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.:@+-";
    size_t n = strspn(account, plain);
    if (n == 0 || account[n] || strcmp(account, ".") == 0 || strcmp(account, "..") == 0)
        return nf_err_set(err, NF_E_INVALID, "'%.40s' is no network and no account", account);
    return NF_OK;
}

static NF_RC link_account(struct nf_cli *cli, const char *id, const char *network,
                          const char *account, bool unlink, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_json_out o;
    NF_TRY(nf_cli_check_word(id, err));
    NF_TRY(check_account(network, err));
    NF_TRY(check_account(account, err));
    NF_TRY(nf_str_addf(&path, err, "/api/v1/users/%s/identities", id));
    if (unlink) {
        NF_TRY(nf_str_addf(&path, err, "/%s/%s", network, account));
        return accounts(cli, "DELETE", nf_str_c(&path), NULL, err);
    }
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "network", network);
    nf_json_put_str(&o, "account", account);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return accounts(cli, "POST", nf_str_c(&path), nf_str_c(&body), err);
}

static NF_RC list_accounts(struct nf_cli *cli, const char *id, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_TRY(nf_cli_check_word(id, err));
    NF_TRY(nf_str_addf(&path, err, "/api/v1/users/%s/identities", id));
    return accounts(cli, "GET", nf_str_c(&path), NULL, err);
}

static NF_RC print_way(const struct nf_json *way, const char *code, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str picture = { 0 };
    const char *url = nf_json_str(nf_json_get(way, "url"));
    bool brings = nf_json_bool(nf_json_get(way, "brings_code"), false);

    nf_cli_print(stdout, "\n%s %s:\n", nf_cli_text(way, "channel"), nf_cli_text(way, "bot_name"));
    if (url && isatty(STDOUT_FILENO))
        NF_TRY(nf_qr_lines(url, false, &picture, err));
    (void)fputs(nf_str_c(&picture), stdout);
    if (url)
        nf_cli_print(stdout, "  %s\n", url);
    if (brings)
        (void)puts("  Open it on the phone and press Start.");
    else
        (void)printf("  Write to the bot in a private chat: %s\n", code);
    return NF_OK;
}

enum nf_code nf_cli_invite(struct nf_cli *cli, const char *user, const char *channel,
                           struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    size_t n = 0;
    NF_TRY(nf_cli_check_word(user, err));
    NF_TRY(nf_str_addf(&path, err, "/api/v1/users/%s/invites", user));
    NF_TRY(nf_cli_call(cli, "POST", nf_str_c(&path), "{}", &doc, err));
    const struct nf_json *ways = nf_json_get(nf_json_root(doc), "ways");
    for (const struct nf_json *w = nf_json_first(ways); w; w = nf_json_next(w)) {
        if (channel && strcmp(channel, nf_cli_text(w, "channel")) != 0)
            continue;
        NF_TRY(print_way(w, nf_cli_text(nf_json_root(doc), "code"), err));
        n++;
    }
    if (n == 0)
        return nf_err_set(err, NF_E_NOT_FOUND,
                          "there is no bot to write to: add one with `nexflow channel add`");
    return NF_OK;
}

/* The verbs about accounts; false: it is none. */
static bool run_account(struct nf_cli *cli, int argc, char **argv, enum nf_code *rc,
                        struct nf_err *err)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (argc == 3 && strcmp(verb, "accounts") == 0)
        *rc = list_accounts(cli, argv[2], err);
    else if ((argc == 2 || argc == 3) && strcmp(verb, "invite") == 0)
        *rc = nf_cli_invite(cli, argc == 3 ? argv[2] : "me", NULL, err);
    else if (argc == 5 && (strcmp(verb, "link") == 0 || strcmp(verb, "unlink") == 0))
        *rc = link_account(cli, argv[2], argv[3], argv[4], strcmp(verb, "unlink") == 0, err);
    else
        return false;
    return true;
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
    } else if (!run_account(cli, argc, argv, &rc, &err)) {
        return nf_cli_misused(&nf_cli_user);
    }
    return rc == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
}

const struct nf_cli_command nf_cli_user = {
    .name = "user",
    .usage = "list | add NAME [ROLE] | role ID ROLE | block ID | unblock ID | invite [ID] | "
             "accounts ID | link ID NETWORK ACCOUNT | unlink ID NETWORK ACCOUNT",
    .help = "list, add, block people, and their accounts",
    .details =
        "Roles are owner, admin and user. A new user gets in by `nexflow link ID` with a browser, "
        "or\n"
        "by `nexflow user invite ID` with an account of a chat network: it prints a link and a "
        "code,\n"
        "valid once and for an hour. Blocking closes what the user has open, and bots answer them "
        "no\n"
        "more. An account that is linked may have been another user's; one that is unlinked is\n"
        "unknown. ID is as in `nexflow user list`; me is yourself.\n",
    .run = run_user,
};
