/* A file is taken or refused with a message that names it; what was taken is shown, and what is
 * shown is taken again and shown the same, but for secrets. */
#include "base/own.h"
#include "config/settings.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct model {
    char *name;
    int64_t context;
};
struct provider {
    char *name;
    int type;
    struct nf_secret api_key;
    struct nf_setting_list models;
};
struct settings {
    struct nf_setting_list providers;
    struct nf_setting_strs hosts;
    char *listen;
    int64_t number, timeout, bytes;
    bool open;
};

static const char *const types[] = { "openai", "anthropic", NULL };
static const struct nf_setting model_settings[] = {
    NF_SETTING(struct model, "name", NF_SET_STR, name, .required = true, .min = 1),
    NF_SETTING(struct model, "limits.context", NF_SET_BYTES, context, .def = "8KiB"),
};
static const struct nf_setting_group model_group = { "", model_settings, 2, sizeof(struct model) };
static const struct nf_setting provider_settings[] = {
    NF_SETTING(struct provider, "name", NF_SET_STR, name, .required = true),
    NF_SETTING(struct provider, "type", NF_SET_ENUM, type, .choices = types),
    NF_SETTING(struct provider, "api_key", NF_SET_SECRET, api_key),
    NF_SETTING(struct provider, "models", NF_SET_GROUPS, models, .items = &model_group),
};
static const struct nf_setting_group provider_group = { "", provider_settings, 4,
                                                        sizeof(struct provider) };
static const struct nf_setting settings[] = {
    NF_SETTING(struct settings, "llm.providers", NF_SET_GROUPS, providers,
               .items = &provider_group),
    NF_SETTING(struct settings, "server.hosts", NF_SET_STRS, hosts, .max = 9),
    NF_SETTING(struct settings, "server.listen", NF_SET_STR, listen, .def = "a:1", .min = 3),
    NF_SETTING(struct settings, "server.limits.timeout", NF_SET_MS, timeout, .def = "30s"),
    NF_SETTING(struct settings, "server.limits.bytes", NF_SET_BYTES, bytes, .max = 1 << 30),
    NF_SETTING(struct settings, "number", NF_SET_INT, number),
    NF_SETTING(struct settings, "open", NF_SET_BOOL, open),
};
static const struct nf_setting_group group = { "", settings, NF_COUNT(settings),
                                               sizeof(struct settings) };

static void show(const struct nf_config_part *part, struct nf_str *to)
{
    struct nf_err err;
    to->max = (size_t)64 << 20;
    if (nf_config_show(part, 1, to, &err) != NF_OK)
        abort();
}

/* "(set)" and "(not set)" would both read as a secret that is set: take them out. */
static void hide(struct nf_str *s)
{
    char *at = s->p;
    while (at && (at = strstr(at, "\n")) != NULL) {
        at++;
        char *key = at + strspn(at, " -");
        char *end = strchr(key, '\n');
        if (strncmp(key, "api_key: (", 10) == 0 && end)
            memmove(key + 8, end, strlen(end) + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings one = { 0 }, two = { 0 };
    struct nf_config_part a = { &group, &one }, b = { &group, &two };
    NF_CLEANUP(nf_str_done) struct nf_str shown = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str again = { 0 };
    struct nf_err err;

    if (nf_config_load_text("f.yaml", (const char *)data, size, &a, 1, &err) != NF_OK) {
        if (strncmp(err.msg, "f.yaml:", 7) != 0 || one.listen)
            abort();
        return 0;
    }
    show(&a, &shown);
    hide(&shown);
    shown.len = strlen(nf_str_c(&shown));
    if (nf_config_load_text("g.yaml", nf_str_c(&shown), shown.len, &b, 1, &err) != NF_OK) {
        /* Only its size may be too much: "[a]" becomes a line for every key of a. */
        if (err.code != NF_E_LIMIT)
            abort();
    } else {
        show(&b, &again);
        hide(&again);
        if (strcmp(nf_str_c(&shown), nf_str_c(&again)) != 0)
            abort();
    }
    nf_config_done(&a, 1);
    nf_config_done(&b, 1);
    return 0;
}
