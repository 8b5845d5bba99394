#include "channels/web/settings.h"

#include "channels/web/web_internal.h"
#include "codec/json.h"
#include "domain/limits.h"

#include <string.h>

#define PORT_MAX 65535

/* An address in digits with a port: names are not looked up. The rest is the server's to judge. */
static enum nf_code check_listen(const char *value, struct nf_err *err)
{
    const char *colon = strrchr(value, ':');
    size_t digits = strspn(value, "0123456789.");
    bool address = colon && colon[1] != '\0' &&
                   (value[0] == '[' ? colon[-1] == ']' : digits > 0 && value + digits == colon);
    int64_t port = -1;
    if (!address || !nf_slice_u63(nf_slice_of(colon + 1), &port) || port > PORT_MAX)
        return nf_err_set(err, NF_E_INVALID,
                          "must be an address and a port up to %d, such as 127.0.0.1:7777 or "
                          "[::1]:7777",
                          PORT_MAX);
    return NF_OK;
}

static enum nf_code check_public_url(const char *value, struct nf_err *err)
{
    struct nf_web_site ignored;
    return value[0] ? nf_web_site_read(value, &ignored, err) : NF_OK;
}

#define S(key, kind, member, ...)                                                                  \
    NF_SETTING(struct nf_server_settings, key, kind, member, __VA_ARGS__)
static const struct nf_setting server[] = {
    S("listen", NF_SET_STR, listen, .def = "127.0.0.1:7777", .min = 3, .max = 128,
      .check = check_listen,
      .help =
          "Address and port of the page and the API. Anything but a loopback address is reachable "
          "by others: put a TLS proxy in front of it."),
    S("socket", NF_SET_STR, socket, .def = "", .max = 100,
      .help = "Path of the Unix socket that the command line uses. Empty: nexflow.sock beside the "
              "database."),
    S("public_url", NF_SET_STR, public_url, .def = "", .max = 300, .check = check_public_url,
      .help =
          "Where browsers reach the page, such as https://nexflow.example.org: what links begin "
          "with, and a Host that is accepted. With https cookies are for TLS alone. A proxy in "
          "front must hand Host on. Empty: http:// and the address of listen."),
    S("hosts", NF_SET_STRS, hosts, .max = 16,
      .help =
          "Further Host names to accept beside that of public_url, as browsers send them (name or "
          "name:port)."),
    S("proxies", NF_SET_STRS, proxies, .max = 16,
      .help =
          "Addresses of proxies in front, such as 127.0.0.1. Whom their X-Forwarded-For names last "
          "is slowed down for guessing credentials; without it the proxy is, and with it everybody "
          "behind it."),
    S("owner_token", NF_SET_SECRET, owner_token, .def = "",
      .help =
          "Fixes the owner's token. Empty: the environment's NEXFLOW_OWNER_TOKEN, else a random "
          "one is kept in owner-token beside the database."),
    S("open_metrics", NF_SET_BOOL, open_metrics, .def = "false",
      .help = "Let everybody who reaches the port read /metrics; else only owners and admins may."),
};
#undef S
const struct nf_setting_group nf_server_setting_group = { "server", server, NF_COUNT(server),
                                                          sizeof(struct nf_server_settings) };

#define L(key, kind, member, ...)                                                                  \
    NF_SETTING(struct nf_limit_settings, key, kind, member, __VA_ARGS__)
static const struct nf_setting limits[] = {
    L("connections", NF_SET_INT, connections, .def = "12000", .min = 16, .max = 100000,
      .help = "Connections open at once; more are closed at once."),
    L("connections_per_ip", NF_SET_INT, connections_per_ip, .def = "12000", .min = 1, .max = 100000,
      .help = "Connections open at once from one address."),
    L("head_bytes", NF_SET_BYTES, head_bytes, .def = "16KiB", .min = 1024, .max = 65536,
      .help = "Request line and headers of a request; more is answered 431."),
    L("headers", NF_SET_INT, headers, .def = "64", .min = 8, .max = 256,
      .help = "Headers of a request; more are answered 431."),
    L("target_bytes", NF_SET_BYTES, target_bytes, .def = "4KiB", .min = 256, .max = 16384,
      .help = "Path and query of a request; more is answered 414."),
    L("body_bytes", NF_SET_BYTES, body_bytes, .def = "1MiB", .min = 1024, .max = 16777216,
      .help = "Body of a request; more is answered 413."),
    L("json_depth", NF_SET_INT, json_depth, .def = "64", .min = 8, .max = NF_JSON_DEPTH_MAX,
      .help = "How deep the JSON of a body, a frame or a provider may be nested."),
    L("head_timeout", NF_SET_MS, head_timeout_ms, .def = "10s", .min = 100, .max = 300000,
      .help = "From the first byte of a request to the end of its headers."),
    L("body_timeout", NF_SET_MS, body_timeout_ms, .def = "30s", .min = 100, .max = 600000,
      .help = "For the whole body of a request."),
    L("idle_timeout", NF_SET_MS, idle_timeout_ms, .def = "75s", .min = 100, .max = 3600000,
      .help = "Between two requests of a connection."),
    L("write_timeout", NF_SET_MS, write_timeout_ms, .def = "30s", .min = 100, .max = 600000,
      .help = "Without progress on output that waits; then the peer is dropped."),
    L("ws_message_bytes", NF_SET_BYTES, ws_message_bytes, .def = "1MiB", .min = 1024,
      .max = 16777216, .help = "A message on a web socket; more closes it with 1009."),
    L("ws_queue_bytes", NF_SET_BYTES, ws_queue_bytes, .def = "4MiB", .min = 65536, .max = 67108864,
      .help = "Output queued for a web socket that reads too slowly; then it is closed and may "
              "resume."),
    L("ws_ping", NF_SET_MS, ws_ping_ms, .def = "30s", .min = 1000, .max = 600000,
      .help = "Idle time after which a web socket is pinged; no answer for as long drops it."),
    L("ws_per_user", NF_SET_INT, ws_per_user, .def = "12000", .min = 1, .max = 100000,
      .help = "Web sockets open at once of one user."),
    L("messages_per_minute", NF_SET_INT, messages_per_minute, .def = "600", .min = 1,
      .max = 100000000, .reloadable = true,
      .help =
          "Messages that one user may send; more are answered with an error that says when to go "
          "on."),
    L("requests_per_minute", NF_SET_INT, requests_per_minute, .def = "6000", .min = 1,
      .max = 100000000, .reloadable = true,
      .help = "REST requests of one user; more are answered 429."),
    L("failures_per_minute", NF_SET_INT, failures_per_minute, .def = "30", .min = 1, .max = 100000,
      .reloadable = true,
      .help = "Refused credentials from one address; more are answered 429 unread."),
};
#undef L
const struct nf_setting_group nf_limit_setting_group = { "limits", limits, NF_COUNT(limits),
                                                         sizeof(struct nf_limit_settings) };

struct nf_http_limits nf_web_http_limits(const struct nf_limit_settings *s)
{
    return (struct nf_http_limits){
        .connections_max = (size_t)s->connections,
        .per_ip_max = (size_t)s->connections_per_ip,
        .head_max = (size_t)s->head_bytes,
        .headers_max = (size_t)s->headers,
        .target_max = (size_t)s->target_bytes,
        .body_max = (size_t)s->body_bytes,
        .head_timeout_ms = s->head_timeout_ms,
        .body_timeout_ms = s->body_timeout_ms,
        .idle_timeout_ms = s->idle_timeout_ms,
        .write_timeout_ms = s->write_timeout_ms,
        .ws_message_max = (size_t)s->ws_message_bytes,
        .ws_queue_max = (size_t)s->ws_queue_bytes,
        .ws_ping_ms = s->ws_ping_ms,
    };
}
