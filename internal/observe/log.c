#include "observe/log.h"

#include "base/context.h"
#include "base/time.h"
#include "base/utf8.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What a line always has room for: the longest end there is. */
static const char json_cut[] = ",\"cut\":true}\n";
#define LINE_BODY_MAX (NF_LOG_LINE_MAX - (sizeof(json_cut) - 1))

#define PIECE_MAX 4096 /* PIPE_BUF: a pipe that can be written to takes so much without waiting */

/* A character in its longest form: "\u001b". */
#define ESCAPE_MAX 6

struct line {
    char resync; /* first: a newline, written only after a line that was written in part */
    char s[NF_LOG_LINE_MAX];
    size_t n;
    bool cut;
    enum nf_log_format format;
};

struct fields {
    const char *key[NF_LOG_FIELDS_MAX];
    const char *value[NF_LOG_FIELDS_MAX];
    size_t n;
    bool more;
};

_Atomic(enum nf_log_level) nf_log_level = NF_LOG_INFO;
static _Atomic(enum nf_log_format) log_format = NF_LOG_JSON;
static _Atomic int log_fd = STDERR_FILENO;
static _Atomic bool log_colour;
static _Atomic bool log_torn; /* the last line lacks its end */
static _Atomic unsigned long long log_dropped;
static _Atomic unsigned long long log_lines[NF_LOG_ERROR + 1];

void nf_log_setup(int fd, enum nf_log_level level, enum nf_log_format format)
{
    log_fd = fd;
    log_format = format;
    log_colour = isatty(fd) == 1;
    nf_log_level = level;
}

unsigned long long nf_log_dropped(void)
{
    return log_dropped;
}

const char *nf_num(struct nf_num_buf *b, long long v)
{
    (void)snprintf(b->s, sizeof(b->s), "%lld", v);
    return b->s;
}

/* --- filling a line --------------------------------------------------------------------------- */

/* Add all of it or nothing, and leave room for `after` bytes more. */
static bool add(struct line *l, const char *p, size_t n, size_t after)
{
    if (l->cut || n + after > LINE_BODY_MAX - l->n) {
        l->cut = true;
        return false;
    }
    memcpy(l->s + l->n, p, n);
    l->n += n;
    return true;
}

static void adds(struct line *l, const char *text)
{
    (void)add(l, text, strlen(text), 0);
}

/* Bytes of the character at `p`, 0 if it is not UTF-8. */
static size_t character(const char *p, size_t n)
{
    struct nf_utf8 u = { 0 };
    for (size_t i = 0; i < n && nf_utf8_feed(&u, p + i, 1); i++)
        if (nf_utf8_complete(&u))
            return i + 1;
    return 0;
}

/* U+0000 to U+001F, U+007F to U+009F: what a terminal may obey. -1 if it is none of them. */
static int control_character(const char *p, size_t n)
{
    unsigned char c = (unsigned char)p[0];
    if (n == 1)
        return c < 0x20 || c == 0x7f ? c : -1;
    return n == 2 && c == 0xc2 && (unsigned char)p[1] < 0xa0 ? (unsigned char)p[1] : -1;
}

/* The character of n bytes at `p` as it may stand in a line. Returns its bytes. */
static size_t escape(const char *p, size_t n, char out[ESCAPE_MAX + 1])
{
    static const char names[] = { ['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r' };
    int control = n > 0 ? control_character(p, n) : -1;
    if (n == 0)
        return (size_t)snprintf(out, ESCAPE_MAX + 1, "\xef\xbf\xbd");
    if (*p == '"' || *p == '\\')
        return (size_t)snprintf(out, ESCAPE_MAX + 1, "\\%c", *p);
    if (control >= 0 && control < (int)sizeof(names) && names[control])
        return (size_t)snprintf(out, ESCAPE_MAX + 1, "\\%c", names[control]);
    if (control >= 0)
        return (size_t)snprintf(out, ESCAPE_MAX + 1, "\\u%04x", (unsigned)control);
    memcpy(out, p, n);
    return n;
}

/* The text in quotes; cut between characters, and with both quotes. */
static void add_quoted(struct line *l, const char *text)
{
    size_t n = strnlen(text, NF_LOG_LINE_MAX);
    if (!add(l, "\"", 1, 1))
        return;
    for (size_t i = 0; i < n;) {
        char out[ESCAPE_MAX + 1];
        size_t k = character(text + i, n - i);
        size_t written = escape(text + i, k, out);
        if (!add(l, out, written, 1))
            break;
        i += k > 0 ? k : 1;
    }
    l->s[l->n++] = '"';
}

static bool is_plain(const char *text)
{
    if (!*text)
        return false;
    for (const char *p = text; *p; p++)
        if (*p <= ' ' || *p >= 0x7f || *p == '"' || *p == '\\' || *p == '=')
            return false;
    return true;
}

static void add_field(struct line *l, const char *key, const char *value)
{
    bool json = l->format == NF_LOG_JSON;
    const char *before = json ? ",\"" : " ", *between = json ? "\":" : "=";
    size_t n = strlen(before) + strlen(key) + strlen(between);
    size_t least = value ? strlen("\"\"") : strlen("null");
    if (l->cut || n + least > LINE_BODY_MAX - l->n) {
        l->cut = true;
        return;
    }
    adds(l, before);
    adds(l, key);
    adds(l, between);
    if (!value)
        adds(l, "null");
    else if (!json && is_plain(value) && strlen(value) <= LINE_BODY_MAX - l->n)
        adds(l, value);
    else
        add_quoted(l, value);
}

/* --- the parts of a line ---------------------------------------------------------------------- */

static const char *level_name(enum nf_log_level level)
{
    switch (level) {
    case NF_LOG_DEBUG:
        return "debug";
    case NF_LOG_INFO:
        return "info";
    case NF_LOG_WARN:
        return "warn";
    default:
        return "error";
    }
}

static struct nf_time_text now_text(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return nf_time_to_text((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

static void begin_json(struct line *l, enum nf_log_level level, const char *event)
{
    adds(l, "{\"ts\":\"");
    adds(l, now_text().s);
    adds(l, "\",\"level\":\"");
    adds(l, level_name(level));
    adds(l, "\",\"event\":");
    add_quoted(l, event);
}

static void begin_console(struct line *l, enum nf_log_level level, const char *event)
{
    static const char *const colours[] = { "\x1b[90m", "\x1b[32m", "\x1b[33m", "\x1b[31m" };
    bool colour = log_colour;
    char name[8];
    adds(l, now_text().s);
    adds(l, colour ? " " : "");
    if (colour)
        adds(l, colours[level < NF_LOG_DEBUG || level > NF_LOG_ERROR ? 3 : level - NF_LOG_DEBUG]);
    (void)snprintf(name, sizeof(name), colour ? "%-5s" : " %-5s", level_name(level));
    adds(l, name);
    adds(l, colour ? "\x1b[0m " : " ");
    adds(l, event);
}

static bool has_key(const struct fields *f, const char *key)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->key[i], key) == 0)
            return true;
    return false;
}

static void put_field(struct fields *f, const char *key, const char *value)
{
    if (f->n == NF_LOG_FIELDS_MAX) {
        f->more = true;
        return;
    }
    f->key[f->n] = key;
    f->value[f->n++] = value;
}

static void collect(struct fields *f, va_list ap)
{
    const char *key, *value;
    while ((key = va_arg(ap, const char *)) != NULL) {
        value = va_arg(ap, const char *);
        put_field(f, key, value);
        if (!value)
            break;
    }
    for (const struct nf_context *c = nf_context_current(); c; c = c->up)
        if (!has_key(f, c->key))
            put_field(f, c->key, c->value);
}

static void end_line(struct line *l)
{
    const char *end =
        l->format == NF_LOG_JSON ? (l->cut ? json_cut : "}\n") : (l->cut ? " cut=true\n" : "\n");
    memcpy(l->s + l->n, end, strlen(end));
    l->n += strlen(end);
}

/* A reader that has stopped (a terminal on Ctrl-S, a pager) must not stop us with it. We may not
 * make the descriptor non-blocking: it is shared with whoever started us. */
static bool takes_more(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    return poll(&p, 1, 0) != 0;
}

/* One write(2) for what a pipe takes at once. What the descriptor does not take is lost. */
static void write_line(const struct line *l)
{
    bool torn = atomic_exchange(&log_torn, false);
    const char *p = torn ? (const char *)l : l->s;
    size_t left = l->n + (torn ? 1 : 0), whole = left;
    int fd = log_fd;
    while (left > 0) {
        size_t n = left < PIECE_MAX ? left : PIECE_MAX;
        ssize_t got = takes_more(fd) ? write(fd, p, n) : 0;
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            log_dropped++;
            if (torn || left < whole)
                log_torn = true;
            return;
        }
        p += got;
        left -= (size_t)got;
    }
}

void nf_log_event(enum nf_log_level level, const char *event, ...)
{
    if (level < nf_log_level)
        return;
    log_lines[level]++;
    int saved = errno; /* who logs an error still wants its number */
    struct line l;
    struct fields f;
    l.resync = '\n';
    l.n = 0;
    l.cut = false;
    l.format = log_format;
    f.n = 0;
    f.more = false;

    va_list ap;
    va_start(ap, event);
    collect(&f, ap);
    va_end(ap);
    if (l.format == NF_LOG_JSON)
        begin_json(&l, level, event);
    else
        begin_console(&l, level, event);
    for (size_t i = 0; i < f.n; i++)
        add_field(&l, f.key[i], f.value[i]);
    l.cut = l.cut || f.more;
    end_line(&l);
    write_line(&l);
    errno = saved;
}

unsigned long long nf_log_lines(enum nf_log_level level)
{
    return log_lines[level];
}
