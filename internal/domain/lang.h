/* The languages that Nexflow itself speaks. What a model answers in is its own affair. */
#pragma once

#include <stdbool.h>

/* Stored by number: append, never renumber. */
enum nf_lang { NF_LANG_EN = 1, NF_LANG_RU = 2 };

/* "en" */
const char *nf_lang_name(enum nf_lang lang);
bool nf_lang_from_name(const char *name, enum nf_lang *ret);

/* Of a tag of BCP 47 such as "ru-RU"; English for one that is not among them, and for NULL. */
enum nf_lang nf_lang_of(const char *tag);
