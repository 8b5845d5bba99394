#include "domain/reason.h"

#include <string.h>

static const struct {
    const char *code, *format;
} reasons[] = {
    { "no-model", NF_REASON_NO_MODEL },
    { "output-limit", NF_REASON_OUTPUT_LIMIT },
    { "refused", NF_REASON_REFUSED },
    { "no-room", NF_REASON_NO_ROOM },
    { "no-answer", NF_REASON_NO_ANSWER },
    { "answer-cut", NF_REASON_ANSWER_CUT },
    { "gave-up", NF_REASON_GAVE_UP },
    { "too-many-steps", NF_REASON_TOO_MANY_STEPS },
    { "same-call", NF_REASON_SAME_CALL },
    { "window", NF_REASON_WINDOW },
    { "key-refused", NF_REASON_KEY_REFUSED },
    { "not-allowed", NF_REASON_NOT_ALLOWED },
    { "no-credit", NF_REASON_NO_CREDIT },
    { "rate-limited", NF_REASON_RATE_LIMITED },
    { "model-down", NF_REASON_MODEL_DOWN },
    { "not-a-stream", NF_REASON_NOT_A_STREAM },
    { "broke-off", NF_REASON_BROKE_OFF },
    { "bad-answer", NF_REASON_BAD_ANSWER },
    { "unreachable", NF_REASON_UNREACHABLE },
    { "left-alone", NF_REASON_LEFT_ALONE },
    { "silent", NF_REASON_SILENT },
    { "failed", NF_REASON_FAILED },
    { "no-such-model", NF_REASON_NO_SUCH_MODEL },
    { "too-long", NF_REASON_TOO_LONG },
    { "bad-request", NF_REASON_BAD_REQUEST },
    { "stopped", NF_REASON_STOPPED },
};

/* Behind the conversions that begin at f, all that stand side by side: each ends with s or d. */
static const char *skip_conversions(const char *f)
{
    while (*f == '%') {
        while (*f != 's' && *f != 'd')
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

static bool tells(struct nf_slice text, const char *format, struct nf_reason *r)
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
        if (end == 0 || r->n == NF_REASON_VALUES_MAX)
            return false;
        r->values[r->n++] = (struct nf_slice){ text.p, end };
        text.p += end + n;
        text.n -= end + n;
    }
    return text.n == 0;
}

bool nf_reason_of(struct nf_slice text, struct nf_reason *ret)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        struct nf_reason r = { .code = reasons[i].code };
        if (!tells(text, reasons[i].format, &r))
            continue;
        *ret = r;
        return true;
    }
    return false;
}
