#include "channels/discord/gateway_send.h"

#include "base/own.h"

#include <string.h>

/* Who sends more than 120 in a minute is thrown out. */
bool nf_gateway_may_send(struct nf_gateway *g, int keep)
{
    int64_t t = g->world->ops->now_ms(g->world);
    if (t - g->window_ms >= 60000) {
        g->window_ms = t;
        g->window_sends = 0;
    }
    return g->window_sends < NF_GATEWAY_SENDS_MAX - keep;
}

static NF_RC send_text(struct nf_gateway *g, struct nf_json_out *o, struct nf_str *text,
                       struct nf_err *err)
{
    enum nf_code rc = nf_json_end_doc(o, err);
    if (rc == NF_OK) {
        g->window_sends++;
        rc = g->world->ops->send(g->world, nf_str_c(text), text->len, err);
    }
    if (text->p)
        explicit_bzero(text->p, text->cap); /* a token may be in it */
    return rc;
}

static void begin(struct nf_json_out *o, struct nf_str *text, enum nf_gateway_op op)
{
    text->max = NF_GATEWAY_SEND_MAX + 1;
    nf_json_begin_doc(o, text);
    nf_json_out_object(o);
    nf_json_put_i64(o, "op", op);
    nf_json_out_key(o, "d");
}

NF_RC nf_gateway_send_heartbeat(struct nf_gateway *g, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    struct nf_json_out o;

    begin(&o, &text, NF_OP_HEARTBEAT);
    if (g->seq >= 0)
        nf_json_out_i64(&o, g->seq);
    else
        nf_json_out_null(&o);
    nf_json_out_end(&o);
    return send_text(g, &o, &text, err);
}

/* "Identify Structure" */
NF_RC nf_gateway_send_identify(struct nf_gateway *g, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    struct nf_json_out o;

    begin(&o, &text, NF_OP_IDENTIFY);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "token", nf_secret_reveal(g->token));
    nf_json_out_key(&o, "properties");
    nf_json_out_object(&o);
    nf_json_put_str(&o, "os", "linux");
    nf_json_put_str(&o, "browser", "nexflow");
    nf_json_put_str(&o, "device", "nexflow");
    nf_json_out_end(&o);
    nf_json_put_i64(&o, "intents", g->intents);
    if (g->shards > 1) {
        nf_json_out_key(&o, "shard");
        nf_json_out_array(&o);
        nf_json_out_i64(&o, g->shard);
        nf_json_out_i64(&o, g->shards);
        nf_json_out_end(&o);
    }
    nf_json_out_end(&o);
    nf_json_out_end(&o);
    g->identifies++;
    g->identified_ms = g->world->ops->now_ms(g->world);
    return send_text(g, &o, &text, err);
}

/* "Resume Structure" */
NF_RC nf_gateway_send_resume(struct nf_gateway *g, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    struct nf_json_out o;

    begin(&o, &text, NF_OP_RESUME);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "token", nf_secret_reveal(g->token));
    nf_json_put_str(&o, "session_id", g->session);
    nf_json_put_i64(&o, "seq", g->seq);
    nf_json_out_end(&o);
    nf_json_out_end(&o);
    g->resumes++;
    return send_text(g, &o, &text, err);
}
