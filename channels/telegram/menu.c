/* The commands in the bot's menu ("setMyCommands"), in each language that we speak. */
#include "application/commands.h"
#include "base/own.h"
#include "channels/telegram/telegram_internal.h"
#include "observe/log.h"

static void put_commands(struct nf_json_out *o, enum nf_lang lang)
{
    nf_json_out_key(o, "commands");
    nf_json_out_array(o);
    for (enum nf_command c = NF_COMMAND_NONE + 1; c < NF_COMMAND_COUNT; c++) {
        const struct nf_command_info *info = nf_command_info(c);
        if (!info->menu && c != NF_COMMAND_START) /* with it every private chat begins */
            continue;
        nf_json_out_object(o);
        nf_json_put_str(o, "command", info->name);
        nf_json_put_str(o, "description", nf_command_description(c, lang));
        nf_json_out_end(o);
    }
    nf_json_out_end(o);
}

/* `code`: two letters; NULL: for all other languages. */
static NF_RC put_menu(struct nf_telegram *t, enum nf_lang lang, const char *code,
                      struct nf_err *err)
{
    NF_CLEANUP(nf_telegram_answer_done) struct nf_telegram_answer a = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_json_out o;

    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    put_commands(&o, lang);
    nf_json_put_str(&o, "language_code", code);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    const struct nf_telegram_call c = { .method = "setMyCommands",
                                        .body = nf_str_c(&body),
                                        .body_n = body.len };
    return nf_telegram_call(t->api, &c, &a, err);
}

enum nf_code nf_telegram_put_menu(struct nf_telegram *t, struct nf_err *err)
{
    struct nf_err why;
    enum nf_code rc = put_menu(t, NF_LANG_EN, NULL, &why);

    if (rc == NF_OK)
        rc = put_menu(t, NF_LANG_RU, "ru", &why);
    if (rc == NF_E_CANCELED)
        return nf_err_set(err, rc, "%s", why.msg);
    if (rc != NF_OK)
        nf_log_warn("telegram.menu.failed", "channel", t->chat.name, "err", why.msg, NULL);
    t->menu = t->menu || rc == NF_OK;
    return NF_OK;
}
