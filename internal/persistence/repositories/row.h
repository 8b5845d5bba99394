/* Between rows and entities. What a row holds is checked: it comes from outside. */
#pragma once

#include "base/string.h"
#include "domain/message.h"
#include "domain/session.h"
#include "domain/task.h"
#include "domain/user.h"
#include "persistence/sql.h"

#define NF_ROW_JSON_MAX ((size_t)64 << 20) /* bytes of a reply's or message's parts as JSON */

/* NULL and "" become NULL: the column holds nothing. */
str nf_row_text(const char *s);
/* The same, cut at a character to at most `max` bytes. */
str nf_row_cut(const char *s, size_t max);
/* NULL stays NULL. */
str nf_row_opt(const char *s);
/* NULL becomes "". */
str nf_row_str(const char *s);

/* Copy into a field of `size` bytes with the NUL. NF_E_IO if it does not fit. */
NF_RC nf_row_copy(char *to, size_t size, str from, const char *what, struct nf_err *err);

/* NF_E_IO unless lo <= v <= hi. */
NF_RC nf_row_enum(i64 v, int lo, int hi, const char *what, struct nf_err *err);

/* `v`, an array of n elements of `size` bytes, with room for one more; NULL and *err set: no
 * memory, and v is as before. */
void *nf_row_grow(void *v, size_t n, size_t size, struct nf_err *err);
/* The same for a list of `v` and `n`. */
#define NF_ROW_ROOM(list, err)                                                                     \
    ({                                                                                             \
        void *room_ = nf_row_grow((list)->v, (list)->n, sizeof(*(list)->v), (err));                \
        if (room_)                                                                                 \
            (list)->v = room_;                                                                     \
        (enum nf_code)(room_ ? NF_OK : NF_E_NOMEM);                                                \
    })

/* Row callbacks. `to` is the list, or for _one the entity, zeroed. */
enum nf_code nf_row_session_one(void *to, const void *row, struct nf_err *err);
enum nf_code nf_row_session(void *to, const void *row, struct nf_err *err);
enum nf_code nf_row_message(void *to, const void *row, struct nf_err *err);
enum nf_code nf_row_task_one(void *to, const void *row, struct nf_err *err);
enum nf_code nf_row_task(void *to, const void *row, struct nf_err *err);
enum nf_code nf_row_user_one(void *to, const void *row, struct nf_err *err);
enum nf_code nf_row_user(void *to, const void *row, struct nf_err *err);

/* Of a statement whose rows are only counted: *to is an i64. */
enum nf_code nf_row_count(void *to, const void *row, struct nf_err *err);

/* What puts an entity, which must outlive it. */
struct session_put_in nf_row_put_session(const struct nf_session *s);
struct user_put_in nf_row_put_user(const struct nf_user *u);
struct identity_put_in nf_row_put_identity(const struct nf_identity *i);

/* The statements that return the same columns have row structs of the same layout: one of each
 * stands for all. */
_Static_assert(sizeof(struct session_get_row) == sizeof(struct session_list_row) &&
                   sizeof(struct task_get_row) == sizeof(struct task_list_row) &&
                   sizeof(struct messages_last_row) == sizeof(struct run_messages_row) &&
                   sizeof(struct user_get_row) == sizeof(struct user_find_row),
               "row structs differ");

/* NF_E_NOT_FOUND "no such <what>" unless there was a row. */
NF_RC nf_row_found(size_t rows, const char *what, struct nf_err *err);
