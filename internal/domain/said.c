#include "domain/said.h"

#include <string.h>

/* Behind the conversions that begin at f, all that stand side by side: each ends with s, d or u. */
static const char *skip_conversions(const char *f)
{
    while (*f == '%') {
        while (*f != 's' && *f != 'd' && *f != 'u')
            f++;
        f++;
    }
    return f;
}

/* Bytes before the next conversion, or the end. */
static size_t literal_len(const char *f)
{
    size_t n = 0;
    while (f[n] && f[n] != '%')
        n++;
    return n;
}

static bool begins(struct nf_slice s, const char *literal, size_t n)
{
    return s.n >= n && memcmp(s.p, literal, n) == 0;
}

/* Where the literal stands in s first, behind at least one byte; the last literal of a format
 * stands where the text ends. 0: nowhere. */
static size_t value_end(struct nf_slice s, const char *literal, size_t n, bool last)
{
    if (last)
        return s.n > n && memcmp(s.p + s.n - n, literal, n) == 0 ? s.n - n : 0;
    for (size_t i = 1; i + n <= s.n; i++)
        if (memcmp(s.p + i, literal, n) == 0)
            return i;
    return 0;
}

static bool tells(struct nf_slice text, const char *format, struct nf_said *r)
{
    size_t n = literal_len(format);
    if (!begins(text, format, n))
        return false;
    text.p += n;
    text.n -= n;
    for (format += n; *format == '%'; format += n) {
        format = skip_conversions(format);
        n = literal_len(format);
        size_t end = value_end(text, format, n, format[n] == '\0');
        if (end == 0 || r->n == NF_SAID_VALUES_MAX)
            return false;
        r->values[r->n++] = (struct nf_slice){ text.p, end };
        text.p += end + n;
        text.n -= end + n;
    }
    return text.n == 0;
}

static const struct nf_saying *find(const struct nf_sayings *of, struct nf_slice text,
                                    struct nf_said *ret)
{
    for (size_t i = 0; of && i < of->n; i++) {
        struct nf_said r = { .code = of->v[i].code, .inner = of->v[i].values };
        if (!tells(text, of->v[i].format, &r))
            continue;
        *ret = r;
        return &of->v[i];
    }
    return NULL;
}

bool nf_said_of(const struct nf_sayings *of, struct nf_slice text, struct nf_said *ret)
{
    return find(of, text, ret) != NULL;
}

/* An error passes on what others said, too: why a model failed, why a schedule may not run. */
static bool is_refusal(struct nf_slice text, struct nf_said *ret)
{
    return find(&nf_refusal_sayings, text, ret) || find(&nf_turn_sayings, text, ret) ||
           find(&nf_schedule_sayings, text, ret) || find(&nf_bot_sayings, text, ret);
}

bool nf_said_of_error(struct nf_slice text, size_t *where, struct nf_said *ret)
{
    for (size_t i = 0; i < text.n; i++) {
        bool here = i == 0 || (i > 2 && memcmp(text.p + i - 2, ": ", 2) == 0);
        if (here && is_refusal((struct nf_slice){ text.p + i, text.n - i }, ret)) {
            *where = i == 0 ? 0 : i - 2;
            return true;
        }
    }
    return false;
}

/* NOLINTBEGIN(misc-no-recursion): tables stand in tables, three deep at most */
static NF_RC say(const struct nf_sayings *of, struct nf_slice text, struct nf_str *to,
                 struct nf_err *err);

static NF_RC fill(const char *words, const struct nf_said *r, struct nf_str *to, struct nf_err *err)
{
    for (const char *at; (at = strchr(words, '{')); words = at + sizeof("{0}") - 1) {
        NF_TRY(nf_str_add(to, words, (size_t)(at - words), err));
        NF_TRY(say(r->inner, r->values[at[1] - '0'], to, err));
    }
    return nf_str_adds(to, words, err);
}

static NF_RC say(const struct nf_sayings *of, struct nf_slice text, struct nf_str *to,
                 struct nf_err *err)
{
    struct nf_said r;
    const struct nf_saying *k = find(of, text, &r);
    return k && k->russian ? fill(k->russian, &r, to, err) : nf_str_add(to, text.p, text.n, err);
}
/* NOLINTEND(misc-no-recursion) */

enum nf_code nf_said_say(const struct nf_sayings *of, struct nf_slice text, enum nf_lang lang,
                         struct nf_str *to, struct nf_err *err)
{
    return say(lang == NF_LANG_RU ? of : NULL, text, to, err);
}
