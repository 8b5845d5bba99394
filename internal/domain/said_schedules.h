/* The words that are written down with a run that was skipped, and with a schedule that was paused
 * by Nexflow. nf_schedule_sayings (domain/said.h) reads them back. */
#pragma once

#include "domain/said.h"

#define NF_SKIPPED_NO_MODEL "no language model is configured"
#define NF_SKIPPED_RUN_BEFORE "the run before it has not ended"
#define NF_SKIPPED_USER_TOKENS                                                                     \
    "your schedules have used up their tokens of today (schedules.user_tokens)"
#define NF_SKIPPED_ALL_TOKENS                                                                      \
    "all schedules together have used up their tokens of today (schedules.all_tokens)"
#define NF_SKIPPED_CROWDED "too many messages wait there"
#define NF_SKIPPED_WAS_DOWN "Nexflow did not run at that time"
#define NF_SKIPPED_DELETED "its conversation was deleted"
#define NF_HALTED_BLOCKED "its person is blocked"
#define NF_HALTED_CHANNEL "its channel is not configured any more"
#define NF_HALTED_UNREACHABLE "its network does not let us write to that chat"
#define NF_HALTED_NO_SPEND "schedules may not ask models with nobody there (schedules.spend)"
#define NF_HALTED_ZONE "its time zone is not known to this machine"
#define NF_HALTED_BY_MODEL "it asks a model with nobody there: switch it on yourself"
#define NF_HALTED_CHANGED "somebody else changed it: look at it, and switch it on again"
