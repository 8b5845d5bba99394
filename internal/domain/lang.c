#include "domain/lang.h"

#include <stddef.h>
#include <string.h>

const char *nf_lang_name(enum nf_lang lang)
{
    return lang == NF_LANG_RU ? "ru" : "en";
}

bool nf_lang_from_name(const char *name, enum nf_lang *ret)
{
    for (enum nf_lang lang = NF_LANG_EN; lang <= NF_LANG_RU; lang++) {
        if (strcmp(nf_lang_name(lang), name) == 0) {
            *ret = lang;
            return true;
        }
    }
    return false;
}

/* RFC 5646 section 2.1: the primary subtag comes first, in either case. */
enum nf_lang nf_lang_of(const char *tag)
{
    if (tag && (tag[0] == 'r' || tag[0] == 'R') && (tag[1] == 'u' || tag[1] == 'U') &&
        (tag[2] == '\0' || tag[2] == '-' || tag[2] == '_'))
        return NF_LANG_RU;
    return NF_LANG_EN;
}
