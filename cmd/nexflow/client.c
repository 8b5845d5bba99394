/* Talking to the daemon, and to whoever sits at the terminal. */
#include "cmd/nexflow/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)64 << 20)
#define ANSWER_TIMEOUT_MS 60000
#define LINE_BYTES_MAX ((size_t)1 << 20)
#define PAGE 200 /* rows that are asked for at once, the most that the daemon gives */

/* C1 controls, and what embeds or overrides the direction of text, so that a line reads otherwise
 * than it is (Unicode Standard Annex 9, section 2): bytes of the one that p begins with, else 0. */
static size_t orders(const char *p)
{
    const unsigned char *s = (const unsigned char *)p;
    if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f)
        return 2;
    if (s[0] != 0xe2)
        return 0;
    bool overrides = s[1] == 0x80 && s[2] >= 0xaa && s[2] <= 0xae;
    bool isolates = s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9;
    return overrides || isolates ? 3 : 0;
}

static void put_harmless(FILE *to, const char *text)
{
    for (const char *p = text; *p; p++) {
        unsigned char byte = (unsigned char)*p;
        size_t n = orders(p);
        if (n > 0)
            p += n - 1;
        else if (byte >= 0x20 ? byte != 0x7f : byte == '\n' || byte == '\t')
            (void)fputc(byte, to);
    }
}

void nf_cli_print(FILE *to, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0)
        return;
    put_harmless(to, text);
    free(text);
}

int nf_cli_fail(const struct nf_err *err)
{
    nf_cli_print(stderr, "nexflow: %s\n", err->msg);
    return NF_CLI_FAILED;
}

int nf_cli_misused(const struct nf_cli_command *c)
{
    (void)fprintf(stderr, "usage: nexflow %s %s\n`nexflow %s --help` says more.\n", c->name,
                  c->usage, c->name);
    return NF_CLI_USAGE;
}

int nf_cli_verb_misused(const struct nf_cli_command *c, const struct nf_cli_verb *v)
{
    (void)fprintf(stderr, "usage: nexflow %s %s %s\n`nexflow %s %s --help` says more.\n", c->name,
                  v->name, v->usage, c->name, v->name);
    return NF_CLI_USAGE;
}

const struct nf_cli_verb *nf_cli_find_verb(const struct nf_cli_command *c, const char *name)
{
    for (size_t i = 0; i < c->verbs_n; i++)
        if (strcmp(c->verbs[i]->name, name) == 0)
            return c->verbs[i];
    return NULL;
}

int nf_cli_run_verb(const struct nf_cli_command *c, struct nf_cli *cli, int argc, char **argv)
{
    const struct nf_cli_verb *v = argc > 1 ? nf_cli_find_verb(c, argv[1]) : NULL;
    return v ? v->run(cli, argc - 1, argv + 1) : nf_cli_misused(c);
}

const char *nf_cli_text(const struct nf_json *v, const char *key)
{
    const char *s = nf_json_str(nf_json_get(v, key));
    return s ? s : "";
}

enum nf_code nf_cli_list(struct nf_cli *cli, const struct nf_cli_rows *rows, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    bool first = true;

    NF_TRY(nf_str_addf(&path, err, "%s?limit=%d", rows->path, PAGE));
    for (bool more = true; more; first = false) {
        NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
        NF_TRY(nf_cli_call(cli, "GET", nf_str_c(&path), NULL, &doc, err));
        const struct nf_json *row = nf_json_first(nf_json_get(nf_json_root(doc), rows->key));
        const char *next = nf_cli_text(nf_json_root(doc), "next_cursor");
        if (first)
            (void)puts(row ? rows->head : rows->none);
        for (; row; row = nf_json_next(row))
            rows->print(row);
        more = next[0] != '\0';
        nf_str_reset(&path);
        NF_TRY(nf_str_addf(&path, err, "%s?limit=%d&cursor=%s", rows->path, PAGE, next));
    }
    return NF_OK;
}

enum nf_code nf_cli_print_json(const struct nf_json *v, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = ANSWER_MAX };
    struct nf_json_out o;
    nf_json_begin_doc(&o, &text);
    nf_json_out_value(&o, v);
    NF_TRY(nf_json_end_doc(&o, err));
    nf_cli_put_json(nf_str_c(&text));
    return NF_OK;
}

/* The character at p as a number, and its bytes; the text is valid UTF-8. */
static unsigned character_at(const char *p, size_t *n)
{
    const unsigned char *s = (const unsigned char *)p;
    *n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (*n == 2)
        return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
    if (*n == 3)
        return (s[0] & 0xfu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
    return s[0];
}

/* Controls that JSON does not make a program escape, and what turns the direction of text or breaks
 * its lines (Unicode Standard Annex 9, section 2; chapter 23.2). */
static bool is_hidden(unsigned c)
{
    return (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

void nf_cli_put_json(const char *text)
{
    for (size_t n; *text; text += n) {
        unsigned c = character_at(text, &n);
        if (n < 4 && is_hidden(c))
            (void)printf("\\u%04x", c);
        else
            (void)fwrite(text, 1, n, stdout);
    }
    (void)putchar('\n');
}

enum nf_code nf_cli_config_needed(const struct nf_cli *cli, struct nf_err *err)
{
    if (cli->config_rc != NF_OK)
        return nf_err_set(err, cli->config_rc, "%s", cli->config_err.msg);
    return NF_OK;
}

enum nf_code nf_cli_check_word(const char *word, struct nf_err *err)
{
    size_t n = strspn(word, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
    if (n == 0 || word[n])
        return nf_err_set(err, NF_E_INVALID, "'%.40s' is no id, no name and no status", word);
    return NF_OK;
}

enum nf_code nf_cli_fetch(struct nf_cli *cli, const char *method, const char *path,
                          const char *body, int *status, struct nf_str *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str socket = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str url = { 0 };
    NF_CLEANUP(nf_http_closep) struct nf_http_call *call = NULL;
    static const struct nf_http_header json = { "Content-Type", "application/json" };

    if (!cli->bare) /* whoever talks to the daemon needs none of its secrets */
        NF_TRY(nf_cli_config_needed(cli, err));
    NF_TRY(nf_daemon_config_socket(&cli->config, &socket, err));
    if (access(nf_str_c(&socket), F_OK) != 0)
        return nf_err_set(
            err, NF_E_UNAVAILABLE,
            "no daemon is running here (%s is not there): start it with `nexflowd`, or "
            "name its configuration with --config",
            nf_str_c(&socket));
    NF_TRY(nf_str_addf(&url, err, "http://localhost%s", path));
    const struct nf_http_request r = { .method = method,
                                       .url = nf_str_c(&url),
                                       .unix_socket = nf_str_c(&socket),
                                       .headers = &json,
                                       .headers_n = body ? 1 : 0,
                                       .body = body,
                                       .body_n = body ? strlen(body) : 0,
                                       .head_timeout_ms = cli->answer_ms };
    enum nf_code rc = nf_http_open(cli->http, &r, &call, err);
    if (rc == NF_E_UNAVAILABLE)
        return nf_err_set(err, rc,
                          "the daemon does not answer on %s: start it with `nexflowd`, or look at "
                          "its log",
                          nf_str_c(&socket));
    NF_TRY(rc);
    *status = nf_http_status(call);
    return nf_http_read_all(call, ANSWER_TIMEOUT_MS, ret, err);
}

/* The message of {"error":{"message":...}}. */
static enum nf_code refused(int status, const struct nf_json_doc *doc, struct nf_err *err)
{
    const struct nf_json *e = doc ? nf_json_get(nf_json_root(doc), "error") : NULL;
    const char *message = nf_json_str(nf_json_get(e, "message"));
    return nf_err_set(err, status == 404 ? NF_E_NOT_FOUND : NF_E_INVALID, "%s",
                      message ? message : "the daemon refused without saying why");
}

enum nf_code nf_cli_call(struct nf_cli *cli, const char *method, const char *path, const char *body,
                         struct nf_json_doc **ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = ANSWER_MAX };
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    int status = 0;

    NF_TRY(nf_cli_fetch(cli, method, path, body, &status, &text, err));
    if (text.len > 0)
        NF_TRY(nf_json_parse(nf_str_c(&text), text.len, ANSWER_MAX, &doc, err));
    if (status >= 400)
        return refused(status, doc, err);
    *ret = nf_take(doc);
    return NF_OK;
}

struct line {
    struct nf_str *to;
    const char *prompt;
};

static enum nf_code read_line(void *arg, struct nf_err *err)
{
    struct line *l = arg;
    for (int c; (c = getchar()) != '\n';) {
        char byte = (char)c;
        if (c == EOF && l->to->len == 0)
            return nf_err_set(err, NF_E_NOT_FOUND, "end of input");
        if (c == EOF)
            return NF_OK;
        NF_TRY(nf_str_add(l->to, &byte, 1, err));
    }
    if (l->to->len > 0 && l->to->p[l->to->len - 1] == '\r')
        l->to->p[--l->to->len] = '\0';
    return NF_OK;
}

static struct termios terminal_before;

/* Who interrupts while nothing is shown gets back a terminal that shows again. */
static void show_again(int signum)
{
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
    (void)signal(signum, SIG_DFL);
    (void)raise(signum);
}

static enum nf_code read_hidden(void *arg, struct nf_err *err)
{
    const struct line *l = arg;
    struct termios shown, hidden;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &shown) == 0;
    if (terminal) {
        terminal_before = hidden = shown;
        (void)signal(SIGINT, show_again);
        (void)signal(SIGTERM, show_again);
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    (void)fputs(l->prompt, stdout);
    (void)fflush(stdout);
    enum nf_code rc = read_line(arg, err);
    if (terminal) {
        (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &shown);
        (void)signal(SIGINT, SIG_DFL);
        (void)signal(SIGTERM, SIG_DFL);
        (void)fputc('\n', stdout);
    }
    return rc;
}

enum nf_code nf_cli_read_line(struct nf_cli *cli, struct nf_str *ret, struct nf_err *err)
{
    struct line l = { .to = ret };
    nf_str_reset(ret);
    ret->max = LINE_BYTES_MAX;
    return nf_executor_call(cli->blocking, read_line, &l, err);
}

enum nf_code nf_cli_read_secret(struct nf_cli *cli, const char *prompt, struct nf_str *ret,
                                struct nf_err *err)
{
    struct line l = { .to = ret, .prompt = prompt };
    nf_str_reset(ret);
    return nf_executor_call(cli->blocking, read_hidden, &l, err);
}
