#include "skills/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct network {
    uint8_t bytes[16];
    uint8_t bits, family_bytes; /* 4 or 16 */
};

/* What is not globally reachable by the IANA IPv4 Special-Purpose Address Registry (RFC 6890, RFC
 * 8190), and multicast (RFC 5771). 192.0.0.0/24 as a whole, and the relays of 6to4 (RFC 7526). */
static const struct network not_public4[] = {
    { { 0 }, 8, 4 },
    { { 10 }, 8, 4 },
    { { 100, 64 }, 10, 4 },
    { { 127 }, 8, 4 },
    { { 169, 254 }, 16, 4 },
    { { 172, 16 }, 12, 4 },
    { { 192, 0, 0 }, 24, 4 },
    { { 192, 0, 2 }, 24, 4 },
    { { 192, 88, 99 }, 24, 4 },
    { { 192, 168 }, 16, 4 },
    { { 198, 18 }, 15, 4 },
    { { 198, 51, 100 }, 24, 4 },
    { { 203, 0, 113 }, 24, 4 },
    { { 224 }, 4, 4 },
    { { 240 }, 4, 4 },
};
/* IANA assigns unicast addresses from 2000::/3 only (IPv6 Address Space registry). Out of it, by
 * the IPv6 Special-Purpose Address Registry: protocol assignments with Teredo, 6to4, documentation.
 */
static const struct network unicast6 = { { 0x20 }, 3, 16 };
static const struct network not_public6[] = {
    { { 0x20, 0x01 }, 23, 16 },
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32, 16 },
    { { 0x20, 0x02 }, 16, 16 },
    { { 0x3f, 0xff }, 20, 16 },
};

static bool contains(const struct network *n, const uint8_t *address, size_t bytes)
{
    size_t whole = n->bits / 8, rest = n->bits % 8;

    if (n->family_bytes != bytes || memcmp(n->bytes, address, whole) != 0)
        return false;
    return rest == 0 || ((n->bytes[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

static bool any_contains(const struct network *v, size_t n, const uint8_t *address, size_t bytes)
{
    for (size_t i = 0; i < n; i++)
        if (contains(&v[i], address, bytes))
            return true;
    return false;
}

/* The address in network order; 0: of another family. */
static size_t bytes_of(const struct sockaddr *a, uint8_t ret[16])
{
    if (a->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, a, sizeof(in));
        memcpy(ret, &in.sin_addr, 4);
        return 4;
    }
    if (a->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, a, sizeof(in6));
        memcpy(ret, &in6.sin6_addr, 16);
        return 16;
    }
    return 0;
}

bool nf_net_is_public(const struct sockaddr *a)
{
    uint8_t address[16];
    size_t n = bytes_of(a, address);

    if (n == 4)
        return !any_contains(not_public4, NF_COUNT(not_public4), address, n);
    return n == 16 && contains(&unicast6, address, n) &&
           !any_contains(not_public6, NF_COUNT(not_public6), address, n);
}

/* "10.0.0.0/8", "::1"; false: it is no such thing. */
static bool parse_network(const char *text, struct network *ret)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : strlen(text);
    int64_t bits = 0;

    if (n >= sizeof(address))
        return false;
    memcpy(address, text, n);
    address[n] = '\0';
    memset(ret, 0, sizeof(*ret));
    ret->family_bytes = inet_pton(AF_INET, address, ret->bytes) == 1    ? 4
                        : inet_pton(AF_INET6, address, ret->bytes) == 1 ? 16
                                                                        : 0;
    if (ret->family_bytes == 0)
        return false;
    ret->bits = (uint8_t)(ret->family_bytes * 8);
    if (!slash)
        return true;
    if (!nf_slice_u63(nf_slice_of(slash + 1), &bits) || bits > ret->bits)
        return false;
    ret->bits = (uint8_t)bits;
    return true;
}

bool nf_net_is_named(const struct nf_setting_strs *allow, const char *host)
{
    for (size_t i = 0; i < allow->n; i++)
        if (strcmp(allow->v[i], host) == 0)
            return true;
    return false;
}

bool nf_net_may_connect(const struct nf_setting_strs *allow, const char *host,
                        const struct sockaddr *a)
{
    uint8_t address[16];
    size_t n = bytes_of(a, address);
    struct network network;

    if (n == 0)
        return false;
    if (nf_net_is_public(a) || nf_net_is_named(allow, host))
        return true;
    for (size_t i = 0; i < allow->n; i++)
        if (parse_network(allow->v[i], &network) && contains(&network, address, n))
            return true;
    return false;
}

enum nf_code nf_net_refused(const char *host, struct nf_err *err)
{
    return nf_err_set(err, NF_E_DENIED,
                      "%s has only addresses in private or reserved networks (setting "
                      "skills.allow_private)",
                      host);
}

enum nf_code nf_net_check_allow(const char *value, struct nf_err *err)
{
    struct network ignored;
    size_t n = strlen(value);
    bool name = n > 0 && n < 254 && strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == n;

    /* What has only digits and dots is meant as an address. */
    if (parse_network(value, &ignored) || (name && strspn(value, "0123456789.") != n))
        return NF_OK;
    return nf_err_set(err, NF_E_INVALID,
                      "must be a host in lower case, an address, or a network such as 10.0.0.0/8");
}
