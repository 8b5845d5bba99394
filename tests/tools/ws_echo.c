/*
 * Echoes on our own HTTP and WebSocket server, so that foreign suites can be pointed at it:
 *
 *     ws_echo --listen 127.0.0.1:PORT
 *
 * prints the port. Any path is a WebSocket that sends back each message; POST /echo sends back its
 * body. Ends on SIGTERM or SIGINT.
 */
#include "http/server.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

static enum nf_code on_message(void *user, struct nf_websocket *ws, bool text, const char *p,
                               size_t n, struct nf_err *err)
{
    (void)user;
    return nf_websocket_send(ws, text, p, n, err);
}

static const struct nf_websocket_ops ops = { .message = on_message };

static enum nf_code upgrade(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_websocket *ws;
    (void)arg;
    return nf_websocket_accept(x, &ops, NULL, &ws, err);
}

static enum nf_code echo(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    struct nf_slice b = nf_http_body(x);
    return nf_http_respond(x, 200, "application/json", b.p, b.n, err);
}

static const struct nf_http_route routes[] = {
    { "GET", "/{path...}", upgrade, 0, NF_ROUTE_UPGRADE },
    { "POST", "/echo", echo, 0, 0 },
};

struct stop {
    uv_signal_t term, intr;
    struct nf_wait wait;
};

static void on_signal(uv_signal_t *h, int number)
{
    struct stop *s = h->data;
    (void)number;
    nf_wait_wake(&s->wait, NF_OK);
}

static void on_closed(uv_handle_t *h)
{
    struct stop *s = h->data;
    nf_wait_wake(&s->wait, NF_OK);
}

static void wait_for_signal(struct nf_loop *l)
{
    struct stop s = { 0 };
    s.term.data = s.intr.data = &s;
    uv_signal_init(nf_loop_uv(l), &s.term);
    uv_signal_init(nf_loop_uv(l), &s.intr);
    uv_signal_start(&s.term, on_signal, SIGTERM);
    uv_signal_start(&s.intr, on_signal, SIGINT);
    (void)nf_wait_uninterruptible(&s.wait);
    uv_signal_t *all[] = { &s.term, &s.intr };
    for (int i = 0; i < 2; i++) {
        s.wait = (struct nf_wait){ 0 };
        uv_close((uv_handle_t *)all[i], on_closed);
        (void)nf_wait_uninterruptible(&s.wait);
    }
}

struct options {
    struct nf_loop *loop;
    const char *listen;
};

static enum nf_code serve(void *arg, struct nf_err *err)
{
    const struct options *o = arg;
    struct nf_http_server_options so = {
        .routes = routes,
        .routes_n = sizeof(routes) / sizeof(routes[0]),
        .limits = { .body_max = (size_t)16 << 20,
                    .ws_message_max = (size_t)64 << 20,
                    .ws_queue_max = (size_t)256 << 20 },
    };
    struct nf_http_server *s;
    int port;
    NF_TRY(nf_http_server_new(o->loop, &so, &s, err));
    enum nf_code rc = nf_http_server_listen(s, o->listen, &port, err);
    if (rc == NF_OK) {
        (void)printf("%d\n", port);
        (void)fflush(stdout);
        wait_for_signal(o->loop);
    }
    nf_http_server_stop(s, 1000);
    nf_http_server_free(s);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .listen = "127.0.0.1:0" };
    struct nf_err e;
    if (argc == 3 && strcmp(argv[1], "--listen") == 0) {
        o.listen = argv[2];
    } else if (argc != 1) {
        (void)fprintf(stderr, "usage: %s [--listen ADDRESS:PORT]\n", argv[0]);
        return 2;
    }
    if (nf_loop_new(&o.loop, &e) != NF_OK || nf_loop_run(o.loop, serve, &o, &e) != NF_OK) {
        (void)fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    nf_loop_free(o.loop);
    return 0;
}
