#include "application/present_approval.h"

#include "application/decide_approval.h"
#include "application/manage_sessions.h"
#include "application/present_ref.h"
#include "application/quote.h"
#include "application/words.h"
#include "base/own.h"
#include "base/utf8.h"

#include <string.h>

/* "a1:" for the version of what follows: "o" once or "d" deny, and the approval. */
#define ALLOW "a1:o:"
#define DENY "a1:d:"
#define PREFIX (sizeof(ALLOW) - 1)

bool nf_approval_button_read(const char *data, int64_t *id, bool *allow)
{
    bool yes = strncmp(data, ALLOW, PREFIX) == 0;
    if (!yes && strncmp(data, DENY, PREFIX) != 0)
        return false;
    *allow = yes;
    return nf_id_from_text(data + PREFIX, strlen(data + PREFIX), id);
}

/* What one message about it needs. */
struct question {
    struct nf_app *app;
    struct nf_chat *chat;
    struct nf_approval_request r;
    struct nf_user requester, to;
    bool yours; /* they may allow it */
    enum nf_lang lang;
};

static void question_done(struct question *q)
{
    nf_approval_done(&q->r);
}

static NF_RC load(struct question *q, int64_t id, int64_t to, bool *concerns, struct nf_err *err)
{
    struct nf_app *a = q->app;
    struct nf_err ignored;

    nf_approval_done(&q->r);
    NF_TRY(a->approvals->ops->get(a->approvals, id, &q->r, err));
    NF_TRY(a->users->ops->get(a->users, q->r.user_id, &q->requester, err));
    NF_TRY(a->users->ops->get(a->users, to, &q->to, err));
    q->yours =
        nf_approval_may_allow(&q->to, &q->requester, a->settings.approval_self, &ignored) == NF_OK;
    q->lang = q->to.lang ? q->to.lang : NF_LANG_EN;
    *concerns = q->yours || q->to.id == q->requester.id;
    return NF_OK;
}

/* --- words -------------------------------------------------------------------------------------
 */

static size_t longest_run(const char *text, char c)
{
    size_t longest = 0, run = 0;
    for (; *text; text++) {
        run = *text == c ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

static NF_RC write_call(const struct question *q, struct nf_str *to, struct nf_err *err)
{
    const char *args = q->r.args ? q->r.args : "{}";
    size_t n = nf_utf8_cut(args, strlen(args), NF_PRESENT_CALL_MAX);
    size_t fence = longest_run(args, '`') + 1;

    NF_TRY(nf_str_adds(to, "\n\n", err));
    for (size_t i = 0; i < (fence < 3 ? 3 : fence); i++)
        NF_TRY(nf_str_adds(to, "`", err));
    NF_TRY(nf_str_adds(to, "json\n", err));
    NF_TRY(nf_str_add(to, args, n, err));
    NF_TRY(nf_str_adds(to, "\n", err));
    for (size_t i = 0; i < (fence < 3 ? 3 : fence); i++)
        NF_TRY(nf_str_adds(to, "`", err));
    if (q->r.workspace[0] && !strchr(q->r.workspace, '`'))
        NF_TRY(nf_str_addf(to, err, "\n\n`%s`", q->r.workspace));
    if (n < strlen(args))
        NF_TRY(nf_str_addf(to, err, "\n\n%s", nf_word(q->lang, NF_WORD_CALL_TOO_LONG)));
    return NF_OK;
}

/* "14:03 UTC" */
static NF_RC write_time(struct nf_str *to, int64_t ms, struct nf_err *err)
{
    int64_t minute = ms / 60000 % 1440;
    return nf_str_addf(to, err, "%02d:%02d UTC", (int)(minute / 60), (int)(minute % 60));
}

static NF_RC write_outcome(const struct question *q, struct nf_str *to, struct nf_err *err)
{
    struct nf_user_store *users = q->app->users;
    struct nf_user decider;
    enum nf_word word = NF_WORD_CALL_CANCELLED;

    if (q->r.status == NF_APPROVAL_ALLOWED || q->r.status == NF_APPROVAL_USED)
        word = NF_WORD_CALL_ALLOWED;
    else if (q->r.status == NF_APPROVAL_DENIED)
        word = NF_WORD_CALL_DENIED;
    else if (q->r.status == NF_APPROVAL_EXPIRED)
        word = NF_WORD_CALL_EXPIRED;
    NF_TRY(nf_str_addf(to, err, "\n\n%s", nf_word(q->lang, word)));
    if (q->r.decided_by == 0)
        return NF_OK;
    NF_TRY(nf_str_adds(to, ": ", err));
    enum nf_code rc = users->ops->get(users, q->r.decided_by, &decider, err);
    if (rc != NF_OK && rc != NF_E_NOT_FOUND)
        return rc;
    NF_TRY(nf_quote_plain(to, rc == NF_OK ? decider.name : "?", err));
    NF_TRY(nf_str_adds(to, ", ", err));
    return write_time(to, q->r.decided_ms, err);
}

static NF_RC write_all(const struct question *q, struct nf_str *to, struct nf_err *err)
{
    bool open = nf_approval_is_open(&q->r, nf_app_now(q->app));
    int64_t minutes = (q->r.expires_ms - q->r.created_ms + 59999) / 60000;

    NF_TRY(nf_str_adds(to, "**", err));
    NF_TRY(nf_quote_plain(to, q->requester.name, err));
    NF_TRY(nf_str_addf(to, err, "**: %s `%s`", nf_word(q->lang, NF_WORD_CALL_ASKS), q->r.tool));
    NF_TRY(write_call(q, to, err));
    if (q->r.status != NF_APPROVAL_PENDING)
        return write_outcome(q, to, err);
    if (!open)
        return nf_str_addf(to, err, "\n\n%s", nf_word(q->lang, NF_WORD_CALL_EXPIRED));
    if (!q->yours)
        NF_TRY(nf_str_addf(to, err, "\n\n%s", nf_word(q->lang, NF_WORD_CALL_WAITS)));
    return nf_str_addf(to, err, "\n\n%s: %lld", nf_word(q->lang, NF_WORD_CALL_MINUTES),
                       (long long)minutes);
}

static void add_button(struct nf_chat_button *b, enum nf_button_look look, const char *label,
                       const char *prefix, int64_t id)
{
    struct nf_id_text text = nf_id_to_text(id);

    *b = (struct nf_chat_button){ .look = look };
    nf_utf8_copy(b->label, sizeof(b->label), label);
    memcpy(b->data, prefix, PREFIX);
    memcpy(b->data + PREFIX, text.s, sizeof(text.s));
}

/* Who asked for the call may always refuse it. */
static size_t add_buttons(const struct question *q, struct nf_chat_button buttons[2])
{
    bool whole = !q->r.args || strlen(q->r.args) <= NF_PRESENT_CALL_MAX;
    size_t n = 0;

    if (q->yours && whole)
        add_button(&buttons[n++], NF_BUTTON_YES, nf_word(q->lang, NF_WORD_ALLOW_ONCE), ALLOW,
                   q->r.id);
    add_button(&buttons[n++], NF_BUTTON_NO, nf_word(q->lang, NF_WORD_DENY), DENY, q->r.id);
    return n;
}

/* --- messages ----------------------------------------------------------------------------------
 */

/* Where the ref of the message to a user in a channel is kept, among those of the approval. Beyond
 * what runs use; FNV-1a. */
int64_t nf_present_part(const char *channel, int64_t user_id)
{
    uint64_t h = 14695981039346656037u;
    for (; *channel; channel++)
        h = (h ^ (unsigned char)*channel) * 1099511628211u;
    for (int i = 0; i < 8; i++)
        h = (h ^ ((uint64_t)user_id >> (8 * i) & 0xff)) * 1099511628211u;
    return (int64_t)(h >> 1 | UINT64_C(1) << 62);
}

static NF_RC send_question(const struct question *q, const char *address, int64_t part,
                           struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str key = { 0 };
    struct nf_chat_button buttons[2];
    char ref[NF_CHAT_REF_MAX + 1];
    bool kept;

    NF_TRY(write_all(q, &text, err));
    NF_TRY(nf_str_addf(&key, err, "%s.%08x", nf_id_to_text(q->r.id).s, (unsigned)part));
    const struct nf_chat_post post = { .address = address,
                                       .markdown = nf_str_c(&text),
                                       .reply_to = "",
                                       .key = nf_str_c(&key),
                                       .buttons = buttons,
                                       .buttons_n = add_buttons(q, buttons) };
    enum nf_code rc = q->chat->ops->send(q->chat, &post, ref, err);
    if (rc == NF_E_CONFLICT)
        return nf_err_wrap(err, NF_E_UNAVAILABLE, "a question");
    NF_TRY(rc);
    return nf_present_keep(q->app, q->chat, address, q->r.id, part, ref, &kept, err);
}

static NF_RC show_outcome(const struct question *q, const char *address, const char *ref,
                          struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };

    NF_TRY(write_all(q, &text, err));
    const struct nf_chat_post post = {
        .address = address, .markdown = nf_str_c(&text), .reply_to = "", .silent = true
    };
    enum nf_code rc = q->chat->ops->edit(q->chat, &post, ref, err);
    return rc == NF_E_NOT_FOUND ? NF_OK : rc;
}

enum nf_code nf_present_approval(struct nf_app *a, struct nf_chat *c, const char *account,
                                 int64_t id, int64_t to, struct nf_err *err)
{
    NF_CLEANUP(question_done) struct question q = { .app = a, .chat = c };
    char address[NF_ADDRESS_MAX + 1], ref[NF_CHAT_REF_MAX + 1];
    int64_t part = nf_present_part(c->name, to);
    bool concerns;

    NF_TRY(load(&q, id, to, &concerns, err));
    if (!concerns)
        return NF_OK;
    NF_TRY(c->ops->home(c, account, address, err));
    NF_TRY(nf_present_find(a, q.r.id, part, ref, err));
    if (ref[0] == '\0') {
        if (!nf_approval_is_open(&q.r, nf_app_now(a)))
            return NF_OK;
        NF_TRY(send_question(&q, address, part, err));
        NF_TRY(load(&q, id, to, &concerns, err)); /* it may have been decided meanwhile */
        NF_TRY(nf_present_find(a, q.r.id, part, ref, err));
    }
    return nf_approval_is_open(&q.r, nf_app_now(a)) ? NF_OK : show_outcome(&q, address, ref, err);
}

enum nf_code nf_approvals_ask_again(struct nf_app *a, struct nf_err *err)
{
    int64_t after = 0;
    size_t n = NF_PAGE_MAX;

    while (n == NF_PAGE_MAX) {
        NF_CLEANUP(nf_approval_requests_done) struct nf_approval_requests page = { 0 };
        NF_TRY(a->approvals->ops->open(a->approvals, 0, nf_app_now(a), after, NF_PAGE_MAX, &page,
                                       err));
        n = page.n;
        after = n ? page.v[n - 1].id : 0;
        for (size_t i = 0; i < n; i++)
            nf_approval_tell(a, &page.v[i]);
    }
    return NF_OK;
}
