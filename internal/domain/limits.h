/* What one person can make us keep, in one place. Each number has a test at its edge. */
#pragma once

#define NF_NAME_MAX 64              /* bytes of a user's, skill's, provider's or tool's name */
#define NF_TITLE_MAX 200            /* bytes of a session's title */
#define NF_CHANNEL_MAX 16           /* bytes of a channel's name: "web", "telegram" */
#define NF_ADDRESS_MAX 128          /* bytes of an account or chat id as its channel writes it */
#define NF_CLIENT_ID_MAX 64         /* bytes of a client's message id */
#define NF_MODEL_NAME_MAX 128       /* bytes of a model's name or alias */
#define NF_CALL_NAME_MAX 64         /* bytes of a tool's name as a model sees it */
#define NF_CALL_ID_MAX 128          /* bytes of a model's id of a tool call */
#define NF_MESSAGE_BYTES_MAX 262144 /* a person's message: 256 KiB */
#define NF_MEDIA_BYTES_MAX 6291456  /* files attached to a person's message: 6 MiB, */
#define NF_MEDIA_FILES_MAX 10       /* so many at most */
#define NF_MEDIA_RECENT 4           /* messages before the newest whose files a model still gets */
#define NF_REPLY_BYTES_MAX 1048576  /* a model's answer, or a tool's arguments or result: 1 MiB */
#define NF_SESSION_QUEUE_MAX 32     /* messages of one session that wait for their turn */
#define NF_TURN_STEPS_MAX 32        /* model calls and tool calls of one turn */
#define NF_TURN_ATTEMPTS_MAX 10     /* how often a turn that a crash cut off is taken up again */
#define NF_TOOL_CALLS_MAX 16        /* calls that one model reply may contain */
#define NF_CALL_REPEATS_MAX 4       /* the same call with the same arguments in one turn */
#define NF_PAIRINGS_MAX 10000       /* accounts of one network that wait to be let in */
#define NF_INVITES_MAX 50           /* invitations of one person that are open */
#define NF_REASON_MAX 400           /* bytes of the reason a task failed for */
