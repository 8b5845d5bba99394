/*
 * Styled text as Telegram takes it: a plain text, and entities that say which stretches of it are
 * bold, a link, code. No markup is written, so none can be broken (Bot API, "MessageEntity" and
 * "Formatting options"): offsets count UTF-16 code units, code is part of no other entity but a
 * quotation, links and code contain each other in no order, quotations are not nested.
 */
#pragma once

#include "codec/json.h"
#include "codec/styled.h"

#define NF_TELEGRAM_TEXT_MAX 4096    /* UTF-16 units of a message (sendMessage, text) */
#define NF_TELEGRAM_PART_MAX 4000    /* we cut earlier, so that nothing is at the very edge */
#define NF_TELEGRAM_ENTITIES_MAX 100 /* of a message; the server drops what is beyond */
#define NF_TELEGRAM_URL_MAX 2048     /* bytes; a longer link is plain text */

enum nf_telegram_entity_type {
    NF_TELEGRAM_BOLD = 0,
    NF_TELEGRAM_ITALIC,
    NF_TELEGRAM_STRIKE,
    NF_TELEGRAM_CODE,
    NF_TELEGRAM_PRE,
    NF_TELEGRAM_LINK,
    NF_TELEGRAM_QUOTE,
};
struct nf_telegram_entity {
    enum nf_telegram_entity_type type;
    size_t at, end;    /* bytes */
    const char *extra; /* of the span: language, URL; NULL: none */
};
struct nf_telegram_entities {
    struct nf_telegram_entity *v;
    size_t n;
};
void nf_telegram_entities_done(struct nf_telegram_entities *e);

/* Where `s` is cut into messages of at most `max` units (NF_TELEGRAM_PART_MAX, or less if the
 * server wants it so): each fits the limits on text and on entities. NF_E_NOMEM. */
NF_RC nf_telegram_split(const struct nf_styled *s, size_t max, struct nf_styled_ranges *ret,
                        struct nf_err *err);

/* The entities of a whole text, in the order of their place. They borrow from `s`. *ret must be
 * empty. NF_E_NOMEM. */
NF_RC nf_telegram_entities(const struct nf_styled *s, struct nf_telegram_entities *ret,
                           struct nf_err *err);

/* Write the members "text" and, unless there are none or `plain`, "entities". NF_E_NOMEM. */
NF_RC nf_telegram_put_text(struct nf_json_out *o, const struct nf_styled *s, bool plain,
                           struct nf_err *err);
