/* What Nexflow itself says to people in chat networks, in their language. */
#pragma once

#include "domain/lang.h"

enum nf_word {
    NF_WORD_WAIT,        /* the placeholder of a reply that is being written */
    NF_WORD_READY,       /* the placeholder of one that took long */
    NF_WORD_ASKS,        /* a tool waits for an approval */
    NF_WORD_IN_FILE,     /* the reply is long and comes as a file */
    NF_WORD_FILE_UNSURE, /* the same, and nobody knows whether the file arrived */
    NF_WORD_PAIRING,     /* to an account that nobody knows: before and after its code */
    NF_WORD_PAIRING_END,
    NF_WORD_ADMITTED, /* to one that was let in */
    NF_WORD_LINKED,   /* to one that came with an invitation: before and after the user's name */
    NF_WORD_LINKED_END,
    NF_WORD_TEST,     /* from nexflow channel test */
    NF_WORD_TOO_FAST, /* before and after the seconds to wait */
    NF_WORD_TOO_FAST_END,
    NF_WORD_CROWDED,          /* too much waits in this chat */
    NF_WORD_PRESSED_TOO_FAST, /* a button; the end is NF_WORD_TOO_FAST_END */
    NF_WORD_NOT_TAKEN,        /* a message was refused: before the reason */
    NF_WORD_FILES_UNREAD,     /* a message was taken without some of its files: before them */
    NF_WORD_STOPPED,          /* what ran or waited was stopped */
    NF_WORD_NOTHING_RUNS,
    NF_WORD_CALL_ASKS, /* behind who asks, before the tool's name */
    NF_WORD_CALL_WAITS,
    NF_WORD_CALL_MINUTES,  /* before how many */
    NF_WORD_CALL_TOO_LONG, /* to be looked at here */
    NF_WORD_CALL_ALLOWED,  /* what became of a call: before who decided */
    NF_WORD_CALL_DENIED,
    NF_WORD_CALL_EXPIRED,
    NF_WORD_CALL_CANCELLED,
    NF_WORD_ALLOW_ONCE, /* buttons */
    NF_WORD_DENY,
    NF_WORD_LET_IN,
    NF_WORD_WAS_LET_IN,
    NF_WORD_SOMEBODY_WAITS, /* to be let in: before who */
    NF_WORD_MORE_WAIT,      /* before how many */
    NF_WORD_NOBODY_WAITS,
    NF_WORD_NOT_YOURS, /* to decide */
    NF_WORD_TOO_LATE,
    NF_WORD_MENTION_ME,     /* where the network shows us nothing else */
    NF_WORD_PRIVATE_CLOSED, /* to who cannot be asked there */
    NF_WORD_SLOW,           /* a command that cannot be written down yet */
    NF_WORD_FILTERED,       /* the network's filters did not let a reply through */
    NF_WORD_COUNT,
};

/* Never NULL; may hold Markdown. */
const char *nf_word(enum nf_lang lang, enum nf_word word);
