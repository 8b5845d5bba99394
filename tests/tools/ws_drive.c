/* Drives our WebSocket client from a command line: an echo peer, and what a fuzzing server such as
 * Autobahn's wants of a client under test. */
#include "runtime/ws_client.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: ws_drive [options] ws://host:port/path\n"
    "\n"
    "Connects and sends every message back until the server closes.\n"
    "\n"
    "  --count N        after N messages, close with code 1000\n"
    "  --send TEXT      send TEXT first\n"
    "  --autobahn       the URL is that of an Autobahn fuzzing server (wstest -m fuzzingserver):\n"
    "                   ask /getCaseCount, echo through /runCase?case=I&agent=NAME for each case,\n"
    "                   then /updateReports?agent=NAME; the server writes the verdicts\n"
    "  --case I         with --autobahn: only case I; without it, cases 1 to the server's count\n"
    "  --agent NAME     with --autobahn: the name in the reports, default nexflow\n"
    "  --message-max N  bytes of a message, default 33554432\n"
    "  --timeout MS     without any message for so long, give up; default 60000\n"
    "  --help           this text\n"
    "\n"
    "Prints \"messages=N close=CODE\" for each connection. Exit: 0 closed by either side, 1 could\n"
    "not connect or the connection broke, 2 wrong usage. With --autobahn a case that ends in a\n"
    "broken connection is not a failure: many are meant to.\n";

struct options {
    const char *url, *agent, *send;
    long count, only;
    size_t message_max;
    int64_t timeout_ms;
    bool autobahn;
};

struct run {
    const struct options *o;
    struct nf_loop *loop;
    struct nf_http_client *client;
};

static NF_RC open_path(struct run *r, const char *path, struct nf_ws_client **ret,
                       struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str url = { 0 };

    NF_TRY(nf_str_addf(&url, err, "%s%s", r->o->url, path));
    return nf_ws_client_open(
        r->client,
        &(struct nf_ws_client_options){ .url = nf_str_c(&url), .message_max = r->o->message_max },
        ret, err);
}

/* Echo until the connection ends; how it ended is the result, NF_OK for a clean close. */
static NF_RC echo(struct run *r, struct nf_ws_client *w, long count, struct nf_err *err)
{
    enum nf_code rc = NF_OK;
    const char *p;
    size_t n;
    bool text;
    long messages = 0;

    while (rc == NF_OK && (count == 0 || messages < count)) {
        rc = nf_ws_client_recv(w, r->o->timeout_ms, &p, &n, &text, err);
        if (rc == NF_OK) {
            messages++;
            rc = nf_ws_client_send(w, p, n, text, err);
        }
    }
    printf("messages=%ld close=%d\n", messages, nf_ws_client_close_code(w));
    return rc == NF_E_NOT_FOUND ? NF_OK : rc;
}

static NF_RC plain(struct run *r, struct nf_err *err)
{
    struct nf_ws_client *w = NULL;

    NF_TRY(open_path(r, "", &w, err));
    enum nf_code rc = NF_OK;
    if (r->o->send)
        rc = nf_ws_client_send(w, r->o->send, strlen(r->o->send), true, err);
    if (rc == NF_OK)
        rc = echo(r, w, r->o->count, err);
    nf_ws_client_close(w, 1000);
    return rc;
}

static NF_RC case_count(struct run *r, long *ret, struct nf_err *err)
{
    struct nf_ws_client *w = NULL;
    const char *p;
    size_t n;
    bool text;
    int64_t cases = 0;

    NF_TRY(open_path(r, "/getCaseCount", &w, err));
    enum nf_code rc = nf_ws_client_recv(w, r->o->timeout_ms, &p, &n, &text, err);
    if (rc == NF_OK && !nf_slice_u63((struct nf_slice){ p, n }, &cases))
        rc = nf_err_set(err, NF_E_INVALID, "the server's case count is not a number");
    nf_ws_client_close(w, 1000);
    *ret = (long)cases;
    return rc;
}

static NF_RC one_case(struct run *r, long i, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    struct nf_ws_client *w = NULL;
    struct nf_err ended = { 0 };

    NF_TRY(nf_str_addf(&path, err, "/runCase?case=%ld&agent=%s", i, r->o->agent));
    NF_TRY(open_path(r, nf_str_c(&path), &w, err));
    printf("case %ld: ", i);
    if (echo(r, w, 0, &ended) != NF_OK)
        printf("case %ld: %s\n", i, ended.msg);
    nf_ws_client_close(w, 1000);
    return NF_OK;
}

static NF_RC autobahn(struct run *r, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    struct nf_ws_client *w = NULL;
    long first = r->o->only, last = r->o->only;

    if (first == 0) {
        first = 1;
        NF_TRY(case_count(r, &last, err));
    }
    for (long i = first; i <= last; i++)
        NF_TRY(one_case(r, i, err));

    NF_TRY(nf_str_addf(&path, err, "/updateReports?agent=%s", r->o->agent));
    NF_TRY(open_path(r, nf_str_c(&path), &w, err));
    enum nf_code rc = echo(r, w, 0, err);
    nf_ws_client_close(w, 1000);
    return rc;
}

static enum nf_code in_fiber(void *arg, struct nf_err *err)
{
    struct run *r = arg;

    NF_TRY(nf_http_client_new(r->loop, NULL, &r->client, err));
    enum nf_code rc = r->o->autobahn ? autobahn(r, err) : plain(r, err);
    nf_http_client_free(r->client);
    return rc;
}

static bool parse(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        { "count", required_argument, NULL, 'c' },
        { "send", required_argument, NULL, 's' },
        { "autobahn", no_argument, NULL, 'a' },
        { "case", required_argument, NULL, 'i' },
        { "agent", required_argument, NULL, 'g' },
        { "message-max", required_argument, NULL, 'm' },
        { "timeout", required_argument, NULL, 't' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case 'c':
            o->count = strtol(optarg, NULL, 10);
            break;
        case 's':
            o->send = optarg;
            break;
        case 'a':
            o->autobahn = true;
            break;
        case 'i':
            o->only = strtol(optarg, NULL, 10);
            break;
        case 'g':
            o->agent = optarg;
            break;
        case 'm':
            o->message_max = strtoul(optarg, NULL, 10);
            break;
        case 't':
            o->timeout_ms = strtol(optarg, NULL, 10);
            break;
        case 'h':
            (void)fputs(usage, stdout);
            exit(0);
        default:
            return false;
        }
    }
    if (optind + 1 != argc || o->count < 0 || o->only < 0)
        return false;
    o->url = argv[optind];
    return true;
}

int main(int argc, char **argv)
{
    struct options o = { .agent = "nexflow", .message_max = 33554432, .timeout_ms = 60000 };
    struct run r = { .o = &o };
    struct nf_err err = { 0 };

    if (!parse(argc, argv, &o)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (nf_loop_new(&r.loop, &err) != NF_OK) {
        (void)fprintf(stderr, "ws_drive: %s\n", err.msg);
        return 1;
    }
    enum nf_code rc = nf_loop_run(r.loop, in_fiber, &r, &err);
    nf_loop_free(r.loop);
    if (rc != NF_OK)
        (void)fprintf(stderr, "ws_drive: %s: %s\n", nf_code_name(rc), err.msg);
    return rc == NF_OK ? 0 : 1;
}
