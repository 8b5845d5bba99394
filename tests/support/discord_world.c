#include "tests/support/discord_world.h"

#include "base/own.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STARTS 1000 /* a day: section "Identifying" */

static struct nf_world *of(struct nf_gateway_world *w)
{
    return nf_container_of(w, struct nf_world, port);
}

static unsigned next_random(struct nf_world *w)
{
    w->seed = w->seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(w->seed >> 33);
}

static void wrong(struct nf_world *w, const char *fmt, ...) NF_PRINTF(2, 3);
static void wrong(struct nf_world *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (!w->wrong[0])
        (void)vsnprintf(w->wrong, sizeof(w->wrong), fmt, ap);
    va_end(ap);
}

/* --- people ----------------------------------------------------------------------------------- */

static void write_messages(struct nf_world *w)
{
    while (w->next_message_ms <= w->now && w->log_n < NF_WORLD_MESSAGES) {
        w->log[w->log_n].id = 1000 + (int64_t)w->log_n * 7;
        w->log[w->log_n].at = w->next_message_ms;
        w->log[w->log_n].channel = (int)(next_random(w) % NF_WORLD_CHANNELS);
        w->log_n++;
        w->next_message_ms += w->message_every_ms / 2 + next_random(w) % w->message_every_ms;
    }
}

static void handle(struct nf_world *w, size_t i)
{
    int channel = w->log[i].channel;
    if (w->log[i].id <= w->handled[channel])
        return; /* the cursor says that it was */
    for (size_t k = 0; k < i; k++)
        if (w->log[k].channel == channel && w->log[k].id > w->handled[channel])
            wrong(w, "message %zu of channel %d before %zu", i, channel, k);
    w->handled[channel] = w->log[i].id;
    w->handled_n++;
}

/* What REST gives after the newest that was handled. */
static void catch_up(struct nf_world *w)
{
    for (size_t i = 0; i < w->log_n; i++)
        if (w->log[i].id > w->handled[w->log[i].channel]) {
            handle(w, i);
            w->caught_up_n++;
        }
}

/* --- what the gateway says -------------------------------------------------------------------- */

static void say(struct nf_world *w, const char *text)
{
    w->deflate.next_in = (z_const Bytef *)text;
    w->deflate.avail_in = (uInt)strlen(text);
    w->deflate.next_out = w->out;
    w->deflate.avail_out = sizeof(w->out);
    if (deflate(&w->deflate, Z_SYNC_FLUSH) != Z_OK)
        abort();
    w->out_n = sizeof(w->out) - w->deflate.avail_out;
}

static void drop(struct nf_world *w, int code)
{
    w->connected = false;
    w->close_code = code;
    w->gone_ms = w->now;
}

static void say_event(struct nf_world *w, const char *type, const char *d)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "{\"op\":0,\"t\":\"%s\",\"s\":%lld,\"d\":%s}", type,
                   (long long)++w->seq, d);
    say(w, text);
}

static void say_message(struct nf_world *w, size_t i)
{
    char d[64];
    (void)snprintf(d, sizeof(d), "{\"index\":%zu}", i);
    say_event(w, "MESSAGE_CREATE", d);
}

static void say_answer(struct nf_world *w)
{
    char d[256];
    int answer = w->answers;
    w->answers = 0;
    if (answer == 'r') {
        (void)snprintf(d, sizeof(d),
                       "{\"session_id\":\"%s\",\"resume_gateway_url\":\"ws://resume.example\"}",
                       w->session);
        say_event(w, "READY", d);
        w->first_seq = w->seq;
        w->first_n = w->to_send = w->log_n;
        w->identified = true;
    } else if (answer == 'R') {
        say_event(w, "RESUMED", "{}");
        w->first_seq = w->seq; /* what was missed has been said */
        w->first_n = w->to_send;
        w->identified = true;
    } else {
        say(w, "{\"op\":9,\"d\":false}");
    }
}

/* --- what goes wrong -------------------------------------------------------------------------- */

static void plan_fault(struct nf_world *w)
{
    static const int codes[] = { 4000, 4001, 4002, 4003, 4005, 4007, 4008, 4009, 1000, 1001, 1006 };
    static const enum nf_world_fault faults[] = { NF_FAULT_CLOSE,   NF_FAULT_CUT,
                                                  NF_FAULT_SILENCE, NF_FAULT_RECONNECT,
                                                  NF_FAULT_INVALID, NF_FAULT_RESUMABLE,
                                                  NF_FAULT_GARBAGE, NF_FAULT_HEARTBEAT };
    w->fault = faults[next_random(w) % 8];
    w->close_with = codes[next_random(w) % 11];
    w->fault_ms = w->now + 1 + next_random(w) % (unsigned)(2 * w->fault_every_ms);
}

static void do_fault(struct nf_world *w)
{
    enum nf_world_fault fault = w->fault;
    int code = w->close_with;
    plan_fault(w);
    switch (fault) {
    case NF_FAULT_CLOSE:
        drop(w, code);
        break;
    case NF_FAULT_CUT: /* and sometimes nobody is there for a while */
        drop(w, 1006);
        w->down_until_ms = w->now + w->down_for_ms;
        if (w->outages && next_random(w) % 3 == 0)
            w->down_until_ms = w->now + next_random(w) % 1200000;
        break;
    case NF_FAULT_SILENCE:
        w->silent = true;
        break;
    case NF_FAULT_RECONNECT:
        say(w, "{\"op\":7,\"d\":null}");
        break;
    case NF_FAULT_INVALID:
        w->session[0] = '\0';
        say(w, "{\"op\":9,\"d\":false}");
        break;
    case NF_FAULT_RESUMABLE:
        say(w, "{\"op\":9,\"d\":true}");
        break;
    case NF_FAULT_GARBAGE:
        memcpy(w->out, "garbage\0\0\xff\xff", 11);
        w->out_n = 11;
        break;
    case NF_FAULT_UNREADABLE:
        say(w, "{\"op\":0,\"t\":\"X\",\"s\":1,\"d\":\"\\u0000\"}");
        break;
    case NF_FAULT_HEARTBEAT:
        say(w, "{\"op\":1,\"d\":null}");
        break;
    case NF_FAULT_NONE:
        break;
    }
}

/* --- the port --------------------------------------------------------------------------------- */

static int64_t now_ms(struct nf_gateway_world *p)
{
    return of(p)->now;
}

static double random01(struct nf_gateway_world *p)
{
    return (double)(next_random(of(p)) % 1000) / 1000;
}

static NF_RC advance(struct nf_world *w, int64_t to, struct nf_err *err)
{
    if (to > w->now)
        w->now = to;
    write_messages(w);
    if (w->now >= w->end_ms || w->wrong[0])
        return nf_err_set(err, NF_E_CANCELED, "the day is over");
    return NF_OK;
}

static enum nf_code sleep_ms(struct nf_gateway_world *p, int64_t ms, struct nf_err *err)
{
    return advance(of(p), of(p)->now + ms, err);
}

static void next_day(struct nf_world *w)
{
    if (w->now - w->day_ms >= 86400000) {
        w->day_ms = w->now;
        w->remaining = STARTS;
    }
}

static enum nf_code ask(struct nf_gateway_world *p, struct nf_gateway_start *ret,
                        struct nf_err *err)
{
    struct nf_world *w = of(p);
    NF_TRY(advance(w, w->now + 20, err));
    next_day(w);
    if (w->now < w->down_until_ms)
        return nf_err_set(err, NF_E_UNAVAILABLE, "nobody answers");
    int64_t reset_ms = w->day_ms + 86400000 - w->now;
    *ret =
        (struct nf_gateway_start){ .url = "ws://gateway.example",
                                   .shards = 1,
                                   .remaining = w->remaining,
                                   .reset_after_ms = w->reset_said_ms ? w->reset_said_ms : reset_ms,
                                   .max_concurrency = 1 };
    return NF_OK;
}

static enum nf_code connect_to(struct nf_gateway_world *p, const char *url, struct nf_err *err)
{
    struct nf_world *w = of(p);
    w->connects++;
    NF_TRY(advance(w, w->now + 50, err));
    if (w->now < w->down_until_ms)
        return nf_err_set(err, NF_E_UNAVAILABLE, "connection refused");
    if (!strstr(url, "?v=10&encoding=json&compress=zlib-stream"))
        wrong(w, "connected to %s", url);
    (void)deflateReset(&w->deflate);
    w->connected = w->hello_due = true;
    w->greeted = w->identified = w->silent = false;
    w->ack_due = 0;
    w->answers = 0;
    w->sends_n = 0;
    w->beat_seen_ms = w->now;
    return NF_OK;
}

static void count_send(struct nf_world *w)
{
    size_t n = NF_GATEWAY_SENDS_MAX + 1;
    w->sends[w->sends_n++ % n] = w->now;
    if (w->sends_n >= n && w->now - w->sends[w->sends_n % n] < 60000)
        wrong(w, "more than %d payloads in a minute", NF_GATEWAY_SENDS_MAX);
}

static void got_identify(struct nf_world *w)
{
    next_day(w);
    if (w->remaining-- <= 0)
        wrong(w, "an identify more than was granted");
    int64_t apart = w->restarts > 0 ? 5000 : 60000; /* below 5 s it is refused */
    if (w->identifies_n > 0 && w->now - w->identifies[w->identifies_n - 1] < apart)
        wrong(w, "two identifies within %lld ms, at %lld", (long long)apart, (long long)w->now);
    w->identifies[w->identifies_n++ % 4096] = w->now;
    (void)snprintf(w->session, sizeof(w->session), "session-%d", ++w->sessions);
    w->seq = 0;
    w->answers = 'r';
}

/* The events since `seq` come again, if the session is still known. */
static void got_resume(struct nf_world *w, const struct nf_json *d)
{
    const char *session = nf_json_str(nf_json_get(d, "session_id"));
    int64_t seq = nf_json_i64(nf_json_get(d, "seq"), -1);
    bool known = session && strcmp(session, w->session) == 0 && w->gone_ms > 0 &&
                 w->now - w->gone_ms < w->forget_ms;
    w->resumes++;
    if (!known || seq < w->first_seq || seq > w->seq) {
        w->session[0] = '\0';
        w->answers = '9';
        return;
    }
    w->to_send = w->first_n + (size_t)(seq - w->first_seq);
    w->seq = seq;
    w->answers = 'R';
}

static enum nf_code send_payload(struct nf_gateway_world *p, const char *text, size_t n,
                                 struct nf_err *err)
{
    struct nf_world *w = of(p);
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;

    if (!w->connected)
        return nf_err_set(err, NF_E_UNAVAILABLE, "the connection broke");
    if (nf_json_parse(text, n, NF_GATEWAY_SEND_MAX, &doc, err) != NF_OK) {
        wrong(w, "sent no JSON");
        return NF_OK;
    }
    const struct nf_json *root = nf_json_root(doc);
    count_send(w);
    switch (nf_json_i64(nf_json_get(root, "op"), -1)) {
    case 1:
        if (w->now - w->beat_seen_ms > w->interval_ms + 1000)
            wrong(w, "a heartbeat %lld ms after the one before",
                  (long long)(w->now - w->beat_seen_ms));
        w->beat_seen_ms = w->now;
        w->ack_due = w->now + 30;
        break;
    case 2:
        got_identify(w);
        break;
    case 6:
        got_resume(w, nf_json_get(root, "d"));
        break;
    default:
        wrong(w, "sent %.*s", (int)n, text);
    }
    w->greeted = true;
    return NF_OK;
}

/* What is to be said now; false: nothing. */
static bool speak(struct nf_world *w)
{
    w->out_n = 0;
    if (w->silent)
        return false;
    if (w->hello_due) {
        char hello[80];
        w->hello_due = false;
        (void)snprintf(hello, sizeof(hello), "{\"op\":10,\"d\":{\"heartbeat_interval\":%d}}",
                       w->interval_ms);
        say(w, hello);
    } else if (w->now >= w->fault_ms && w->greeted) {
        do_fault(w);
    } else if (w->ack_due > 0 && w->now >= w->ack_due) {
        w->ack_due = 0;
        say(w, "{\"op\":11}");
    } else if ((w->answers == 'R' || (!w->answers && w->identified)) && w->to_send < w->log_n) {
        say_message(w, w->to_send++); /* what was missed comes before RESUMED */
    } else if (w->answers) {
        say_answer(w);
    } else {
        return false;
    }
    return true;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return b > 0 && b < a ? b : a;
}

static enum nf_code recv_message(struct nf_gateway_world *p, int64_t timeout_ms, const char **ret,
                                 size_t *n, struct nf_err *err)
{
    struct nf_world *w = of(p);
    int64_t until = w->now + timeout_ms;

    while (w->connected) {
        if (speak(w)) {
            if (w->out_n == 0) /* the fault said nothing */
                continue;
            *ret = (const char *)w->out;
            *n = w->out_n;
            return NF_OK;
        }
        if (w->now >= until)
            return nf_err_set(err, NF_E_TIMEOUT, "nothing");
        int64_t next = until;
        if (!w->silent) {
            next = earlier(next, w->ack_due);
            next = earlier(next, w->greeted ? w->fault_ms : 0);
            next = earlier(next, w->identified ? w->next_message_ms : 0);
        }
        NF_TRY(advance(w, next > w->now ? next : w->now + 1, err));
    }
    return nf_err_set(err, w->close_code == 1006 ? NF_E_UNAVAILABLE : NF_E_NOT_FOUND, "closed");
}

static int close_code(struct nf_gateway_world *p)
{
    return of(p)->close_code;
}

static void close_it(struct nf_gateway_world *p, int code)
{
    struct nf_world *w = of(p);
    if (w->connected)
        drop(w, 1006);
    if (code == 1000 || code == 1001)
        w->session[0] = '\0';
}

static enum nf_code event(struct nf_gateway_world *p, const char *type, const struct nf_json *d,
                          struct nf_err *err)
{
    struct nf_world *w = of(p);
    if (w->full > 0 && w->full-- > 0)
        return nf_err_set(err, NF_E_LIMIT, "full");
    if (strcmp(type, "READY") == 0)
        catch_up(w);
    else if (strcmp(type, "MESSAGE_CREATE") == 0)
        handle(w, (size_t)nf_json_i64(nf_json_get(d, "index"), 0));
    return NF_OK;
}

static void tell(struct nf_gateway_world *p)
{
    (void)p;
}

static const struct nf_gateway_world_ops ops = { .now_ms = now_ms,
                                                 .random = random01,
                                                 .sleep = sleep_ms,
                                                 .ask = ask,
                                                 .connect = connect_to,
                                                 .send = send_payload,
                                                 .recv = recv_message,
                                                 .close_code = close_code,
                                                 .close = close_it,
                                                 .event = event,
                                                 .tell = tell };

void nf_world_init(struct nf_world *w, unsigned long long seed)
{
    memset(w, 0, sizeof(*w));
    w->port.ops = &ops;
    w->seed = seed;
    w->now = w->day_ms = 1000;
    w->end_ms = w->now + 86400000;
    w->remaining = STARTS;
    w->interval_ms = 41250;
    w->message_every_ms = 20000;
    w->next_message_ms = w->now + 5000;
    w->forget_ms = 180000;
    w->fault_every_ms = 60000;
    w->close_code = 1006;
    if (deflateInit(&w->deflate, Z_DEFAULT_COMPRESSION) != Z_OK)
        abort();
    plan_fault(w);
}

void nf_world_done(struct nf_world *w)
{
    (void)deflateEnd(&w->deflate);
}
