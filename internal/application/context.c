/*
 * What of a conversation goes to the model. First a plan in numbers, which can only shrink; then
 * the request is made of it, whose texts stay where they are unless they are cut.
 */
#include "application/context.h"

#include "application/shorten.h"
#include "base/own.h"
#include "domain/reason.h"

#include <stdlib.h>
#include <string.h>

/* What protocols add around a message and a part: braces, role names, type names. */
#define MESSAGE_TOKENS 8
#define PART_TOKENS 8
#define IMAGE_TOKENS 1600 /* the most a large image costs at the large providers */
#define DOCUMENT_SHARE 20 /* a document's bytes are mostly not text: this part of them counts */

#define OLD_RESULT_TOKENS 128 /* what step 1 leaves of a tool result */
static const char no_result[] = "error: the call was cut off and has no result";
static const char no_media[] = "[left out: too large]";
static const char refused_media[] =
    "[left out: this model cannot look at such a file. Say so, and that /model chooses another]";
static const char summary_head[] = "What was said earlier, in brief:\n";

static int64_t tokens_of(const char *text)
{
    return text ? nf_tokens_of(text, strlen(text)) : 0;
}

/* --- the plan --------------------------------------------------------------------------------- */

/* Something of a block that can be cut: a text of the user's, or the result of a call. */
struct piece {
    const struct nf_part *part; /* NULL: the message's content, or a result that is missing */
    const struct nf_part *call; /* NULL: the user's */
    const char *text;           /* NULL: not a text, so it is sent whole or replaced by a mark */
    int64_t tokens;
};

/* A message of the user's, or of the assistant's with the results of its calls. */
struct block {
    const struct nf_message *m;
    enum nf_role role; /* of *m */
    size_t at;         /* its index in the history */
    size_t first, n;   /* its pieces */
    int64_t fixed;     /* tokens of what cannot be cut */
    int64_t cap;       /* tokens that a piece may have; INT64_MAX: any number */
    bool dropped;
};

struct plan {
    struct block *blocks;
    size_t n;
    struct piece *pieces;
    size_t pieces_n;
    size_t user;     /* the block of the newest user message */
    int64_t tokens;  /* of all blocks that are not dropped */
    size_t messages; /* that they become */
    int64_t room;    /* what `tokens` has to come down to */
    int64_t fixed;   /* system prompt, summary, tools */
    char *summary;
    bool no_media;
    struct nf_context_report report;
};

static void plan_done(struct plan *p)
{
    free(p->blocks);
    free(p->pieces);
    free(p->summary);
}

static int64_t block_tokens(const struct plan *p, const struct block *b, int64_t cap)
{
    int64_t sum = b->fixed;

    for (size_t i = 0; i < b->n; i++) {
        int64_t tokens = p->pieces[b->first + i].tokens;

        sum += tokens < cap ? tokens : cap;
    }
    return sum;
}

static bool has_results(const struct block *b)
{
    return b->role == NF_ROLE_ASSISTANT && b->n > 0;
}

static void drop(struct plan *p, struct block *b)
{
    p->tokens -= block_tokens(p, b, b->cap);
    p->messages -= has_results(b) ? 2 : 1;
    b->dropped = true;
}

static void cap(struct plan *p, struct block *b, int64_t tokens)
{
    p->tokens += block_tokens(p, b, tokens) - block_tokens(p, b, b->cap);
    b->cap = tokens;
}

static bool fits(const struct plan *p)
{
    return p->tokens <= p->room && p->messages <= NF_REQUEST_MESSAGES_MAX;
}

/* --- reading the history ---------------------------------------------------------------------- */

static bool is_text(const struct nf_part *p)
{
    return (p->type == NF_PART_TEXT || p->type == NF_PART_REFUSAL) && p->text && p->text[0];
}

static bool is_media(const struct nf_part *p)
{
    return p->type == NF_PART_IMAGE || p->type == NF_PART_DOCUMENT || p->type == NF_PART_AUDIO;
}

static int64_t part_tokens(const struct nf_part *p)
{
    if (p->type == NF_PART_IMAGE || (is_media(p) && !p->data))
        return IMAGE_TOKENS + tokens_of(p->url);
    if (p->type == NF_PART_DOCUMENT)
        return IMAGE_TOKENS + tokens_of(p->data) / DOCUMENT_SHARE;
    return tokens_of(p->text) + tokens_of(p->call_id) + tokens_of(p->name) + tokens_of(p->args) +
           tokens_of(p->signature) + tokens_of(p->data);
}

static struct piece *add_piece(struct plan *p, struct block *b)
{
    b->n++;
    b->fixed += PART_TOKENS;
    return &p->pieces[p->pieces_n++];
}

static void read_user(struct plan *p, struct block *b)
{
    const struct nf_message *m = b->m;

    for (size_t i = 0; i < m->parts.n; i++) {
        const struct nf_part *part = &m->parts.v[i];

        if (is_media(part) && p->no_media)
            *add_piece(p, b) =
                (struct piece){ .text = refused_media, .tokens = tokens_of(refused_media) };
        else if (is_text(part) || is_media(part))
            *add_piece(p, b) = (struct piece){ .part = part,
                                               .text = is_text(part) ? part->text : NULL,
                                               .tokens = part_tokens(part) };
    }
    if (m->parts.n == 0 && m->content && m->content[0])
        *add_piece(p, b) = (struct piece){ .text = m->content, .tokens = tokens_of(m->content) };
}

static bool same_id(const struct nf_part *a, const struct nf_part *b)
{
    return strcmp(a->call_id ? a->call_id : "", b->call_id ? b->call_id : "") == 0;
}

/* The result of the call parts[at] in the tool messages behind message `from`, NULL if there is
 * none. Of calls with the same id, which some servers make, the k-th has the k-th result. */
static const struct nf_part *result_of(const struct nf_messages *h, size_t from, size_t at)
{
    const struct nf_parts *calls = &h->v[from].parts;
    size_t skip = 0;

    for (size_t i = 0; i < at; i++)
        skip += calls->v[i].type == NF_PART_TOOL_CALL && same_id(&calls->v[i], &calls->v[at]);
    for (size_t i = from + 1; i < h->n; i++) {
        const struct nf_message *m = &h->v[i];

        if (m->role == NF_ROLE_NOTICE)
            continue;
        if (m->role != NF_ROLE_TOOL)
            break;
        for (size_t k = 0; k < m->parts.n; k++)
            if (m->parts.v[k].type == NF_PART_TOOL_RESULT &&
                same_id(&m->parts.v[k], &calls->v[at]) && skip-- == 0)
                return &m->parts.v[k];
    }
    return NULL;
}

static void read_call(struct plan *p, struct block *b, const struct nf_messages *h, size_t at)
{
    const struct nf_part *call = &b->m->parts.v[at];
    const struct nf_part *result = result_of(h, b->at, at);
    const char *text = result ? result->text : no_result;

    b->fixed += part_tokens(call) + tokens_of(call->call_id) + tokens_of(call->name);
    text = text ? text : "";
    *add_piece(p, b) =
        (struct piece){ .part = result, .call = call, .text = text, .tokens = tokens_of(text) };
}

/* Whether a part of the assistant's is sent; `now`: it belongs to the turn to answer. */
static bool is_sent(const struct nf_part *p, bool now)
{
    return is_text(p) || p->type == NF_PART_TOOL_CALL || (p->type == NF_PART_THINKING && now);
}

static void read_assistant(struct plan *p, struct block *b, const struct nf_messages *h, bool now)
{
    const struct nf_message *m = b->m;
    bool says = false; /* thinking alone is no message */

    for (size_t i = 0; i < m->parts.n; i++) {
        const struct nf_part *part = &m->parts.v[i];

        if (!is_sent(part, now))
            continue;
        says = says || part->type != NF_PART_THINKING;
        b->fixed += PART_TOKENS;
        if (part->type == NF_PART_TOOL_CALL)
            read_call(p, b, h, i);
        else
            b->fixed += part_tokens(part);
    }
    if (m->parts.n == 0 && m->content && m->content[0]) {
        says = true;
        b->fixed += PART_TOKENS + tokens_of(m->content);
    }
    b->fixed += has_results(b) ? MESSAGE_TOKENS : 0;
    b->dropped = !says;
}

static void read_message(struct plan *p, const struct nf_messages *h, size_t at, size_t newest)
{
    struct block *b = &p->blocks[p->n];

    *b = (struct block){ .m = &h->v[at],
                         .role = h->v[at].role,
                         .at = at,
                         .first = p->pieces_n,
                         .fixed = MESSAGE_TOKENS,
                         .cap = INT64_MAX };
    if (b->role == NF_ROLE_USER)
        read_user(p, b);
    else if (b->role == NF_ROLE_ASSISTANT)
        read_assistant(p, b, h, at > newest);
    else
        return;
    if (b->dropped || (b->role == NF_ROLE_USER && b->n == 0))
        return; /* it says nothing */
    if (b->role == NF_ROLE_USER)
        p->user = p->n;
    p->tokens += block_tokens(p, b, b->cap);
    p->messages += has_results(b) ? 2 : 1;
    p->n++;
}

static NF_RC read_history(struct plan *p, const struct nf_messages *h, struct nf_err *err)
{
    size_t parts = 1, newest = 0;

    for (size_t i = 0; i < h->n; i++) {
        parts += h->v[i].parts.n + 1;
        if (h->v[i].role == NF_ROLE_USER)
            newest = i;
    }
    p->user = SIZE_MAX;
    p->blocks = calloc(h->n + 1, sizeof(*p->blocks));
    p->pieces = calloc(parts, sizeof(*p->pieces));
    if (!p->blocks || !p->pieces)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < h->n; i++)
        read_message(p, h, i, newest);
    if (p->user == SIZE_MAX)
        return nf_err_set(err, NF_E_INVALID, "the conversation has no message of a user");
    /* An answer whose question is not here any more. */
    for (size_t i = 0; i < p->user && p->blocks[i].role != NF_ROLE_USER; i++)
        drop(p, &p->blocks[i]);
    return NF_OK;
}

/* --- shrinking -------------------------------------------------------------------------------- */

/* The newest round of tools in the turn to answer, NULL if there is none. */
static struct block *newest_round(const struct plan *p)
{
    return p->n - 1 > p->user ? &p->blocks[p->n - 1] : NULL;
}

static void shorten_old_results(struct plan *p)
{
    const struct block *keep = newest_round(p);

    for (size_t i = 0; i < p->n && !fits(p); i++) {
        struct block *b = &p->blocks[i];

        if (!b->dropped && b != keep && has_results(b))
            cap(p, b, OLD_RESULT_TOKENS);
    }
}

static void drop_oldest(struct plan *p)
{
    /* Whole turns, so that the user's message is the first again. */
    for (size_t i = 0; i < p->user && !fits(p);)
        do {
            if (!p->blocks[i].dropped)
                drop(p, &p->blocks[i]);
        } while (++i < p->user && p->blocks[i].role != NF_ROLE_USER);
    for (size_t i = p->user + 1; i + 1 < p->n && !fits(p); i++) {
        drop(p, &p->blocks[i]);
        p->report.rounds++;
    }
}

/* The largest cap for the pieces of `a` and, if not NULL, `b` with which the plan fits; at least
 * NF_SHORTEST_TOKENS. False if even that does not. */
static bool cap_to_fit(struct plan *p, struct block *a, struct block *b)
{
    assert(a);
    int64_t rest = p->tokens - block_tokens(p, a, a->cap) - (b ? block_tokens(p, b, b->cap) : 0);
    int64_t low = NF_SHORTEST_TOKENS, high = p->room > low ? p->room : low;

    if (rest + block_tokens(p, a, low) + (b ? block_tokens(p, b, low) : 0) > p->room)
        return false;
    while (low < high) {
        int64_t middle = high - (high - low) / 2;

        if (rest + block_tokens(p, a, middle) + (b ? block_tokens(p, b, middle) : 0) <= p->room)
            low = middle;
        else
            high = middle - 1;
    }
    cap(p, a, low);
    if (b)
        cap(p, b, low);
    return true;
}

/* What is left is the newest user message and the newest round. */
static bool shorten_newest(struct plan *p)
{
    struct block *user = &p->blocks[p->user], *round = newest_round(p);

    if (round && (cap_to_fit(p, round, NULL) || cap_to_fit(p, user, round)))
        return true;
    if (round) {
        drop(p, round);
        p->report.rounds++;
    }
    return fits(p) || cap_to_fit(p, user, NULL);
}

static NF_RC shrink(struct plan *p, int64_t window, struct nf_err *err)
{
    if (fits(p))
        return NF_OK;
    p->report.steps = 1;
    shorten_old_results(p);
    if (fits(p))
        return NF_OK;
    p->report.steps = 2;
    drop_oldest(p);
    if (fits(p))
        return NF_OK;
    p->report.steps = 3;
    if (shorten_newest(p))
        return NF_OK;
    return nf_err_set(err, NF_E_LIMIT, NF_REASON_WINDOW, (long long)window);
}

/* --- writing the request ---------------------------------------------------------------------- */

/* A text of the history: it is not changed through the request. */
static char *lent(const char *text)
{
    return (char *)(uintptr_t)text; /* NOLINT(performance-no-int-to-ptr): const is taken away */
}

static NF_RC cut_text(struct plan *p, const struct piece *piece, int64_t max, char **ret,
                      struct nf_err *err)
{
    p->report.shortened++;
    return piece->text ? nf_shorten(piece->text, max, ret, err) : nf_strdup(no_media, ret, err);
}

static NF_RC write_user(struct plan *p, const struct block *b, struct nf_completion_request *r,
                        struct nf_err *err)
{
    struct nf_chat_message *m;
    struct nf_part *part;

    NF_TRY(nf_completion_add_message(r, NF_ROLE_USER, &m, err));
    for (size_t i = 0; i < b->n; i++) {
        const struct piece *piece = &p->pieces[b->first + i];
        const struct nf_part text = { .type = NF_PART_TEXT, .text = lent(piece->text) };

        if (piece->tokens <= b->cap) {
            NF_TRY(nf_parts_lend(&m->parts, piece->text ? &text : piece->part, err));
            continue;
        }
        NF_TRY(nf_parts_add(&m->parts, NF_PART_TEXT, &part, err));
        NF_TRY(cut_text(p, piece, b->cap, &part->text, err));
    }
    return NF_OK;
}

static NF_RC write_cut_result(struct plan *p, const struct piece *piece, int64_t max,
                              const struct nf_part *result, struct nf_parts *to, struct nf_err *err)
{
    struct nf_part *part;

    NF_TRY(nf_parts_add(to, NF_PART_TOOL_RESULT, &part, err));
    part->is_error = result->is_error;
    if (result->call_id)
        NF_TRY(nf_strdup(result->call_id, &part->call_id, err));
    if (result->name)
        NF_TRY(nf_strdup(result->name, &part->name, err));
    return cut_text(p, piece, max, &part->text, err);
}

static NF_RC write_results(struct plan *p, const struct block *b, struct nf_completion_request *r,
                           struct nf_err *err)
{
    struct nf_chat_message *m;

    NF_TRY(nf_completion_add_message(r, NF_ROLE_TOOL, &m, err));
    for (size_t i = 0; i < b->n; i++) {
        const struct piece *piece = &p->pieces[b->first + i];
        const struct nf_part result = { .type = NF_PART_TOOL_RESULT,
                                        .call_id = piece->call->call_id,
                                        .name = piece->call->name,
                                        .text = lent(piece->text),
                                        .is_error = !piece->part || piece->part->is_error };

        if (piece->tokens <= b->cap)
            NF_TRY(nf_parts_lend(&m->parts, &result, err));
        else
            NF_TRY(write_cut_result(p, piece, b->cap, &result, &m->parts, err));
    }
    return NF_OK;
}

static NF_RC write_assistant(const struct block *b, bool now, struct nf_completion_request *r,
                             struct nf_err *err)
{
    /* The order that providers insist on, whatever the order in which the reply was kept. */
    static const enum nf_part_type order[] = { NF_PART_THINKING, NF_PART_TEXT, NF_PART_REFUSAL,
                                               NF_PART_TOOL_CALL };
    const struct nf_parts *parts = &b->m->parts;
    struct nf_chat_message *m;

    NF_TRY(nf_completion_add_message(r, NF_ROLE_ASSISTANT, &m, err));
    if (parts->n == 0) {
        const struct nf_part text = { .type = NF_PART_TEXT, .text = b->m->content };
        return nf_parts_lend(&m->parts, &text, err);
    }
    for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++)
        for (size_t i = 0; i < parts->n; i++)
            if (parts->v[i].type == order[k] && is_sent(&parts->v[i], now))
                NF_TRY(nf_parts_lend(&m->parts, &parts->v[i], err));
    return NF_OK;
}

static NF_RC write_request(struct plan *p, const struct nf_context_input *in,
                           struct nf_completion_request *r, struct nf_err *err)
{
    if (in->system[0])
        NF_TRY(nf_completion_add_system(r, in->system, err));
    if (p->summary)
        NF_TRY(nf_completion_add_system(r, p->summary, err));
    for (size_t i = 0; i < p->n; i++) {
        const struct block *b = &p->blocks[i];

        if (b->dropped)
            continue;
        if (b->role == NF_ROLE_USER) {
            NF_TRY(write_user(p, b, r, err));
            continue;
        }
        NF_TRY(write_assistant(b, i > p->user, r, err));
        if (has_results(b))
            NF_TRY(write_results(p, b, r, err));
    }
    return NF_OK;
}

/* --- the whole -------------------------------------------------------------------------------- */

/* The summary, in at most a quarter of `room`: it must not push out what it is about. */
static NF_RC add_summary(struct plan *p, const char *summary, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str s = { .max = strlen(summary) + sizeof(summary_head) };
    int64_t tokens, max = p->room / 4 - PART_TOKENS;

    if (summary[0] == '\0' || max < NF_SHORTEST_TOKENS)
        return NF_OK;
    NF_TRY(nf_str_adds(&s, summary_head, err));
    NF_TRY(nf_str_adds(&s, summary, err));
    if (tokens_of(nf_str_c(&s)) > max)
        NF_TRY(nf_shorten(nf_str_c(&s), max, &p->summary, err));
    else
        p->summary = nf_take(s).p;
    tokens = tokens_of(p->summary) + PART_TOKENS;
    p->room -= tokens;
    p->fixed += tokens;
    return NF_OK;
}

/* How many of the oldest messages are not in the request; notices alone do not count. */
static size_t dropped_messages(const struct plan *p, const struct nf_messages *h)
{
    size_t first = 0;

    while (p->blocks[first].dropped)
        first++;
    for (size_t i = 0; i < p->blocks[first].at; i++)
        if (h->v[i].role != NF_ROLE_NOTICE)
            return p->blocks[first].at;
    return 0;
}

static NF_RC build(struct plan *p, const struct nf_context_input *in,
                   struct nf_completion_request *r, struct nf_err *err)
{
    int64_t reply = in->reply_tokens, half = in->window_tokens / 2;

    NF_TRY(read_history(p, in->history, err));
    /* A model that may answer as much as its window holds would leave no room for the question. */
    if (reply > half) {
        reply = half;
        if (r->max_tokens == 0 || r->max_tokens > reply)
            r->max_tokens = reply;
    }
    p->fixed = in->tools_tokens + (in->system[0] ? tokens_of(in->system) + PART_TOKENS : 0);
    p->room = in->window_tokens - reply - p->fixed;
    NF_TRY(add_summary(p, in->summary, err));
    NF_TRY(shrink(p, in->window_tokens, err));
    NF_TRY(write_request(p, in, r, err));

    assert(p->room + p->fixed + reply == in->window_tokens && p->tokens <= p->room);
    p->report.tokens = p->fixed + p->tokens;
    p->report.dropped = dropped_messages(p, in->history);
    return NF_OK;
}

enum nf_code nf_context_build(const struct nf_context_input *in, struct nf_completion_request *r,
                              struct nf_context_report *ret, struct nf_err *err)
{
    struct plan p = { .no_media = in->no_media };
    enum nf_code rc = build(&p, in, r, err);

    if (rc == NF_OK && ret)
        *ret = p.report;
    plan_done(&p);
    return rc;
}
