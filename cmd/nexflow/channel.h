/* What the verbs of `nexflow channel` share. */
#pragma once

#include "cmd/common/new_bot.h"
#include "cmd/nexflow/cli.h"

extern const struct nf_cli_verb nf_cli_channel_list, nf_cli_channel_add, nf_cli_channel_remove,
    nf_cli_channel_test;

/* The networks there are bots of. */
struct nf_cli_network {
    const char *name;   /* "telegram": also the key of the configuration and the default name */
    const char *prompt; /* for the token */
    const struct nf_bot_kind *bots;
};
extern const struct nf_cli_network nf_cli_networks[];
extern const size_t nf_cli_networks_n;

/* Replace the configuration by `text`, once that is right and has `bots` bots; then let the running
 * daemon take it over; says both. *running: there is one. NF_E_UNAVAILABLE: it did not take it; the
 * file is written all the same. Suspends. */
NF_RC nf_cli_save_config(struct nf_cli *cli, const char *text, size_t bots, bool *running,
                         struct nf_err *err);
size_t nf_cli_bots(const struct nf_daemon_config *c);

/* The object of a channel in GET /api/v1/channels; NULL: none. Borrowed from *doc. Suspends. */
NF_RC nf_cli_channel_state(struct nf_cli *cli, const char *name, struct nf_json_doc **doc,
                           const struct nf_json **ret, struct nf_err *err);

/* A message there and, from the person, back. Suspends, for at most two minutes. */
NF_RC nf_cli_try_channel(struct nf_cli *cli, const char *name, struct nf_err *err);
