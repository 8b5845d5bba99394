/* Texts that say when: cron expressions, moments, and compiled time zones. */
#include "domain/cron.h"
#include "domain/when.h"

#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(1795885530000)

static void cron(const char *text)
{
    struct nf_cron c;
    struct nf_str words = { 0 };
    struct nf_err err;

    if (nf_cron_parse(text, &c, &err) != NF_OK)
        return;
    int64_t next = nf_cron_next(&c, NOW, &nf_zone_utc);
    assert(next > NOW && next % 60000 == 0);
    assert(nf_cron_interval(&c) >= 1 && nf_cron_interval(&c) <= 1440);
    for (enum nf_lang l = NF_LANG_EN; l <= NF_LANG_RU; l++)
        assert(nf_cron_describe(&c, l, &words, &err) == NF_OK && words.len > 0);
    nf_str_done(&words);
}

static void zone(const uint8_t *data, size_t n)
{
    struct nf_zone z;
    struct nf_err err;
    int64_t change;

    if (nf_zone_parse("Fuzz", data, n, &z, &err) != NF_OK)
        return;
    for (int64_t t = 0; t < INT64_C(4102444800); t += INT64_C(86400) * 29) {
        assert(labs(nf_zone_offset(&z, t)) <= 200L * 3600);
        if (nf_zone_next_change(&z, t, &change))
            assert(change > t);
        (void)nf_zone_utc_of(&z, t);
    }
    nf_zone_done(&z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    int64_t at;
    struct nf_err err;

    zone(data, n);
    char *text = malloc(n + 1);
    if (!text)
        return 0;
    if (n)
        memcpy(text, data, n);
    text[n] = '\0';
    cron(text);
    if (nf_when_parse(text, &nf_zone_utc, NOW, &at, &err) == NF_OK)
        assert(at > NOW && at <= NOW + NF_WHEN_AHEAD_MS);
    free(text);
    return 0;
}
