/* The languages that Nexflow itself speaks. What a model answers in is its own affair. */
#pragma once

/* Stored by number: append, never renumber. */
enum nf_lang { NF_LANG_EN = 1, NF_LANG_RU = 2 };

/* Of a tag of BCP 47 such as "ru-RU"; English for one that is not among them, and for NULL. */
enum nf_lang nf_lang_of(const char *tag);
