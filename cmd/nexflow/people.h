/* What the commands about people share. */
#pragma once

#include "cmd/nexflow/cli.h"

#include <stdio.h>

/* Characters that people type for a code. */
#define NF_CLI_CODE "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjklmnpqrstuvwxyz-"

/* ID ROLE STATUS NAME. */
void nf_cli_print_user(const struct nf_json *u);

/* An invitation as a person needs it: per bot its link and, on a terminal, a QR code; the code
 * where no link brings it. `channel` NULL: all bots. Suspends. */
NF_RC nf_cli_invite(struct nf_cli *cli, const char *user, const char *channel, struct nf_err *err);

/* How to come to a link of the page from elsewhere, if there is something to say: to one that leads
 * to this machine alone a tunnel, for who came by ssh; of another a QR code, on a terminal. */
void nf_cli_print_ways(FILE *to, const char *url);
