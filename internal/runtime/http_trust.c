#include "runtime/http_trust.h"

#include "base/own.h"
#include "runtime/executor.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <string.h>
#include <utlist.h>

#define WAIT_MS 60000 /* for whoever loads them: a disk that hangs */

/* Somebody who wants what another one is loading. */
struct nf_http_trust_waiter {
    struct nf_wait wait;
    struct nf_http_trust_waiter *prev, *next;
};

struct load {
    const char *ca_file;
    bool tls;
    X509_STORE *store;
};

/* Ours is for OpenSSL as libcurl's own; with another TLS, libcurl reads them itself. */
static bool is_openssl(void)
{
    const char *name = curl_version_info(CURLVERSION_NOW)->ssl_version;
    return name && strncmp(name, "OpenSSL/3", 9) == 0;
}

static NF_RC read_file(const char *file, X509_STORE **ret, struct nf_err *err)
{
    X509_STORE *s = X509_STORE_new();
    if (!s)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for certificates");
    if (X509_STORE_load_file(s, file) != 1) {
        X509_STORE_free(s);
        return nf_err_set(err, NF_E_UNAVAILABLE, "TLS: there are no certificates in '%s'", file);
    }
    /* As libcurl has it: what is named is trusted, also if it is in the middle of a chain. */
    X509_STORE_set_flags(s, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    *ret = s;
    return NF_OK;
}

/* On a thread. */
static enum nf_code load(void *arg, struct nf_err *err)
{
    struct load *l = arg;
    const char *file = l->ca_file;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return nf_err_set(err, NF_E_NOMEM, "libcurl could not be initialised");
    if (!l->tls || !is_openssl())
        return NF_OK;
    CURL *e = curl_easy_init();
    if (!e)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for a connection");
    enum nf_code rc = NF_OK;
    char *standard = NULL;
    if (!file && curl_easy_getinfo(e, CURLINFO_CAINFO, &standard) == CURLE_OK)
        file = standard;
    if (file)
        rc = read_file(file, &l->store, err);
    curl_easy_cleanup(e);
    return rc;
}

static NF_RC load_on_thread(struct nf_http_client *c, struct load *l, struct nf_err *err)
{
    struct nf_executor *e = NULL;
    NF_TRY(nf_executor_new(c->loop, "tls-load", 1, 1, &e, err));
    enum nf_code rc = nf_executor_call(e, load, l, err);
    nf_executor_free(e);
    return rc;
}

static NF_RC load_for_all(struct nf_http_client *c, bool tls, struct nf_err *err)
{
    struct load l = { .ca_file = c->ca_file, .tls = tls };
    struct nf_http_trust_waiter *w;
    c->trust.loading = true;
    enum nf_code rc = load_on_thread(c, &l, err);
    c->trust.loading = false;
    c->trust.curl = c->trust.curl || rc == NF_OK;
    c->trust.tls = c->trust.tls || (rc == NF_OK && tls);
    if (l.store)
        c->trust.store = l.store;
    DL_FOREACH(c->trust.waiters, w)
    {
        nf_wait_wake(&w->wait, NF_OK);
    }
    return rc;
}

static NF_RC wait_for_loader(struct nf_http_client *c, struct nf_err *err)
{
    struct nf_http_trust_waiter w = { .next = NULL };
    /* cppcheck-suppress autoVariables ; it is taken out below */
    DL_APPEND(c->trust.waiters, &w);
    enum nf_code rc = nf_wait(&w.wait, WAIT_MS, "certificates", err);
    DL_DELETE(c->trust.waiters, &w);
    return rc;
}

NF_RC nf_http_trust_ready(struct nf_http_client *c, bool tls, struct nf_err *err)
{
    while (!c->trust.curl || (tls && !c->trust.tls))
        NF_TRY(c->trust.loading ? wait_for_loader(c, err) : load_for_all(c, tls, err));
    return NF_OK;
}

static CURLcode on_context(CURL *easy, void *context, void *store)
{
    (void)easy;
    SSL_CTX_set1_cert_store(context, store);
    return CURLE_OK;
}

void nf_http_trust_use(const struct nf_http_client *c, CURL *easy)
{
    if (c->trust.store) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, c->trust.store);
    } else if (c->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, c->ca_file);
    }
}

void nf_http_trust_free(struct nf_http_client *c)
{
    assert(!c->trust.loading && !c->trust.waiters);
    if (c->trust.store)
        X509_STORE_free(c->trust.store);
}
