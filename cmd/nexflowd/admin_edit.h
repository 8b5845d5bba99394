/* What the files of the owner's changes share. All may suspend. */
#pragma once

#include "base/string.h"
#include "codec/hash.h"
#include "codec/json.h"

struct nf_wiring;

/* Change *text, that of the configuration file at `path`, which may be another than what runs: what
 * is changed must be looked up in it. */
typedef enum nf_code (*nf_admin_edit_fn)(struct nf_wiring *w, const char *path, struct nf_str *text,
                                         const void *arg, struct nf_err *err);

/* As a hash: whatever the file is by now. */
extern const char nf_admin_any[];

/* Let `edit` change the file, check it as a whole, write it, take it over; *to is the answer as
 * JSON. NF_E_CONFLICT: `hash` (NULL is none) is not the file's any more, or another change is under
 * way. */
NF_RC nf_admin_edit(struct nf_wiring *w, const char *hash, nf_admin_edit_fn edit, const void *arg,
                    struct nf_str *to, struct nf_err *err);

/* The configuration file as it is; nothing if it is not there. */
struct nf_admin_file {
    const char *path; /* borrowed */
    struct nf_str text;
    char hash[NF_SHA256_HEX + 1]; /* of the text */
};
void nf_admin_file_done(struct nf_admin_file *f);
/* Read it into *f, which is zeroed, on another thread. Suspends. */
NF_RC nf_admin_load(struct nf_wiring *w, struct nf_admin_file *f, struct nf_err *err);

/* A text as YAML: quoted, but for "${NAME}", which stays a variable of the environment. */
NF_RC nf_admin_add_text(struct nf_str *to, const char *text, struct nf_err *err);
/* The YAML of a text, a number, a boolean or a list of texts. */
NF_RC nf_admin_write_value(const struct nf_json *v, struct nf_str *to, struct nf_err *err);
/* A line "key: value" of the text body[key]; none if it is empty or absent and not `needed`. */
NF_RC nf_admin_add_field(struct nf_str *to, const char *key, const struct nf_json *body,
                         bool needed, struct nf_err *err);

/* admin_bots.c, admin_models.c and admin_providers.c: see struct nf_web_admin_ops. */
enum nf_code nf_admin_channel_add(void *arg, const struct nf_json *body, struct nf_str *to,
                                  struct nf_err *err);
enum nf_code nf_admin_channel_token(void *arg, const char *name, const struct nf_json *body,
                                    struct nf_str *to, struct nf_err *err);
enum nf_code nf_admin_channel_remove(void *arg, const char *name, const char *hash,
                                     struct nf_str *to, struct nf_err *err);
enum nf_code nf_admin_alias_put(void *arg, const struct nf_json *body, struct nf_str *to,
                                struct nf_err *err);
enum nf_code nf_admin_alias_remove(void *arg, const char *name, const char *hash, struct nf_str *to,
                                   struct nf_err *err);
enum nf_code nf_admin_model_put(void *arg, const struct nf_json *body, struct nf_str *to,
                                struct nf_err *err);
enum nf_code nf_admin_providers(void *arg, struct nf_str *to, struct nf_err *err);
enum nf_code nf_admin_provider_add(void *arg, const struct nf_json *body, struct nf_str *to,
                                   struct nf_err *err);
enum nf_code nf_admin_provider_remove(void *arg, const char *name, const char *hash,
                                      struct nf_str *to, struct nf_err *err);
enum nf_code nf_admin_provider_try(void *arg, const struct nf_json *body, struct nf_str *to,
                                   struct nf_err *err);
