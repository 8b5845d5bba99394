/* The settings of the web channel: where it listens, and its limits. */
#pragma once

#include "config/settings.h"
#include "http/server.h"

struct nf_server_settings {
    char *listen;                   /* "127.0.0.1:7777" */
    char *socket;                   /* path of the Unix socket; "" for <data>/nexflow.sock */
    char *public_url;               /* "https://nexflow.example.org"; "" for http:// and listen */
    struct nf_setting_strs hosts;   /* further names under which a proxy reaches us */
    struct nf_setting_strs proxies; /* addresses whose X-Forwarded-For is believed */
    struct nf_secret owner_token;   /* else NEXFLOW_OWNER_TOKEN, else <data>/owner-token */
    bool open_metrics;
};

struct nf_limit_settings {
    int64_t connections, connections_per_ip;
    int64_t head_bytes, headers, target_bytes, body_bytes, json_depth;
    int64_t head_timeout_ms, body_timeout_ms, idle_timeout_ms, write_timeout_ms;
    int64_t ws_message_bytes, ws_queue_bytes, ws_ping_ms, ws_per_user;
    int64_t messages_per_minute, requests_per_minute, failures_per_minute;
};

extern const struct nf_setting_group nf_server_setting_group; /* "server" */
extern const struct nf_setting_group nf_limit_setting_group;  /* "limits" */

struct nf_http_limits nf_web_http_limits(const struct nf_limit_settings *s);
