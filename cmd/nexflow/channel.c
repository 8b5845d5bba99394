/* nexflow channel: the bots of chat networks. */
#include "cmd/nexflow/channel.h"

#include "cmd/nexflow/up.h"
#include "config/edit.h"

#include <stdio.h>
#include <string.h>

#define TRY_MS 120000
#define POLL_MS 200

/* --- the configuration ------------------------------------------------------------------------ */

size_t nf_cli_bots(const struct nf_daemon_config *c)
{
    return c->channels.telegram.n + c->channels.discord.n;
}

enum nf_code nf_cli_save_config(struct nf_cli *cli, const char *text, size_t bots, bool *running,
                                struct nf_err *err)
{
    const char *path = cli->config_path ? cli->config_path : NF_CONFIG_DEFAULT_PATH;
    struct nf_daemon_config fresh;

    NF_TRY(nf_daemon_config_load_text(path, text, strlen(text), &fresh, err));
    size_t n = nf_cli_bots(&fresh);
    nf_daemon_config_done(&fresh);
    if (n != bots)
        return nf_err_set(err, NF_E_CONFLICT,
                          "'%s' cannot be changed line by line: change channels there by hand",
                          path);
    NF_TRY(nf_up_write_file(path, text, err));
    nf_cli_print(stdout, "Wrote %s, which only you can read.\n", path);
    enum nf_code rc = nf_up_hand_over(cli, err);
    *running = rc != NF_E_NOT_FOUND;
    if (rc == NF_E_NOT_FOUND)
        nf_cli_print(stdout, "%s.\n", err->msg);
    return rc == NF_E_NOT_FOUND ? NF_OK : rc;
}

/* --- list ------------------------------------------------------------------------------------- */

static void print_channel(const struct nf_json *c)
{
    bool deaf = nf_json_bool(nf_json_get(c, "deaf"), false);
    const char *event = nf_cli_text(c, "event_at");
    nf_cli_print(stdout, "%-16s %-10s %-10s %-24s %s\n", nf_cli_text(c, "name"),
                 nf_cli_text(c, "network"), deaf ? "DEAF" : nf_cli_text(c, "state"),
                 event[0] ? event : "nothing yet", nf_cli_text(c, "bot_name"));
    if (nf_cli_text(c, "link")[0]) /* where people find it, or invite it */
        nf_cli_print(stdout, "  %s\n", nf_cli_text(c, "link"));
    if (nf_cli_text(c, "problem")[0])
        nf_cli_print(stdout, "  %s\n", nf_cli_text(c, "problem"));
    if (nf_cli_text(c, "todo")[0])
        nf_cli_print(stdout, "  -> %s\n", nf_cli_text(c, "todo"));
}

static int run_list(struct nf_cli *cli, int argc, char **argv)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct nf_err err;
    (void)argv;
    if (argc != 1)
        return nf_cli_verb_misused(&nf_cli_channel, &nf_cli_channel_list);
    if (nf_cli_call(cli, "GET", "/api/v1/channels", NULL, &doc, &err) != NF_OK)
        return nf_cli_fail(&err);
    const struct nf_json *c = nf_json_first(nf_json_get(nf_json_root(doc), "channels"));
    if (!c)
        (void)puts("There are no bots: add one with `nexflow channel add telegram` or discord.");
    else
        (void)printf("%-16s %-10s %-10s %-24s %s\n", "NAME", "NETWORK", "STATE", "LAST EVENT",
                     "BOT");
    for (; c; c = nf_json_next(c))
        print_channel(c);
    return NF_CLI_OK;
}

const struct nf_cli_verb nf_cli_channel_list = {
    .name = "list",
    .usage = "",
    .help = "the bots and how they are",
    .details = "",
    .run = run_list,
};

/* --- test ------------------------------------------------------------------------------------- */

enum nf_code nf_cli_channel_state(struct nf_cli *cli, const char *name, struct nf_json_doc **doc,
                                  const struct nf_json **ret, struct nf_err *err)
{
    NF_TRY(nf_cli_call(cli, "GET", "/api/v1/channels", NULL, doc, err));
    const struct nf_json *c = nf_json_first(nf_json_get(nf_json_root(*doc), "channels"));
    while (c && strcmp(nf_cli_text(c, "name"), name) != 0)
        c = nf_json_next(c);
    *ret = c;
    return NF_OK;
}

/* When the newest event came, as text; "" for none. */
static NF_RC last_event(struct nf_cli *cli, const char *name, char ret[32], struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    const struct nf_json *c;
    NF_TRY(nf_cli_channel_state(cli, name, &doc, &c, err));
    if (!c)
        return nf_err_set(err, NF_E_NOT_FOUND, "there is no channel '%s': see nexflow channel list",
                          name);
    (void)snprintf(ret, 32, "%s", nf_cli_text(c, "event_at"));
    return NF_OK;
}

enum nf_code nf_cli_try_channel(struct nf_cli *cli, const char *name, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *sent = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    char before[32], now[32];

    NF_TRY(last_event(cli, name, before, err));
    NF_TRY(nf_str_addf(&path, err, "/api/v1/channels/%s/test", name));
    NF_TRY(nf_cli_call(cli, "POST", nf_str_c(&path), "{}", &sent, err));
    (void)puts("The bot has written to you there. Answer it with any word.");
    (void)fflush(stdout);
    for (int64_t waited = 0; waited < TRY_MS; waited += POLL_MS) {
        NF_TRY(nf_sleep(POLL_MS, err));
        NF_TRY(last_event(cli, name, now, err));
        if (strcmp(before, now) == 0)
            continue;
        nf_cli_print(stdout, "Your answer has come. %s works both ways.\n", name);
        return NF_OK;
    }
    return nf_err_set(err, NF_E_TIMEOUT,
                      "no answer came within %d s: `nexflow channel test %s` tries again",
                      TRY_MS / 1000, name);
}

/* Names as the configuration allows them: nothing else belongs into a path. */
static bool is_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return n > 0 && n <= NF_CHANNEL_MAX && !name[n];
}

static int run_test(struct nf_cli *cli, int argc, char **argv)
{
    struct nf_err err;
    if (argc != 2 || !is_name(argv[1]))
        return nf_cli_verb_misused(&nf_cli_channel, &nf_cli_channel_test);
    return nf_cli_try_channel(cli, argv[1], &err) == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
}

const struct nf_cli_verb nf_cli_channel_test = {
    .name = "test",
    .usage = "NAME",
    .help = "a message there and back",
    .details =
        "The bot writes to your own account, which `nexflow user invite` links, and waits two\n"
        "minutes for an answer.\n",
    .run = run_test,
};

/* --- remove ----------------------------------------------------------------------------------- */

static NF_RC remove_bot(struct nf_cli *cli, const char *name, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str changed = { 0 };
    const char *path = cli->config_path ? cli->config_path : NF_CONFIG_DEFAULT_PATH;
    struct nf_bot_place at = { 0 };
    bool running;

    NF_TRY(nf_cli_config_needed(cli, err));
    NF_TRY(nf_up_read_file(path, &text, err)); /* which the page may have changed since */
    enum nf_code rc = nf_bot_locate(path, nf_str_c(&text), name, &at, err);
    if (rc == NF_E_NOT_FOUND)
        return nf_err_set(err, rc, "'%s' has no bot '%.20s'", path, name);
    NF_TRY(rc);
    NF_TRY(nf_config_drop_item(path, nf_str_c(&text), "channels", at.network->name, at.index,
                               &changed, err));
    return nf_cli_save_config(cli, nf_str_c(&changed), nf_cli_bots(&cli->config) - 1, &running,
                              err);
}

static int run_remove(struct nf_cli *cli, int argc, char **argv)
{
    struct nf_err err;
    if (argc != 2)
        return nf_cli_verb_misused(&nf_cli_channel, &nf_cli_channel_remove);
    return remove_bot(cli, argv[1], &err) == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
}

const struct nf_cli_verb nf_cli_channel_remove = {
    .name = "remove",
    .usage = "NAME",
    .help = "take a bot out of the configuration",
    .details =
        "Conversations and people stay. Whoever has the token can still use the bot: revoke it\n"
        "where it came from if it may have leaked.\n",
    .run = run_remove,
};

static int run_channel(struct nf_cli *cli, int argc, char **argv)
{
    return nf_cli_run_verb(&nf_cli_channel, cli, argc, argv);
}

static const struct nf_cli_verb *const verbs[] = { &nf_cli_channel_list, &nf_cli_channel_add,
                                                   &nf_cli_channel_remove, &nf_cli_channel_test };

const struct nf_cli_command nf_cli_channel = {
    .name = "channel",
    .usage = "list | add NETWORK | remove NAME | test NAME",
    .help = "bots of Telegram and Discord",
    .details = "People write to these bots. The bots are in the configuration, under channels.\n",
    .run = run_channel,
    .verbs = verbs,
    .verbs_n = NF_COUNT(verbs),
};
