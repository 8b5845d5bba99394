/* nexflow channel add: from a token to a message there and back. */
#include "cmd/nexflow/channel.h"
#include "cmd/nexflow/people.h"
#include "cmd/nexflow/up.h"
#include "config/edit.h"

#include <stdio.h>
#include <string.h>

#define CONNECT_MS 60000
#define LINK_MS (INT64_C(15) * 60 * 1000)
#define POLL_MS 200

const struct nf_cli_network nf_cli_networks[] = {
    { .name = "telegram",
      .prompt = "Make a bot: open https://t.me/BotFather, send /newbot, and copy the token.\n"
                "Paste the token: ",
      .bots = &nf_telegram_bots },
    { .name = "discord",
      .prompt = "Make a bot: open https://discord.com/developers/applications, New Application, "
                "page Bot, Reset Token.\nPaste the token: ",
      .bots = &nf_discord_bots },
};
const size_t nf_cli_networks_n = NF_COUNT(nf_cli_networks);

/* --- the steps -------------------------------------------------------------------------------- */

struct add {
    struct nf_cli *cli;
    const struct nf_cli_network *network;
    const char *name, *base;
    bool no_wait;
    struct nf_secret token;
};

static void add_done(struct add *a)
{
    nf_secret_done(&a->token);
}

static NF_RC check_name(const struct add *a, struct nf_err *err)
{
    return nf_err_wrap(err, nf_bot_check_name(&a->cli->config, a->name, err), "--name");
}

static NF_RC read_token(struct add *a, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str line = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str bot = { 0 };
    NF_TRY(nf_cli_read_secret(a->cli, a->network->prompt, &line, err));
    struct nf_slice text = nf_slice_trim(nf_slice_of(nf_str_c(&line)));
    char *token = line.len > 0 ? line.p + (text.p - line.p) : NULL;
    if (token)
        token[text.n] = '\0';
    NF_TRY(nf_secret_set(&a->token, token ? token : "", err));
    const struct nf_new_bot new = {
        .network = a->network->bots, .name = a->name, .base = a->base, .token = &a->token
    };
    NF_TRY(nf_err_wrap(err, nf_bot_ask(&new, a->cli->http, &bot, err), "this"));
    nf_cli_print(stdout, "The token is right: it is %s.\n", nf_str_c(&bot));
    return NF_OK;
}

static NF_RC save(const struct add *a, bool *running, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str changed = { 0 };
    const char *path = a->cli->config_path ? a->cli->config_path : NF_CONFIG_DEFAULT_PATH;
    const struct nf_new_bot bot = {
        .network = a->network->bots, .name = a->name, .base = a->base, .token = &a->token
    };

    NF_TRY(nf_up_read_file(path, &text, err));
    NF_TRY(nf_bot_put(&bot, path, nf_str_c(&text), &changed, err));
    return nf_cli_save_config(a->cli, nf_str_c(&changed), nf_cli_bots(&a->cli->config) + 1, running,
                              err);
}

static NF_RC wait_connected(const struct add *a, struct nf_err *err)
{
    (void)puts("Waiting until it is connected.");
    (void)fflush(stdout);
    for (int64_t waited = 0; waited < CONNECT_MS; waited += POLL_MS) {
        NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
        const struct nf_json *c;
        NF_TRY(nf_cli_channel_state(a->cli, a->name, &doc, &c, err));
        const char *state = nf_json_str(nf_json_get(c, "state"));
        const char *problem = nf_json_str(nf_json_get(c, "problem"));
        const char *todo = nf_json_str(nf_json_get(c, "todo"));
        if (state && strcmp(state, "connected") == 0)
            return NF_OK;
        if (state && strcmp(state, "refused") == 0)
            return nf_err_set(err, NF_E_DENIED, "%s: %s", problem ? problem : "it is refused",
                              todo ? todo : "");
        NF_TRY(nf_sleep(POLL_MS, err));
    }
    return nf_err_set(err, NF_E_TIMEOUT,
                      "it is not connected after %d s: `nexflow channel list` says why",
                      CONNECT_MS / 1000);
}

/* Whether the owner has an account of the network. */
static NF_RC is_linked(const struct add *a, bool *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_TRY(nf_cli_call(a->cli, "GET", "/api/v1/users/me/identities", NULL, &doc, err));
    const struct nf_json *i = nf_json_first(nf_json_get(nf_json_root(doc), "identities"));
    *ret = false;
    for (; i && !*ret; i = nf_json_next(i)) {
        const char *network = nf_json_str(nf_json_get(i, "network"));
        *ret = network && strcmp(network, a->network->name) == 0;
    }
    return NF_OK;
}

static NF_RC link_owner(const struct add *a, struct nf_err *err)
{
    bool linked = false;
    NF_TRY(is_linked(a, &linked, err));
    if (linked)
        return NF_OK;
    NF_TRY(nf_cli_invite(a->cli, "me", a->name, err));
    (void)puts("Waiting until you have done that. Ctrl-C ends this; the bot stays.");
    (void)fflush(stdout);
    for (int64_t waited = 0; waited < LINK_MS && !linked; waited += POLL_MS) {
        NF_TRY(nf_sleep(POLL_MS, err));
        NF_TRY(is_linked(a, &linked, err));
    }
    if (!linked)
        return nf_err_set(err, NF_E_TIMEOUT,
                          "nobody opened the link: `nexflow user invite` prints another, and "
                          "`nexflow channel test %s` goes on",
                          a->name);
    (void)puts("Your account is linked.");
    return NF_OK;
}

static NF_RC add_bot(struct add *a, struct nf_err *err)
{
    bool running = false;
    NF_TRY(nf_cli_config_needed(a->cli, err));
    NF_TRY(check_name(a, err));
    NF_TRY(read_token(a, err));
    NF_TRY(save(a, &running, err));
    if (a->no_wait)
        return NF_OK;
    if (!running)
        return nf_err_set(err, NF_E_UNAVAILABLE,
                          "whether a message goes there and back is not tried: once the daemon "
                          "runs, `nexflow user invite` links your account, and `nexflow channel "
                          "test %s` tries",
                          a->name);
    NF_TRY(wait_connected(a, err));
    NF_TRY(link_owner(a, err));
    return nf_cli_try_channel(a->cli, a->name, err);
}

/* False: wrong use. */
static bool read_arguments(struct add *a, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--no-wait") == 0) {
            a->no_wait = true;
        } else if (strcmp(argv[i], "--name") == 0 && i + 1 < argc) {
            a->name = argv[++i];
        } else if (strcmp(argv[i], "--api-base") == 0 && i + 1 < argc) {
            a->base = argv[++i];
        } else if (!a->network) {
            for (size_t k = 0; k < nf_cli_networks_n; k++)
                if (strcmp(argv[i], nf_cli_networks[k].name) == 0)
                    a->network = &nf_cli_networks[k];
            if (!a->network)
                return false;
        } else {
            return false;
        }
    }
    if (a->network && !a->name)
        a->name = a->network->name;
    return a->network != NULL;
}

static int run_add(struct nf_cli *cli, int argc, char **argv)
{
    NF_CLEANUP(add_done) struct add a = { .cli = cli };
    struct nf_err err;
    if (!read_arguments(&a, argc, argv))
        return nf_cli_verb_misused(&nf_cli_channel, &nf_cli_channel_add);
    return add_bot(&a, &err) == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
}

const struct nf_cli_verb nf_cli_channel_add = {
    .name = "add",
    .usage = "telegram|discord [--name NAME] [--api-base URL] [--no-wait]",
    .help = "a new bot, from its token to a message there and back",
    .details = "Asks for the bot's token and checks it, writes it into the configuration, lets the "
               "running\n"
               "daemon take it over, shows the link that makes your account yours here, and tries "
               "the way\n"
               "there and back. Everything else in the file stays as it is. --no-wait ends once "
               "the file is\n"
               "written and taken over. --api-base is for a Bot API server of your own.\n",
    .run = run_add,
};
