/* Notes in the key-value store: one value each, under a key that sorts by age. */
#pragma once

#include "skills/bundled/common/args.h"

#define NF_NOTES_MAX 2000
#define NF_NOTE_TEXT_MAX 48000 /* bytes; as JSON with the rest it fits a value of the store */
#define NF_NOTE_TITLE_MAX 200
#define NF_NOTE_TAGS_MAX 20
#define NF_NOTE_TAG_MAX 40

struct nf_note {
    int64_t id;
    const char *title, *text;
    const char *tags[NF_NOTE_TAGS_MAX];
    size_t tags_n;
    int64_t created_ms, updated_ms;
};

/* The note with that id. Fails the call if there is none. */
bool nf_note_get(struct nf_args *a, int64_t id, struct nf_note *ret);
/* Every note, oldest first; NULL after a failure. */
struct nf_note *nf_note_all(struct nf_args *a, size_t *ret_n);
/* Store it; an id of 0 is a new note and gets one. */
bool nf_note_put(struct nf_args *a, struct nf_note *n);
bool nf_note_delete(struct nf_args *a, int64_t id);
bool nf_note_has_tag(const struct nf_note *n, const char *tag);

/* "2026-11-28T15:30:00Z" */
void nf_note_time(int64_t ms, struct nf_buf *to);
