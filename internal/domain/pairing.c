/* Requests to be let in, and their codes. */
#include "domain/pairing.h"

#include "base/utf8.h"
#include "domain/rules.h"

#include <string.h>

static const char alphabet[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
_Static_assert(sizeof(alphabet) - 1 == 32, "5 bits a character, so that none is likelier");

void nf_code_make(const unsigned char *random, size_t n, char *ret)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = alphabet[random[i] & 31];
    ret[n] = '\0';
}

bool nf_code_read(const char *text, size_t n, char *ret)
{
    size_t have = 0;
    for (; *text; text++) {
        char c = *text;
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (c == ' ' || c == '-')
            continue;
        if (have == n || !strchr(alphabet, c))
            return false;
        ret[have++] = c;
    }
    ret[have] = '\0';
    return have == n;
}

struct nf_code_text nf_code_show(const char *code)
{
    struct nf_code_text t = { 0 };
    size_t n = 0;
    for (size_t i = 0; i < NF_INVITE_CODE && code[i]; i++) {
        if (i > 0 && i % 4 == 0)
            t.s[n++] = '-';
        t.s[n++] = code[i];
    }
    return t;
}

/* The bytes of the character that begins at `p`, which ends with a NUL; 0: it is none. */
static size_t character(const char *p)
{
    for (size_t n = 1; n <= 4 && p[n - 1]; n++)
        if (nf_utf8_valid(p, n))
            return n;
    return 0;
}

static bool is_control(const char *p, size_t n)
{
    struct nf_err ignored;
    char one[5] = { 0 };
    memcpy(one, p, n);
    return nf_check_line("", one, n, &ignored) != NF_OK;
}

void nf_name_from(const char *name, const char *instead, char ret[NF_NAME_MAX + 1])
{
    struct nf_err ignored;
    size_t n = 0;
    memset(ret, 0, NF_NAME_MAX + 1);
    while (*name) {
        size_t k = character(name);
        if (n + k > NF_NAME_MAX)
            break;
        if (k > 0 && !is_control(name, k)) {
            memcpy(ret + n, name, k);
            n += k;
        }
        name += k > 0 ? k : 1;
    }
    if (nf_check_name("name", ret, NF_NAME_MAX, &ignored) == NF_OK)
        return;
    memset(ret, 0, NF_NAME_MAX + 1);
    memcpy(ret, instead, strnlen(instead, NF_NAME_MAX));
}

enum nf_code nf_pairing_init(struct nf_pairing *p, int64_t id, const struct nf_pairing_from *from,
                             const unsigned char *random, int64_t now_ms, struct nf_err *err)
{
    struct nf_pairing made = { .id = id,
                               .lang = nf_lang_of(from->lang),
                               .status = NF_PAIRING_OPEN,
                               .created_ms = now_ms,
                               .expires_ms = now_ms + NF_PAIRING_TTL_MS };
    NF_TRY(nf_check_channel(from->network, err));
    NF_TRY(nf_check_channel(from->channel, err));
    NF_TRY(nf_check_address("account", from->account, err));
    NF_TRY(nf_check_address("address", from->address, err));
    NF_TRY(nf_check_line("event", from->event, NF_CLIENT_ID_MAX, err));
    memcpy(made.network, from->network, strlen(from->network));
    memcpy(made.channel, from->channel, strlen(from->channel));
    memcpy(made.account, from->account, strlen(from->account));
    memcpy(made.address, from->address, strlen(from->address));
    memcpy(made.event, from->event, strlen(from->event));
    nf_name_from(from->name ? from->name : "", from->account, made.name);
    nf_code_make(random, NF_PAIRING_CODE, made.code);
    *p = made;
    return NF_OK;
}

const char *nf_pairing_status_name(enum nf_pairing_status status)
{
    switch (status) {
    case NF_PAIRING_OPEN:
        return "open";
    case NF_PAIRING_DENIED:
        return "denied";
    }
    return "?";
}
