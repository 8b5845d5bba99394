/* The commands as Discord shows them ("Bulk Overwrite Global Application Commands"): written when
 * they are other than what was written last. */
#include "application/commands.h"
#include "base/own.h"
#include "channels/discord/discord_internal.h"
#include "codec/hash.h"
#include "observe/log.h"

#include <stdio.h>
#include <string.h>

#define ARG_MAX 6000 /* "Application Command Option Structure": max_length */

/* "Application Command Option Type", "Interaction Context Types", "Application Integration Types"
 */
enum { OPTION_STRING = 3, CONTEXT_GUILD = 0, CONTEXT_BOT_DM = 1, GUILD_INSTALL = 0 };

static void out_russian(struct nf_json_out *o, const char *text)
{
    nf_json_out_key(o, "description_localizations");
    nf_json_out_object(o);
    nf_json_put_str(o, "ru", text);
    nf_json_out_end(o);
}

static void out_option(struct nf_json_out *o, enum nf_command c)
{
    nf_json_out_key(o, "options");
    nf_json_out_array(o);
    nf_json_out_object(o);
    nf_json_put_i64(o, "type", OPTION_STRING);
    nf_json_put_str(o, "name", nf_command_info(c)->arg);
    nf_json_put_str(o, "description", nf_command_arg_description(c, NF_LANG_EN));
    out_russian(o, nf_command_arg_description(c, NF_LANG_RU));
    nf_json_put_bool(o, "required", false);
    nf_json_put_i64(o, "max_length", ARG_MAX);
    nf_json_out_end(o);
    nf_json_out_end(o);
}

static void out_command(struct nf_json_out *o, enum nf_command c)
{
    nf_json_out_object(o);
    nf_json_put_i64(o, "type", 1);
    nf_json_put_str(o, "name", nf_command_info(c)->name);
    nf_json_put_str(o, "description", nf_command_description(c, NF_LANG_EN));
    out_russian(o, nf_command_description(c, NF_LANG_RU));
    if (nf_command_info(c)->arg)
        out_option(o, c);
    nf_json_out_key(o, "default_member_permissions");
    nf_json_out_null(o);
    nf_json_out_key(o, "integration_types");
    nf_json_out_array(o);
    nf_json_out_i64(o, GUILD_INSTALL);
    nf_json_out_end(o);
    nf_json_out_key(o, "contexts");
    nf_json_out_array(o);
    nf_json_out_i64(o, CONTEXT_GUILD);
    nf_json_out_i64(o, CONTEXT_BOT_DM);
    nf_json_out_end(o);
    nf_json_out_end(o);
}

/* Those that are in menus everywhere: not /start, with which only chats of Telegram begin. */
static NF_RC write_menu(struct nf_str *to, struct nf_err *err)
{
    struct nf_json_out o;
    nf_json_begin_doc(&o, to);
    nf_json_out_array(&o);
    for (enum nf_command c = NF_COMMAND_START; c < NF_COMMAND_COUNT; c++)
        if (nf_command_info(c)->menu)
            out_command(&o, c);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

NF_RC nf_discord_put_menu(struct nf_discord *d, struct nf_err *err)
{
    NF_CLEANUP(nf_rest_answer_done) struct nf_rest_answer a = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    char source[NF_CURSOR_SOURCE_MAX + 1], path[NF_DISCORD_PATH_MAX];
    char hash[NF_SHA256_HEX + 1], known[NF_CURSOR_MAX + 1] = "";

    NF_TRY(write_menu(&text, err));
    nf_sha256_hex(nf_str_c(&text), text.len, hash);
    (void)snprintf(source, sizeof(source), "%.100s/menu", d->source);
    NF_TRY(nf_chat_cursor(d->channel, source, known, err));
    if (strcmp(known, hash) == 0)
        return NF_OK;
    (void)snprintf(path, sizeof(path), "/applications/%s/commands", d->self.app);
    const struct nf_rest_call c = { .route = NF_REST_COMMANDS_PUT,
                                    .major = "",
                                    .path = path,
                                    .body = nf_str_c(&text),
                                    .body_n = text.len,
                                    .again = true };
    NF_TRY(nf_rest_do(d->rest, &c, &a, err));
    nf_log_info("discord.menu.written", "channel", d->chat.name, NULL);
    return nf_chat_skip(d->channel, source, hash, err);
}
