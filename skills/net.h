/*
 * Which addresses a skill's requests may reach: those of the public internet, and what the
 * configuration names besides. Whatever a name resolves to is looked at when the connection is
 * made, so it does not matter what it was a moment before.
 */
#pragma once

#include "config/settings.h"

#include <stdbool.h>
#include <sys/socket.h>

#define NF_NET_ALLOW_MAX 64 /* entries of skills.allow_private */

/* True for an address that anybody in the internet could be reached at. False for private, shared
 * (CGNAT), loopback, link-local (and so metadata services), multicast, reserved and documentation
 * ranges, and for IPv6 addresses that stand for an IPv4 one: mapped, 6to4, Teredo, NAT64. */
bool nf_net_is_public(const struct sockaddr *a);

/* True if it is public, or `allow` has `host` (as the URL names it, lower case), the address, or a
 * network that it is in. */
bool nf_net_may_connect(const struct nf_setting_strs *allow, const char *host,
                        const struct sockaddr *a);

/* NF_E_DENIED, in words: none of the addresses of `host` may be connected to. */
enum nf_code nf_net_refused(const char *host, struct nf_err *err);

/* Whether `host` is named by itself: then its address is nobody's business but the owner's. */
bool nf_net_is_named(const struct nf_setting_strs *allow, const char *host);

/* What an entry may be: a host name, an address, or a network such as 10.0.0.0/8. For the table of
 * settings. */
enum nf_code nf_net_check_allow(const char *value, struct nf_err *err);
