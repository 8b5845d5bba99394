#include "base/own.h"
#include "config/settings.h"
#include "config/value.h"

#include <string.h>

static const char *type_name(enum nf_setting_type type)
{
    static const char *const names[] = {
        [NF_SET_STR] = "text",      [NF_SET_INT] = "integer",        [NF_SET_BOOL] = "true, false",
        [NF_SET_MS] = "duration",   [NF_SET_BYTES] = "size",         [NF_SET_ENUM] = "",
        [NF_SET_SECRET] = "secret", [NF_SET_STRS] = "list of texts", [NF_SET_GROUPS] = "list",
    };
    return names[type];
}

/* As it may stand in a cell of a table. */
static enum nf_code add_cell(struct nf_str *to, const char *text, struct nf_err *err)
{
    for (; *text; text++) {
        if (*text == '|' || *text == '<')
            NF_TRY(nf_str_addf(to, err, "\\%c", *text));
        else
            NF_TRY(nf_str_add(to, *text == '\n' ? " " : text, 1, err));
    }
    return NF_OK;
}

static enum nf_code add_bounds(const struct nf_setting *s, struct nf_str *to, struct nf_err *err)
{
    const char *unit = s->type == NF_SET_STR || s->type == NF_SET_SECRET    ? " bytes"
                       : s->type == NF_SET_STRS || s->type == NF_SET_GROUPS ? " entries"
                                                                            : "";
    struct nf_value_num min = nf_value_bound(s, s->min), max = nf_value_bound(s, s->max);
    bool has_min = nf_value_has_min(s), has_max = nf_value_has_max(s);
    if (has_min && has_max)
        return nf_str_addf(to, err, ", %s to %s%s", min.s, max.s, unit);
    if (has_min)
        return nf_str_addf(to, err, ", at least %s%s", min.s, unit);
    return has_max ? nf_str_addf(to, err, ", at most %s%s", max.s, unit) : NF_OK;
}

static enum nf_code add_value(const struct nf_setting *s, struct nf_str *to, struct nf_err *err)
{
    NF_TRY(nf_str_adds(to, type_name(s->type), err));
    if (s->type == NF_SET_ENUM) {
        for (int i = 0; s->choices[i]; i++)
            NF_TRY(nf_str_addf(to, err, "%s`%s`", i > 0 ? ", " : "", s->choices[i]));
        return NF_OK;
    }
    return s->type == NF_SET_BOOL ? NF_OK : add_bounds(s, to, err);
}

static enum nf_code add_default(const struct nf_setting *s, struct nf_str *to, struct nf_err *err)
{
    if (s->required)
        return nf_str_adds(to, "must be given", err);
    if (s->def && *s->def)
        return nf_str_addf(to, err, "`%s`", s->def);
    switch (s->type) {
    case NF_SET_BOOL:
        return nf_str_adds(to, "`false`", err);
    case NF_SET_ENUM:
        return nf_str_addf(to, err, "`%s`", s->choices[0]);
    case NF_SET_INT:
    case NF_SET_MS:
    case NF_SET_BYTES:
        return nf_str_adds(to, "`0`", err);
    default:
        return nf_str_adds(to, "none", err);
    }
}

/* NOLINTBEGIN(misc-no-recursion): as deep as the tables go */

/* A heading and a table for the group, then the same for the items of its lists. `name` is how its
 * keys are written from the top. */
static enum nf_code add_group(const struct nf_setting_group *g, const char *name, struct nf_str *to,
                              struct nf_err *err)
{
    NF_TRY(nf_str_addf(
        to, err, "\n## %s\n\n| Key | Value | Default | Meaning |\n|---|---|---|---|\n", name));
    for (size_t i = 0; i < g->n; i++) {
        const struct nf_setting *s = &g->v[i];
        NF_TRY(nf_str_addf(to, err, "| `%s` | ", s->key));
        NF_TRY(add_value(s, to, err));
        NF_TRY(nf_str_adds(to, " | ", err));
        NF_TRY(add_default(s, to, err));
        NF_TRY(nf_str_adds(to, " | ", err));
        NF_TRY(add_cell(to, s->help ? s->help : "", err));
        NF_TRY(nf_str_adds(to, s->reloadable ? " Taken over on reload. |\n" : " |\n", err));
    }
    for (size_t i = 0; i < g->n; i++) {
        NF_CLEANUP(nf_str_done) struct nf_str item = { 0 };
        if (g->v[i].type != NF_SET_GROUPS)
            continue;
        NF_TRY(nf_str_addf(&item, err, "%s%s%s[]", name, *name ? "." : "", g->v[i].key));
        NF_TRY(add_group(g->v[i].items, nf_str_c(&item), to, err));
    }
    return NF_OK;
}

/* NOLINTEND(misc-no-recursion) */

enum nf_code nf_config_reference(const struct nf_config_part *parts, size_t n, struct nf_str *ret,
                                 struct nf_err *err)
{
    static const char head[] =
        "# Configuration\n"
        "\n"
        "One YAML file. A key `server.listen` below is the key `listen` under `server:` in the\n"
        "file. Durations are written `500ms`, `30s`, `10m`, `2h` or `7d`, sizes `64KiB`, `10MiB`,\n"
        "`1GiB` or as plain bytes. `${NAME}` in a value stands for a variable of the environment,\n"
        "which must be set; `$${` is a plain `${`. Anchors, tags and further documents are\n"
        "refused, and so is a key that is not listed here. A change needs a restart, except where\n"
        "it is said to be taken over on reload (SIGHUP).\n";
    NF_TRY(nf_str_adds(ret, head, err));
    for (size_t i = 0; i < n; i++)
        NF_TRY(add_group(parts[i].group, parts[i].group->name, ret, err));
    return NF_OK;
}
