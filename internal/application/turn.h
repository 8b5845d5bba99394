/*
 * A turn while it is being answered: what is known, what was said so far, and how it is shown. Used
 * by answer_turn.c and its helpers only.
 */
#pragma once

#include "application/answer_turn.h"
#include "application/commands.h"
#include "application/run_log.h"
#include "base/own.h"

struct nf_turn_calls;

struct nf_turn {
    struct nf_app *app;
    const struct nf_claim *claim;
    struct nf_channel *channel; /* NULL: it is not configured any more */
    struct nf_channel *page;    /* where the person can watch it too; NULL: nowhere */
    struct nf_messages history; /* up to the message to answer, grouped by turn */
    bool history_whole;         /* nothing was left out of it, nor moved */
    struct nf_messages said;    /* what this turn has said, in order */
    struct nf_run_cursor cursor;
    struct nf_usage *usage;
    size_t usage_n;
    int64_t steps;                     /* n of the newest step */
    struct nf_task step;               /* the newest step; id 0: none yet */
    bool step_written;                 /* its end is in the database */
    bool lost;                         /* a write was refused: somebody else owns the session now */
    char model[NF_MODEL_NAME_MAX + 1]; /* who answered last, "" so far */
    bool over;                         /* the last model reply called no tool */
    int64_t last_seq;   /* of the session when the turn had ended; 0: that is not written down */
    bool media_refused; /* the model takes no files of people */
    int64_t tokens_max; /* that it may use; 0: as it likes */
    struct nf_turn_control *control;
    struct nf_turn_calls *calls; /* of the newest reply, while they run; else NULL */
};

void nf_turn_done(struct nf_turn *t);

/* Give *e its ids and position and let the channel show it. */
void nf_turn_show(struct nf_turn *t, struct nf_run_event *e);

/* Show a text or a tool call that is known as a whole. */
void nf_turn_show_text(struct nf_turn *t, const char *text);
void nf_turn_show_calls(struct nf_turn *t, const struct nf_parts *parts);

/* Make *t->step the next step, running; `id` 0: a new one. Nothing is written down yet. NF_E_LIMIT
 * after NF_TURN_STEPS_MAX. */
NF_RC nf_turn_step(struct nf_turn *t, enum nf_task_kind kind, const char *name, int64_t id,
                   struct nf_err *err);

/* Write down that a step begins or has ended. NF_E_CONFLICT sets t->lost. */
NF_RC nf_turn_write_begin(struct nf_turn *t, const struct nf_task *step, struct nf_err *err);
NF_RC nf_turn_write_end(struct nf_turn *t, const struct nf_task *step, struct nf_err *err);

/* Append an assistant's message made of `text` and `parts`, which is zeroed. */
NF_RC nf_turn_say(struct nf_turn *t, enum nf_role role, const char *text, struct nf_parts *parts,
                  struct nf_err *err);

/* Add the tokens of the step to what the turn used. */
NF_RC nf_turn_use(struct nf_turn *t, const struct nf_task *step, struct nf_err *err);

/* One model call: build the context, stream the reply, show and keep it. Sets t->over. */
NF_RC nf_turn_ask(struct nf_turn *t, struct nf_err *err);

/* Run the tool calls of the newest assistant's message beside each other, and keep their results in
 * the order of the calls. `rows`, what the journal has of them, are moved from. NF_E_LIMIT: more
 * steps than a turn may have, or the same call again and again; then none of them runs. */
NF_RC nf_turn_call_tools(struct nf_turn *t, struct nf_task *rows, size_t rows_n,
                         struct nf_err *err);

/* The turn ends while calls run: keep the results that are there, and end the others' steps. */
NF_RC nf_turn_close_calls(struct nf_turn *t, enum nf_task_status status, const char *reason,
                          struct nf_err *err);
void nf_turn_calls_free(struct nf_turn_calls *c); /* NULL is allowed */

/* *ret: a schedule started the turn. A reminder, and why a run was skipped, is said by itself; else
 * t->tokens_max is set. */
NF_RC nf_turn_from_schedule(struct nf_turn *t, bool *ret, struct nf_err *err);
/* NF_E_LIMIT: the turn has used what it may. */
NF_RC nf_turn_check_spent(const struct nf_turn *t, struct nf_err *err);
/* The message to answer is "/run SKILL TOOL JSON": answer it without a model. */
bool nf_turn_is_run(const struct nf_turn *t);
NF_RC nf_turn_run(struct nf_turn *t, struct nf_err *err);

/* The message to answer is a command of a chat network, NF_COMMAND_NONE: it is none. */
enum nf_command nf_turn_command(const struct nf_turn *t);
/* Do what it says, and say what came of it: without a model. */
NF_RC nf_turn_obey(struct nf_turn *t, enum nf_command c, struct nf_err *err);

/* What /schedules answers, to `arg` behind it: a person's schedules, or what became of one. */
NF_RC nf_say_schedules(struct nf_app *a, const struct nf_user *user, enum nf_lang lang,
                       const char *arg, struct nf_str *to, struct nf_err *err);

/* Take in the messages that wait behind the one to answer, as far as they are of the same person
 * and no commands: the model hears of them with its next call. */
NF_RC nf_turn_steer(struct nf_turn *t, struct nf_err *err);

/* The message that is answered, NULL: it is not there. */
const struct nf_message *nf_turn_asked(const struct nf_turn *t);

/* What the oldest `dropped` messages of `all` were about, for the context: from memory if it was
 * asked before, else from the model named in the settings. May suspend. */
NF_RC nf_turn_summarise(struct nf_turn *t, const struct nf_messages *all, size_t dropped,
                        struct nf_str *ret, struct nf_err *err);

/* After a crash: take over what the journal says earlier attempts finished. */
NF_RC nf_turn_replay_journal(struct nf_turn *t, struct nf_err *err);

/* The turn ends before the journal was taken over as a whole: end what it says is running. */
NF_RC nf_turn_close_journal(struct nf_turn *t, struct nf_err *err);

/* Read the history. */
NF_RC nf_turn_load(struct nf_turn *t, struct nf_err *err);
/* The turn has ended: leave what was said to the next one. */
void nf_turn_leave(struct nf_turn *t);
