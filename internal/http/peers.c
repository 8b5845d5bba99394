/* How many connections an address has. */
#include "http/conn.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(added) ((void)(added))
#include <uthash.h>

struct nf_httpd_peer {
    uint8_t ip[16];
    size_t n;
    UT_hash_handle hh;
};

static struct nf_httpd_peer *find(struct nf_http_server *s, const uint8_t ip[16])
{
    struct nf_httpd_peer *p = NULL;
    HASH_FIND(hh, s->peers, ip, sizeof(p->ip), p);
    return p;
}

bool nf_httpd_peer_enter(struct nf_http_server *s, const uint8_t ip[16])
{
    struct nf_httpd_peer *p = find(s, ip);
    if (p) {
        bool room = p->n < s->o.limits.per_ip_max;
        p->n += room ? 1 : 0;
        return room;
    }
    p = calloc(1, sizeof(*p));
    if (!p)
        return false;
    memcpy(p->ip, ip, sizeof(p->ip));
    p->n = 1;
    HASH_ADD(hh, s->peers, ip, sizeof(p->ip), p);
    /* uthash leaves no mark on an item that it had no memory for. */
    if (!find(s, ip)) {
        free(p);
        return false;
    }
    return true;
}

void nf_httpd_peer_leave(struct nf_http_server *s, const uint8_t ip[16])
{
    struct nf_httpd_peer *p = find(s, ip);
    assert(p && p->n > 0);
    if (--p->n > 0)
        return;
    HASH_DEL(s->peers, p);
    free(p);
}
