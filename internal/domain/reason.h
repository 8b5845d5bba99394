/*
 * Why a turn ended without an answer. The words are written down once, as a person was told them;
 * who comes later reads in them which way of failing it was and the values it names. So another
 * language can say the same, of what was written long ago too. Pure.
 */
#pragma once

#include "base/string.h"
#include "domain/lang.h"

#include <stdbool.h>

/* Formats. What is put in must not be empty. Conversions side by side are one value. */
#define NF_REASON_NO_MODEL                                                                         \
    "no language model is configured: run `nexflow up`, or add one under llm.providers in the "    \
    "configuration file"
#define NF_REASON_OUTPUT_LIMIT                                                                     \
    "%s used up its output limit before it said anything: ask for less, or raise its "             \
    "output_tokens"
#define NF_REASON_REFUSED                                                                          \
    "%s refused to answer, and did not say why: ask in other words, or choose another model"
#define NF_REASON_NO_ROOM                                                                          \
    "%s had no room for an answer: begin a new conversation, or set its context_tokens to what "   \
    "it has"
#define NF_REASON_NO_ANSWER "%s answered nothing: ask again, or choose another model"
#define NF_REASON_ANSWER_CUT "the answer is over %d bytes: it was cut"
#define NF_REASON_GAVE_UP                                                                          \
    "Nexflow was cut off %d times while it answered this, and gives up: ask again, and look at "   \
    "the log if it happens again"
#define NF_REASON_TOO_MANY_STEPS "stopped after %d steps without an answer: ask for less at once"
#define NF_REASON_SAME_CALL                                                                        \
    "stopped: the model called %.64s with the same arguments more than %d times. Ask again in "    \
    "other words, or choose another model"
#define NF_REASON_WINDOW                                                                           \
    "the system prompt and the tools leave no room for a message in the model's window of %lld "   \
    "tokens: shorten system_prompt, offer fewer tools, or choose a model with a larger window"
#define NF_REASON_KEY_REFUSED "%s refused the key (%d): check llm.providers: api_key of '%s'"
#define NF_REASON_NOT_ALLOWED "%s may not be used with this key (403): %s"
#define NF_REASON_NO_CREDIT                                                                        \
    "%s: the account at '%s' has no credit left (%d): top it up, or choose another model"
#define NF_REASON_RATE_LIMITED "%s: too many requests (429): try again in %lld s"
#define NF_REASON_MODEL_DOWN                                                                       \
    "%s does not work right now (%d%s%s): try again in a moment, or choose another model"
#define NF_REASON_NOT_A_STREAM                                                                     \
    "%s does not answer with a stream (status %d%s%s): check the base_url of '%s'"
#define NF_REASON_BROKE_OFF "%s: the answer broke off before its end: try again"
#define NF_REASON_BAD_ANSWER                                                                       \
    "%s sent something that is no answer (%s): try again, or check the base_url of '%s'"
#define NF_REASON_UNREACHABLE                                                                      \
    "%s cannot be reached (%s): is '%s' running, and is its base_url right?"
#define NF_REASON_LEFT_ALONE                                                                       \
    "%s failed several times and is left alone for %lld s: try again then, or choose another "     \
    "model"
#define NF_REASON_SILENT                                                                           \
    "%s was silent too long (%s): try again, choose another model, or raise its timeout under "    \
    "llm.models"
#define NF_REASON_FAILED "%s failed (%s): try again, or choose another model"
#define NF_REASON_NO_SUCH_MODEL                                                                    \
    "%s: '%s' does not know this model (%d%s%s): check its name and the base_url"
#define NF_REASON_TOO_LONG                                                                         \
    "%s: the conversation is too long for it (%d%s%s): begin a new one, or choose a model with a " \
    "larger window"
#define NF_REASON_BAD_REQUEST "%s refused the request (%d%s%s)"
#define NF_REASON_STOPPED "Stopped."

#define NF_REASON_VALUES_MAX 3

struct nf_reason {
    const char *code; /* "rate-limited" */
    struct nf_slice values[NF_REASON_VALUES_MAX];
    size_t n;
};

/* Which one `text` tells, and its values as they stand in it. False: none of these. */
bool nf_reason_of(struct nf_slice text, struct nf_reason *ret);

/* Append what `text` tells, in `lang`: text that is none of these as it is. The error is of `to`.
 */
NF_RC nf_reason_say(struct nf_slice text, enum nf_lang lang, struct nf_str *to, struct nf_err *err);
