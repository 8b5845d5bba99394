#include "application/present_pairing.h"

#include "application/manage_sessions.h"
#include "application/quote.h"
#include "application/tell_owners.h"
#include "application/words.h"
#include "base/own.h"
#include "base/utf8.h"

#include <string.h>

#define SOURCE "pairing-news"
#define WITH_BUTTONS 2 /* accounts: two buttons each make a row */
/* "p1:" for the version of what follows: "a" allow or "d" deny, the code, the first request. */
#define ALLOW "p1:a:"
#define DENY "p1:d:"
#define PREFIX (sizeof(ALLOW) - 1)

/* What one message has. */
struct news {
    struct nf_str text;
    struct nf_chat_button buttons[2 * WITH_BUTTONS];
    size_t buttons_n;
};

static void news_done(struct news *n)
{
    nf_str_done(&n->text);
}

bool nf_pairing_button_read(const char *data, bool *allow, char code[NF_PAIRING_CODE + 1],
                            int64_t *first)
{
    char read[NF_PAIRING_CODE + 1], typed[NF_PAIRING_CODE + 1] = "";
    bool yes = strncmp(data, ALLOW, PREFIX) == 0;
    if ((!yes && strncmp(data, DENY, PREFIX) != 0) || strlen(data) <= PREFIX + NF_PAIRING_CODE ||
        data[PREFIX + NF_PAIRING_CODE] != ':')
        return false;
    const char *id = data + PREFIX + NF_PAIRING_CODE + 1;
    memcpy(typed, data + PREFIX, NF_PAIRING_CODE);
    if (!nf_code_read(typed, NF_PAIRING_CODE, read) || !nf_id_from_text(id, strlen(id), first))
        return false;
    memcpy(code, read, sizeof(read));
    *allow = yes;
    return true;
}

/* --- words ------------------------------------------------------------------------------------ */

static NF_RC add_line(struct nf_str *to, const struct nf_pairing *p, struct nf_err *err)
{
    NF_TRY(nf_str_addf(to, err, "\n- `%s` ", nf_code_show(p->code).s));
    NF_TRY(nf_quote_plain(to, p->name, err));
    return nf_str_addf(to, err, " (%s `%s`)", p->network, p->account);
}

static void add_button(struct news *n, enum nf_button_look look, const char *label,
                       const char *prefix, const struct nf_pairing *p, int64_t first)
{
    struct nf_chat_button *b = &n->buttons[n->buttons_n++];
    struct nf_id_text id = nf_id_to_text(first);
    char *to = b->data;

    *b = (struct nf_chat_button){ .look = look };
    nf_utf8_copy(b->label, sizeof(b->label), label);
    memcpy(to, prefix, PREFIX);
    memcpy(to + PREFIX, p->code, NF_PAIRING_CODE);
    to[PREFIX + NF_PAIRING_CODE] = ':';
    memcpy(to + PREFIX + NF_PAIRING_CODE + 1, id.s, sizeof(id.s));
}

/* With the name, where there are several. */
static NF_RC add_buttons(struct news *n, const struct nf_pairing *p, int64_t first, bool several,
                         enum nf_lang lang, struct nf_err *err)
{
    static const struct {
        enum nf_button_look look;
        enum nf_word word;
        const char *prefix;
    } both[] = { { NF_BUTTON_YES, NF_WORD_LET_IN, ALLOW }, { NF_BUTTON_NO, NF_WORD_DENY, DENY } };
    for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
        NF_CLEANUP(nf_str_done) struct nf_str label = { 0 };
        NF_TRY(nf_str_addf(&label, err, "%s%s%s", nf_word(lang, both[i].word), several ? " " : "",
                           several ? p->name : ""));
        add_button(n, both[i].look, nf_str_c(&label), both[i].prefix, p, first);
    }
    return NF_OK;
}

static size_t open_from(const struct nf_pairings *list, size_t from)
{
    while (from < list->n && list->v[from].status != NF_PAIRING_OPEN)
        from++;
    return from;
}

static NF_RC write_news(const struct nf_pairings *list, int64_t first, enum nf_lang lang,
                        struct news *ret, struct nf_err *err)
{
    size_t open = 0, listed = 0;
    for (size_t i = open_from(list, 0); i < list->n; i = open_from(list, i + 1))
        open++;
    if (open == 0)
        return nf_str_adds(&ret->text, nf_word(lang, NF_WORD_NOBODY_WAITS), err);
    NF_TRY(nf_str_adds(&ret->text, nf_word(lang, NF_WORD_SOMEBODY_WAITS), err));
    NF_TRY(nf_str_adds(&ret->text, "\n", err));
    for (size_t i = open_from(list, 0); i < list->n && listed < NF_PAIRING_NEWS_LISTED;
         i = open_from(list, i + 1), listed++) {
        NF_TRY(add_line(&ret->text, &list->v[i], err));
        if (listed < WITH_BUTTONS)
            NF_TRY(add_buttons(ret, &list->v[i], first, open > 1, lang, err));
    }
    if (listed < open)
        NF_TRY(nf_str_addf(&ret->text, err, "\n\n%s %zu%s", nf_word(lang, NF_WORD_MORE_WAIT),
                           open - listed, list->n == NF_PAGE_MAX ? "+" : ""));
    return NF_OK;
}

static enum nf_lang lang_of(struct nf_app *a, int64_t user_id)
{
    struct nf_user u = { 0 };
    struct nf_err ignored;
    bool known = a->users->ops->get(a->users, user_id, &u, &ignored) == NF_OK && u.lang != 0;
    return known ? u.lang : NF_LANG_EN;
}

/* --- messages --------------------------------------------------------------------------------- */

static NF_RC read_from(struct nf_app *a, int64_t first, struct nf_pairings *ret, struct nf_err *err)
{
    const struct nf_pairing_filter f = { .after_id = first - 1, .limit = NF_PAGE_MAX };
    return a->pairings->ops->list(a->pairings, nf_app_now(a), &f, ret, err);
}

enum nf_code nf_pairing_present(struct nf_app *a, struct nf_channel *c, int64_t to, int64_t first,
                                struct nf_err *err)
{
    NF_CLEANUP(nf_pairings_done) struct nf_pairings list = { 0 };
    NF_CLEANUP(news_done) struct news n = { 0 };

    NF_TRY(read_from(a, first, &list, err));
    NF_TRY(write_news(&list, first, lang_of(a, to), &n, err));
    const struct nf_notice notice = {
        .markdown = nf_str_c(&n.text), .buttons = n.buttons, .buttons_n = n.buttons_n, .id = first
    };
    return nf_channel_reach(c, to, &notice, err);
}

/* In the language of the owner who was here first: of several, all get the same. */
static NF_RC tell(struct nf_app *a, const struct nf_pairings *list, int64_t first,
                  struct nf_err *err)
{
    NF_CLEANUP(news_done) struct news n = { 0 };
    NF_CLEANUP(nf_users_done) struct nf_users users = { 0 };
    enum nf_lang lang = NF_LANG_EN;
    const struct nf_user_filter owners = { .limit = NF_PAGE_MAX,
                                           .role = NF_USER_OWNER,
                                           .status = NF_USER_ACTIVE };

    NF_TRY(a->users->ops->list(a->users, &owners, &users, err));
    for (size_t i = users.n; i-- > 0;)
        if (users.v[i].lang != 0)
            lang = users.v[i].lang;
    NF_TRY(write_news(list, first, lang, &n, err));
    const struct nf_notice notice = {
        .markdown = nf_str_c(&n.text), .buttons = n.buttons, .buttons_n = n.buttons_n, .id = first
    };
    return nf_tell_owners(a, &notice, NULL, err);
}

/* The newest request that was told of, by whatever instance. */
static NF_RC read_seen(struct nf_app *a, int64_t *seen, struct nf_err *err)
{
    NF_CLEANUP(nf_notes_done) struct nf_notes notes = { 0 };
    int64_t id;
    NF_TRY(a->notes->ops->list(a->notes, SOURCE, "", nf_app_now(a), NF_PAGE_MAX, &notes, err));
    for (size_t i = 0; i < notes.n; i++)
        if (strcmp(notes.v[i].name, "seen") == 0 &&
            nf_id_from_text(notes.v[i].value, strlen(notes.v[i].value), &id) && id > *seen)
            *seen = id;
    return NF_OK;
}

/* One of all instances gets NF_OK, once in a while. */
static NF_RC take_turn(struct nf_app *a, struct nf_err *err)
{
    int64_t now = nf_app_now(a);
    return a->notes->ops->add(a->notes, SOURCE, "pause", "", now, now + NF_PAIRING_NEWS_MS, err);
}

enum nf_code nf_pairing_news(struct nf_app *a, int64_t *seen, struct nf_err *err)
{
    NF_CLEANUP(nf_pairings_done) struct nf_pairings list = { 0 };

    NF_TRY(read_from(a, *seen + 1, &list, err));
    if (open_from(&list, 0) == list.n)
        return NF_OK;
    NF_TRY(read_seen(a, seen, err));
    nf_pairings_done(&list);
    NF_TRY(read_from(a, *seen + 1, &list, err));
    if (open_from(&list, 0) == list.n)
        return NF_OK;
    enum nf_code rc = take_turn(a, err);
    if (rc == NF_E_CONFLICT)
        return NF_OK;
    NF_TRY(rc);
    int64_t first = list.v[open_from(&list, 0)].id;
    *seen = list.v[list.n - 1].id;
    NF_TRY(a->notes->ops->put(a->notes, SOURCE, "seen", nf_id_to_text(*seen).s,
                              nf_app_now(a) + 2 * NF_PAIRING_TTL_MS, err));
    return tell(a, &list, first, err);
}
