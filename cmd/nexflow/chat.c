/* nexflow chat: a conversation in the terminal. */
#include "cmd/nexflow/cli.h"

#include "runtime/signals.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODEL_TIMEOUT_MS (INT64_C(60) * 60 * 1000)

#define RUN_ID_MAX 32

struct chat {
    struct nf_cli *cli;
    struct nf_ws_client *ws;
    struct nf_str session; /* its id, "" until the first answer */
    char run[RUN_ID_MAX];  /* the run whose end is awaited */
    int count;
    bool at_line_start;
    bool told; /* the daemon said that it failed: the connection is whole */
};

static NF_RC open_socket(struct chat *c, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str socket = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str ignored = { 0 };
    int status;
    NF_TRY(nf_cli_fetch(c->cli, "GET", "/health", NULL, &status, &ignored, err));
    NF_TRY(nf_daemon_config_socket(&c->cli->config, &socket, err));
    const struct nf_ws_client_options o = { .url = "ws://localhost/ws",
                                            .unix_socket = nf_str_c(&socket),
                                            .message_max = (size_t)16 << 20 };
    return nf_ws_client_open(c->cli->http, &o, &c->ws, err);
}

static NF_RC send_json(struct chat *c, const struct nf_str *text, struct nf_err *err)
{
    return nf_ws_client_send(c->ws, nf_str_c(text), text->len, true, err);
}

static NF_RC send_message(struct chat *c, const char *content, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str frame = { .max = (size_t)8 << 20 };
    struct nf_json_out o;
    char id[64];
    (void)snprintf(id, sizeof(id), "cli-%d-%lld-%d", (int)getpid(),
                   (long long)nf_system_clock()->now_ms(nf_system_clock()), c->count++);
    nf_json_begin_doc(&o, &frame);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "type", "user_message");
    nf_json_put_str(&o, "message_id", id);
    if (c->session.len > 0)
        nf_json_put_str(&o, "session_id", nf_str_c(&c->session));
    nf_json_put_str(&o, "content", content);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    c->run[0] = '\0';
    c->told = false;
    return send_json(c, &frame, err);
}

static NF_RC send_stop(struct chat *c, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str frame = { 0 };
    if (c->session.len == 0)
        return NF_OK;
    NF_TRY(nf_str_addf(&frame, err, "{\"type\":\"stop\",\"session_id\":\"%s\"}",
                       nf_str_c(&c->session)));
    return send_json(c, &frame, err);
}

static void print_text(struct chat *c, const char *text)
{
    nf_cli_print(stdout, "%s", text);
    if (text[0])
        c->at_line_start = text[strlen(text) - 1] == '\n';
    (void)fflush(stdout);
}

static void end_line(struct chat *c)
{
    if (!c->at_line_start)
        (void)fputc('\n', stdout);
    c->at_line_start = true;
    (void)fflush(stdout);
}

static void print_usage(const struct nf_json *event)
{
    const struct nf_json *u = nf_json_get(event, "usage");
    const char *model = nf_json_str(nf_json_get(event, "model"));
    int64_t in = nf_json_i64(nf_json_get(u, "input_tokens"), -1);
    int64_t out = nf_json_i64(nf_json_get(u, "output_tokens"), -1);
    if (!isatty(STDOUT_FILENO))
        return;
    nf_cli_print(stdout, "  (%s", model ? model : "no model");
    if (in >= 0 && out >= 0)
        (void)printf(", %lld + %lld tokens", (long long)in, (long long)out);
    (void)printf("%s)\n", nf_json_bool(nf_json_get(event, "stopped"), false) ? ", stopped" : "");
}

static bool is_type(const struct nf_json *event, const char *type)
{
    const char *t = nf_json_str(nf_json_get(event, "type"));
    return t && strcmp(t, type) == 0;
}

static bool of_our_run(const struct chat *c, const struct nf_json *event)
{
    const char *run = nf_json_str(nf_json_get(event, "run_id"));
    return run && c->run[0] && strcmp(run, c->run) == 0;
}

/* A call that waits for a person: what it is, and how to decide from another terminal. On standard
 * error, since it is no part of the answer. */
static void print_approval(struct chat *c, const struct nf_json *approval)
{
    const char *status = nf_json_str(nf_json_get(approval, "status"));
    const char *id = nf_json_str(nf_json_get(approval, "id"));
    const char *tool = nf_json_str(nf_json_get(approval, "tool"));
    const char *args = nf_json_str(nf_json_get(approval, "arguments"));
    NF_CLEANUP(nf_str_done) struct nf_str shown = { 0 };
    struct nf_err ignored;

    if (!of_our_run(c, approval) || !id || !tool || !status || strcmp(status, "pending") != 0)
        return;
    end_line(c);
    if (nf_cli_readable(args ? args : "", &shown, &ignored) != NF_OK)
        nf_str_reset(&shown); /* no memory for it: `approval list` shows it */
    if (nf_json_bool(nf_json_get(approval, "yours"), true))
        nf_cli_print(stderr,
                     "[%s %s waits for you: `nexflow approval allow %s`, or `deny %s REASON`]\n",
                     tool, nf_str_c(&shown), id, id);
    else
        nf_cli_print(stderr, "[%s waits for the owner's decision]\n", tool);
}

/* One frame. *ended: our run has. NF_E_INVALID: the daemon refused the message. */
static NF_RC on_frame(struct chat *c, const struct nf_json *e, bool *ended, struct nf_err *err)
{
    const char *text;
    if (is_type(e, "error")) {
        text = nf_json_str(nf_json_get(e, "message"));
        c->told = true;
        return nf_err_set(err, NF_E_INVALID, "%s", text ? text : "the daemon refused the message");
    }
    if (is_type(e, "accepted") && c->run[0] == '\0') {
        const char *run = nf_json_str(nf_json_get(e, "run_id"));
        const char *session = nf_json_str(nf_json_get(e, "session_id"));
        const char *id = nf_json_str(nf_json_get(e, "message_id"));
        char own[32];
        (void)snprintf(own, sizeof(own), "cli-%d-", (int)getpid());
        if (!run || !session || !id || strncmp(id, own, strlen(own)) != 0)
            return NF_OK;
        (void)snprintf(c->run, sizeof(c->run), "%s", run);
        return nf_str_set(&c->session, session, err);
    }
    if (is_type(e, "approval"))
        print_approval(c, nf_json_get(e, "approval"));
    if (!of_our_run(c, e))
        return NF_OK;
    if (is_type(e, "TEXT_MESSAGE_CONTENT")) {
        text = nf_json_str(nf_json_get(e, "delta"));
        print_text(c, text ? text : "");
    } else if (is_type(e, "TOOL_CALL_START")) {
        end_line(c);
        text = nf_json_str(nf_json_get(e, "toolCallName"));
        print_text(c, "[");
        print_text(c, text ? text : "tool");
        print_text(c, "]\n");
    } else if (is_type(e, "RUN_FINISHED")) {
        end_line(c);
        print_usage(e);
        *ended = true;
    } else if (is_type(e, "RUN_ERROR")) {
        text = nf_json_str(nf_json_get(e, "message"));
        *ended = c->told = true;
        return nf_err_set(err, NF_E_UNAVAILABLE, "%s", text ? text : "the turn failed");
    }
    return NF_OK;
}

static enum nf_code read_answer(void *arg, struct nf_err *err)
{
    struct chat *c = arg;
    for (bool ended = false; !ended;) {
        NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
        const char *p;
        size_t n;
        bool text;
        NF_TRY(nf_ws_client_recv(c->ws, MODEL_TIMEOUT_MS, &p, &n, &text, err));
        NF_TRY(nf_json_parse(p, n, 0, &doc, err));
        NF_TRY(on_frame(c, nf_json_root(doc), &ended, err));
    }
    return NF_OK;
}

/* While an answer comes, the interrupt key stops it and not the program. */
static enum nf_code watch_interrupts(void *arg, struct nf_err *err)
{
    struct chat *c = arg;
    static const int interrupt = SIGINT;
    struct nf_signals *signals = NULL;
    int signum;
    NF_TRY(nf_signals_new(c->cli->loop, &interrupt, 1, &signals, err));
    enum nf_code rc;
    while ((rc = nf_signals_wait(signals, &signum, err)) == NF_OK)
        if ((rc = send_stop(c, err)) != NF_OK)
            break;
    nf_signals_free(signals);
    return rc == NF_E_CANCELED ? NF_OK : rc;
}

static NF_RC converse(struct chat *c, const char *content, struct nf_err *err)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope scope;
    nf_scope_init(&scope, c->cli->loop);
    NF_TRY(send_message(c, content, err));
    c->at_line_start = true;
    NF_TRY(nf_scope_spawn(&scope, watch_interrupts, c, NULL, err));
    enum nf_code rc = read_answer(c, err);
    nf_scope_cancel(&scope);
    return rc;
}

static int talk(struct chat *c)
{
    NF_CLEANUP(nf_str_done) struct nf_str line = { 0 };
    bool terminal = isatty(STDIN_FILENO);
    struct nf_err err;

    if (terminal)
        (void)puts("Ctrl-C stops an answer, Ctrl-D ends the conversation.");
    for (;;) {
        if (terminal) {
            (void)fputs("> ", stdout);
            (void)fflush(stdout);
        }
        enum nf_code rc = nf_cli_read_line(c->cli, &line, &err);
        if (rc == NF_E_NOT_FOUND)
            return NF_CLI_OK;
        if (rc != NF_OK)
            return nf_cli_fail(&err);
        if (line.len == 0)
            continue;
        rc = converse(c, nf_str_c(&line), &err);
        if (rc != NF_OK) {
            end_line(c);
            (void)nf_cli_fail(&err);
            /* A turn that failed is no reason to leave; a connection that did is. */
            if (!terminal || !c->told)
                return NF_CLI_FAILED;
        }
    }
}

static int run_chat(struct nf_cli *cli, int argc, char **argv)
{
    struct chat c = { .cli = cli, .at_line_start = true };
    const char *message = NULL;
    struct nf_err err;
    int status;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--session") == 0 && i + 1 < argc) {
            i++;
            if (nf_cli_check_word(argv[i], &err) != NF_OK ||
                nf_str_set(&c.session, argv[i], &err) != NF_OK)
                return nf_cli_fail(&err);
        } else if (strcmp(argv[i], "--") == 0 && i + 2 == argc) {
            message = argv[++i]; /* which may begin with a dash */
        } else if (i + 1 == argc && argv[i][0] != '-') {
            message = argv[i];
        } else {
            return nf_cli_misused(&nf_cli_chat);
        }
    }
    if (open_socket(&c, &err) != NF_OK)
        status = nf_cli_fail(&err);
    else if (message)
        status = converse(&c, message, &err) == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
    else
        status = talk(&c);
    nf_ws_client_close(c.ws, 1000);
    nf_str_done(&c.session);
    return status;
}

const struct nf_cli_command nf_cli_chat = {
    .name = "chat",
    .usage = "[--session ID] [MESSAGE]",
    .help = "talk with the model in the terminal",
    .details =
        "With MESSAGE: one question, its answer on standard output; -- before one that begins\n"
        "with a dash. Without: a conversation; from a pipe each line is a message. Ctrl-C stops\n"
        "an answer, Ctrl-D ends the conversation.\n"
        "\n"
        "  --session ID  go on with this session; without it a new one begins\n",
    .run = run_chat,
};
