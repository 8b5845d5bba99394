/*
 * Why a turn ended without an answer, or a call without a result: the formats of the words that are
 * written down, as a person was told them. nf_turn_sayings (domain/said.h) reads them back. Pure.
 */
#pragma once

#include "domain/said.h"

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
#define NF_REASON_SCHEDULE_SKIPPED "This scheduled run was skipped: %s."
#define NF_REASON_SCHEDULE_SPENT                                                                   \
    "stopped: this scheduled run has used %lld tokens, and %lld are allowed "                      \
    "(schedules.run_tokens)"
#define NF_REASON_ANSWER_TOO_LONG "the answer is longer than one turn can hold"
#define NF_REASON_TOO_MANY_CALLS "the model made more than %d tool calls at once"
#define NF_REASON_CHOOSE_MODEL "choose another model for this conversation: %s"
#define NF_REASON_ASKED_AGAIN "Nexflow was restarted meanwhile: the model was asked again."
#define NF_REASON_NOT_GONE_ON "Nexflow was restarted while this ran, and the turn did not go on."
#define NF_REASON_UNKNOWN_EFFECT                                                                   \
    "Nexflow was restarted while this ran: whether it took effect is unknown."

/* Of calls; the model reads them too. */
#define NF_REASON_APPROVALS_FULL "too many calls wait for an approval already: it was not run"
#define NF_REASON_APPROVAL_LOST "the question whether it may run is lost: it was not run"
#define NF_REASON_APPROVAL_VOID "the approval of this call is used or void. It was not run"
#define NF_REASON_NOBODY_APPROVED "nobody approved this call within %lld minutes. It was not run"
#define NF_REASON_NOBODY_APPROVED_SOON                                                             \
    "nobody approved this call within %lld seconds. It was not run"
#define NF_REASON_ASK_INSTEAD                                                                      \
    ". It was not run. Do not try to reach the same in another way: ask what to do instead"
#define NF_REASON_DENIED "a person was asked and denied this call" NF_REASON_ASK_INSTEAD
#define NF_REASON_DENIED_SAYING                                                                    \
    "a person was asked and denied this call, saying: %s" NF_REASON_ASK_INSTEAD
#define NF_REASON_NO_TEXT "what the tool answered is not text"
