/* The operations of schedules that are about their runs and what these may use: see the port. */
#pragma once

#include "persistence/repositories/impl.h"

enum nf_code nf_repository_schedule_note(struct nf_schedule_store *s, struct nf_fire *fire,
                                         struct nf_err *err);
enum nf_code nf_repository_schedule_runs(struct nf_schedule_store *s, int64_t schedule_id,
                                         int64_t before, size_t limit, struct nf_schedule_runs *ret,
                                         struct nf_err *err);
enum nf_code nf_repository_schedule_of_turn(struct nf_schedule_store *s, int64_t run_id,
                                            struct nf_schedule_run *ret, struct nf_err *err);
enum nf_code nf_repository_schedule_ended(struct nf_schedule_store *s, size_t limit,
                                          struct nf_schedule_runs *ret, struct nf_err *err);
enum nf_code nf_repository_schedule_settle(struct nf_schedule_store *s,
                                           const struct nf_schedule_run *r, int64_t day,
                                           struct nf_err *err);
enum nf_code nf_repository_schedule_tokens(struct nf_schedule_store *s, int64_t user_id,
                                           int64_t day, int64_t *ret, struct nf_err *err);
enum nf_code nf_repository_schedule_tidy(struct nf_schedule_store *s, int64_t before_ms,
                                         int64_t day, struct nf_err *err);

/* schedule_store.c: what stores a schedule as it goes on. */
struct schedule_update_in nf_repository_schedule_update_of(const struct nf_schedule *s);
