#include "application/admit_person.h"

#include "application/manage_pairing.h"
#include "application/rate_people.h"
#include "application/words.h"
#include "base/own.h"

#include <string.h>

#define SAY_MAX 1024 /* bytes of what somebody is told */

void nf_admission_done(struct nf_admission *a)
{
    nf_str_done(&a->say);
    *a = (struct nf_admission){ 0 };
}

static bool is_listed(const char *const *list, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], what) == 0)
            return true;
    return false;
}

/* Whom the lists name: an empty one names everybody. */
static bool lists_allow(const struct nf_chat_rules *r, const struct nf_knock *k)
{
    if (r->accounts_n > 0 && !is_listed(r->accounts, r->accounts_n, k->from.account))
        return false;
    return k->direct || r->chats_n == 0 || is_listed(r->chats, r->chats_n, k->chat);
}

static NF_RC say(struct nf_admission *ret, enum nf_word before, const char *what,
                 enum nf_word after, const struct nf_knock *k, struct nf_err *err)
{
    enum nf_lang lang = nf_lang_of(k->from.lang);
    ret->say.max = SAY_MAX;
    return nf_str_addf(&ret->say, err, "%s%s%s", nf_word(lang, before), what, nf_word(lang, after));
}

static NF_RC say_seconds(struct nf_admission *ret, int64_t wait_ms, const struct nf_knock *k,
                         struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str seconds = { 0 };
    NF_TRY(nf_str_addf(&seconds, err, "%lld", (long long)((wait_ms + 999) / 1000)));
    return say(ret, NF_WORD_TOO_FAST, nf_str_c(&seconds), NF_WORD_TOO_FAST_END, k, err);
}

/* --- who is known ------------------------------------------------------------------------------
 */

/* Our own count, and behind it that of all instances. */
static bool may_write(struct nf_app *a, int64_t user_id, int64_t per_minute, int64_t *wait_ms,
                      bool *tell)
{
    char key[48] = "chat:";
    struct nf_id_text id = nf_id_to_text(user_id);
    int64_t now = nf_app_now(a);
    memcpy(key + strlen(key), id.s, strlen(id.s) + 1);
    if (!nf_rates_take(a->rates, user_id, per_minute, now, wait_ms, tell))
        return false;
    *wait_ms = nf_shared_rates_wait(a->shared_rates, key, per_minute, 1);
    if (*wait_ms == 0)
        return true;
    *tell = nf_rates_refuse(a->rates, user_id, now, *wait_ms);
    return false;
}

static NF_RC admit_user(struct nf_app *a, const struct nf_chat_rules *r, const struct nf_knock *k,
                        struct nf_admission *ret, struct nf_err *err)
{
    int64_t wait_ms = 0;
    bool tell = false;
    if (ret->user.status != NF_USER_ACTIVE || !lists_allow(r, k))
        return NF_OK;
    if (!a->rates || may_write(a, ret->user.id, r->per_minute, &wait_ms, &tell)) {
        ret->kind = NF_ADMIT_IN;
        return NF_OK;
    }
    ret->kind = NF_ADMIT_TOLD;
    return tell ? say_seconds(ret, wait_ms, k, err) : NF_OK;
}

/* --- who is not --------------------------------------------------------------------------------
 */

/* The configuration names the account: it needs nobody's approval. */
static NF_RC admit_listed(struct nf_app *a, const struct nf_chat_rules *r, const struct nf_knock *k,
                          struct nf_admission *ret, struct nf_err *err)
{
    struct nf_user u;
    struct nf_identity i;
    char name[NF_NAME_MAX + 1];
    int64_t now = nf_app_now(a);

    nf_name_from(k->from.name ? k->from.name : "", k->from.account, name);
    NF_TRY(nf_user_init(&u, nf_app_id(a), name, NF_USER_USER, now, err));
    NF_TRY(nf_identity_init(&i, u.id, k->from.network, k->from.account, now, err));
    enum nf_code rc = a->users->ops->create(a->users, &u, &i, err);
    if (rc == NF_E_CONFLICT) /* two messages at once: the other one made the user */
        rc = a->users->ops->find(a->users, k->from.network, k->from.account, &u, err);
    NF_TRY(rc);
    ret->user = u;
    return admit_user(a, r, k, ret, err);
}

static NF_RC try_invite(struct nf_app *a, const struct nf_knock *k, struct nf_admission *ret,
                        bool *done, struct nf_err *err)
{
    const char *code = k->start && k->start[0] ? k->start : k->text;
    enum nf_code rc = nf_invite_accept(a, code, k->from.network, k->from.account, &ret->user, err);
    *done = rc == NF_OK;
    if (rc == NF_E_NOT_FOUND || rc == NF_E_DENIED || rc == NF_E_CONFLICT)
        return NF_OK; /* as any other message of somebody unknown: a guesser learns nothing */
    NF_TRY(rc);
    ret->kind = NF_ADMIT_LINKED;
    return say(ret, NF_WORD_LINKED, ret->user.name, NF_WORD_LINKED_END, k, err);
}

static NF_RC tell_code(const struct nf_pairing *p, const struct nf_knock *k,
                       struct nf_admission *ret, struct nf_err *err)
{
    struct nf_code_text code = nf_code_show(p->code);
    ret->kind = NF_ADMIT_TOLD;
    ret->is_code = true;
    return say(ret, NF_WORD_PAIRING, code.s, NF_WORD_PAIRING_END, k, err);
}

/* The code may not have arrived: the message that got it is offered again, or nobody knows. */
static NF_RC tell_again(struct nf_app *a, const struct nf_pairing *p, const struct nf_knock *k,
                        struct nf_admission *ret, struct nf_err *err)
{
    bool unsure = p->event[0] == '\0';
    if (p->status != NF_PAIRING_OPEN || (!unsure && strcmp(p->event, k->from.event) != 0))
        return NF_OK;
    if (unsure)
        NF_TRY(
            a->pairings->ops->set_event(a->pairings, p->network, p->account, k->from.event, err));
    return tell_code(p, k, ret, err);
}

static NF_RC ask(struct nf_app *a, const struct nf_knock *k, struct nf_admission *ret,
                 struct nf_err *err)
{
    unsigned char random[NF_PAIRING_CODE];
    struct nf_pairing p = { 0 };

    NF_TRY(a->codec->random(random, sizeof(random), err));
    NF_TRY(nf_pairing_init(&p, nf_app_id(a), &k->from, random, nf_app_now(a), err));
    enum nf_code rc =
        a->pairings->ops->ask(a->pairings, &p, NF_PAIRINGS_MAX, NF_PAIRING_SHOWN_MS, err);
    if (rc == NF_OK)
        return tell_code(&p, k, ret, err);
    /* More came within NF_PAIRING_SHOWN_MS than may wait at all: the next message is heard. Or
     * another message of this account was quicker, and has its answer. */
    return rc == NF_E_LIMIT || rc == NF_E_CONFLICT ? NF_OK : rc;
}

/* Looked up first: who goes on writing must not cost a write each time. */
static NF_RC pair(struct nf_app *a, const struct nf_knock *k, struct nf_admission *ret,
                  struct nf_err *err)
{
    struct nf_pairing there = { 0 };
    enum nf_code rc = a->pairings->ops->of_account(a->pairings, k->from.network, k->from.account,
                                                   nf_app_now(a), &there, err);
    if (rc == NF_E_NOT_FOUND)
        return ask(a, k, ret, err);
    NF_TRY(rc);
    return tell_again(a, &there, k, ret, err);
}

enum nf_code nf_admit(struct nf_app *a, const struct nf_chat_rules *rules, const struct nf_knock *k,
                      struct nf_admission *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_admission_done) struct nf_admission made = { 0 };
    bool linked = false;
    enum nf_code rc =
        a->users->ops->find(a->users, k->from.network, k->from.account, &made.user, err);

    if (rc == NF_OK) {
        NF_TRY(admit_user(a, rules, k, &made, err));
    } else if (rc != NF_E_NOT_FOUND) {
        return rc;
    } else if (lists_allow(rules, k)) {
        if (k->direct)
            NF_TRY(try_invite(a, k, &made, &linked, err));
        if (!linked && rules->accounts_n > 0)
            NF_TRY(admit_listed(a, rules, k, &made, err));
        else if (!linked && k->direct && rules->pairing)
            NF_TRY(pair(a, k, &made, err));
    }
    *ret = nf_take(made);
    return NF_OK;
}

enum nf_code nf_admit_unsure(struct nf_app *a, const struct nf_knock *k, struct nf_err *err)
{
    return a->pairings->ops->set_event(a->pairings, k->from.network, k->from.account, "", err);
}

enum nf_code nf_admit_known(struct nf_app *a, const struct nf_chat_rules *rules,
                            const char *network, const char *account, struct nf_user *ret,
                            struct nf_err *err)
{
    struct nf_user u = { 0 };
    enum nf_code rc = a->users->ops->find(a->users, network, account, &u, err);
    if (rc != NF_OK && rc != NF_E_NOT_FOUND)
        return rc;
    if (rc == NF_E_NOT_FOUND || u.status != NF_USER_ACTIVE ||
        (rules->accounts_n > 0 && !is_listed(rules->accounts, rules->accounts_n, account)))
        return nf_err_set(err, NF_E_DENIED, "this account may do nothing here");
    *ret = u;
    return NF_OK;
}
