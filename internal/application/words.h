/* What Nexflow itself says to people in chat networks, in their language. */
#pragma once

#include "domain/lang.h"

enum nf_word {
    NF_WORD_WAIT,    /* the placeholder of a reply that is being written */
    NF_WORD_READY,   /* the placeholder of one that took long */
    NF_WORD_ASKS,    /* a tool waits for an approval */
    NF_WORD_IN_FILE, /* the reply is long and comes as a file */
    NF_WORD_COUNT,
};

/* Never NULL; may hold Markdown. */
const char *nf_word(enum nf_lang lang, enum nf_word word);
