#include "persistence/postgres/target.h"

#include "base/own.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CA_FILE "/etc/ssl/certs/ca-certificates.crt" /* of Debian's package ca-certificates */
#define NAME_MAX_BYTES 255

static const char *value_of(const struct nf_pg_target *t, const char *keyword)
{
    for (PQconninfoOption *o = t->options; o && o->keyword; o++)
        if (strcmp(o->keyword, keyword) == 0)
            return o->val && o->val[0] ? o->val : NULL;
    return NULL;
}

/* Element `i` of a list with commas; the only element of a list of one stands for all. *last: there
 * is none behind it. */
static struct nf_slice element(const char *list, size_t i, bool *last)
{
    const char *p = list ? list : "";
    *last = !strchr(p, ',');
    if (*last)
        return nf_slice_of(p);
    for (; i > 0 && strchr(p, ','); i--)
        p = strchr(p, ',') + 1;
    const char *end = strchr(p, ',');
    *last = !end;
    return (struct nf_slice){ p, end ? (size_t)(end - p) : strlen(p) };
}

static bool is_address(const char *host)
{
    struct in6_addr any;
    return host[0] == '/' || host[0] == '@' || inet_pton(AF_INET, host, &any) == 1 ||
           inet_pton(AF_INET6, host, &any) == 1;
}

static NF_RC add_host(struct nf_pg_target *t, struct nf_slice name, struct nf_slice address,
                      struct nf_slice port, struct nf_err *err)
{
    struct nf_pg_host *h = &t->hosts[t->hosts_n++];
    int64_t number = 5432;
    if (port.n > 0 && (!nf_slice_u63(port, &number) || number < 1 || number > 65535))
        return nf_err_set(err, NF_E_INVALID, "a port is a number from 1 to 65535");
    if (name.n > NAME_MAX_BYTES)
        return nf_err_set(err, NF_E_INVALID, "a host's name has at most %d bytes", NAME_MAX_BYTES);
    NF_TRY(nf_strndup(name.n ? name.p : "localhost", name.n ? name.n : 9, &h->name, err));
    NF_TRY(nf_strndup(port.n ? port.p : "5432", port.n ? port.n : 4, &h->port, err));
    if (address.n > 0)
        NF_TRY(nf_strndup(address.p, address.n, &h->address, err));
    h->needs_lookup = !h->address && !is_address(h->name);
    return NF_OK;
}

static NF_RC read_hosts(struct nf_pg_target *t, struct nf_err *err)
{
    const char *hosts = value_of(t, "host"), *addresses = value_of(t, "hostaddr");
    const char *ports = value_of(t, "port");
    bool last_host = false, last_address = false, ignored;
    for (size_t i = 0; !(last_host && last_address); i++) {
        if (i == NF_PG_HOSTS_MAX)
            return nf_err_set(err, NF_E_INVALID, "at most %d hosts", NF_PG_HOSTS_MAX);
        struct nf_slice host = element(hosts, i, &last_host);
        struct nf_slice address = element(addresses, i, &last_address);
        struct nf_slice port = element(ports, i, &ignored);
        if (!hosts || !addresses) /* the other list says how many there are */
            last_host = last_address = hosts ? last_host : last_address;
        NF_TRY(add_host(t, host, address, port, err));
    }
    return NF_OK;
}

static NF_RC make_settings(struct nf_pg_target *t, int64_t statement_ms, int64_t lock_ms,
                           struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str s = { 0 };
    const char *given = value_of(t, "options");
    /* Plans are kept, also those made while the tables were empty, and every statement is a look-up
     * by key: a sequential scan would be wrong for all but a new database. */
    NF_TRY(nf_str_addf(&s, err,
                       "-c enable_seqscan=off -c synchronous_commit=on "
                       "-c default_transaction_isolation=read\\ committed "
                       "-c idle_in_transaction_session_timeout=60000 -c client_min_messages=error "
                       "-c statement_timeout=%lld -c lock_timeout=%lld%s%s",
                       (long long)statement_ms, (long long)lock_ms, given ? " " : "",
                       given ? given : ""));
    return nf_strdup(nf_str_c(&s), &t->settings, err);
}

enum nf_code nf_pg_target_init(struct nf_pg_target *t, const char *url, int64_t statement_ms,
                               int64_t lock_ms, struct nf_err *err)
{
    char *why = NULL;
    *t = (struct nf_pg_target){ 0 };
    t->options = PQconninfoParse(url, &why);
    if (!t->options) {
        /* The message could quote the URL with its password: only what it is about. */
        PQfreemem(why);
        return nf_err_set(err, NF_E_INVALID,
                          "must be postgresql://USER:PASSWORD@HOST:PORT/NAME, with %% and the like "
                          "in a password written as %%25, and options that libpq knows");
    }
    enum nf_code rc = read_hosts(t, err);
    if (rc == NF_OK)
        rc = make_settings(t, statement_ms, lock_ms, err);
    if (rc != NF_OK)
        nf_pg_target_done(t);
    return rc;
}

void nf_pg_target_done(struct nf_pg_target *t)
{
    PQconninfoFree(t->options);
    for (size_t i = 0; i < t->hosts_n; i++) {
        free(t->hosts[i].name);
        free(t->hosts[i].port);
        free(t->hosts[i].address);
    }
    free(t->settings);
    nf_str_done(&t->names);
    nf_str_done(&t->addresses);
    nf_str_done(&t->ports);
    *t = (struct nf_pg_target){ 0 };
}

static void put(struct nf_pg_target *t, size_t *n, const char *word, const char *value)
{
    assert(*n + 1 < sizeof(t->words) / sizeof(t->words[0]));
    t->words[*n] = word;
    t->values[*n] = value;
    (*n)++;
    t->words[*n] = t->values[*n] = NULL;
}

/* A password and all that people say must not be read on the way: beyond this machine the server
 * has to show a certificate, unless the URL says otherwise. */
static void put_tls(struct nf_pg_target *t, size_t *n, const struct nf_pg_host *h)
{
    const char *at = h->address ? h->address : h->name;
    bool here = at[0] == '/' || at[0] == '@' || strncmp(at, "127.", 4) == 0 ||
                strcmp(at, "::1") == 0 || strcmp(at, "localhost") == 0;
    if (value_of(t, "sslmode"))
        return;
    put(t, n, "sslmode", here ? "prefer" : "verify-full");
    if (!here && !value_of(t, "sslrootcert") && access(CA_FILE, R_OK) == 0)
        put(t, n, "sslrootcert", CA_FILE);
}

bool nf_pg_target_looks_up(const struct nf_pg_target *t)
{
    for (size_t i = 0; i < t->hosts_n; i++)
        if (t->hosts[i].needs_lookup)
            return true;
    return false;
}

enum nf_code nf_pg_target_select(struct nf_pg_target *t, size_t i, const char *addresses,
                                 struct nf_err *err)
{
    static const char *const ours[] = { "host", "hostaddr", "port", "options", NULL };
    const struct nf_pg_host *h = &t->hosts[i];
    size_t n = 0;
    if (!addresses)
        addresses = h->address;
    nf_str_reset(&t->names);
    nf_str_reset(&t->ports);
    NF_TRY(nf_str_set(&t->addresses, addresses ? addresses : "", err));
    /* libpq wants as many names and ports as addresses. */
    for (const char *p = addresses ? addresses : ""; p; p = strchr(p, ',')) {
        bool more = p != addresses && *p == ',';
        NF_TRY(nf_str_addf(&t->names, err, "%s%s", more ? "," : "", h->name));
        NF_TRY(nf_str_addf(&t->ports, err, "%s%s", more ? "," : "", h->port));
        if (*p == ',')
            p++;
    }
    for (PQconninfoOption *o = t->options; o->keyword; o++) {
        bool skip = !o->val || !o->val[0];
        for (size_t k = 0; ours[k] && !skip; k++)
            skip = strcmp(o->keyword, ours[k]) == 0;
        if (!skip)
            put(t, &n, o->keyword, o->val);
    }
    put(t, &n, "host", nf_str_c(&t->names));
    put(t, &n, "port", nf_str_c(&t->ports));
    if (addresses)
        put(t, &n, "hostaddr", nf_str_c(&t->addresses));
    put(t, &n, "options", t->settings);
    put_tls(t, &n, h);
    static const char *const defaults[][2] = {
        { "target_session_attrs", "read-write" },
        { "application_name", "nexflow" },
        { "client_encoding", "UTF8" },
        { "keepalives_idle", "10" },
        { "keepalives_interval", "5" },
        { "keepalives_count", "3" },
        { "tcp_user_timeout", "15000" },
    };
    for (size_t k = 0; k < sizeof(defaults) / sizeof(defaults[0]); k++)
        if (!value_of(t, defaults[k][0]))
            put(t, &n, defaults[k][0], defaults[k][1]);
    return NF_OK;
}
