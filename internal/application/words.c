#include "application/words.h"

#include <assert.h>
#include <stddef.h>

static const char *const words[NF_WORD_COUNT][2] = {
    [NF_WORD_WAIT] = { "\xE2\x80\xA6", "\xE2\x80\xA6" },
    [NF_WORD_READY] = { "The answer is there:", "Ответ готов:" },
    [NF_WORD_ASKS] = { "waits for an approval", "ждёт подтверждения" },
    [NF_WORD_IN_FILE] = { "The whole answer is in the file.", "Весь ответ — в файле." },
};

const char *nf_word(enum nf_lang lang, enum nf_word word)
{
    assert(word < NF_WORD_COUNT);
    return words[word][lang == NF_LANG_RU];
}
