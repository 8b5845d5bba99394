/*
 * Writes the time zones that this machine has as C tables, for a plugin that may not open files.
 *
 * usage: pack-zones /usr/share/zoneinfo > zones_table.c
 *
 * The list of zones and links and the version are those of tzdata.zi, the transitions those of the
 * compiled files (TZif, RFC 9636). Zones with the same history share a table. Transitions that the
 * rule in a file's footer tells as well are left out.
 */
#include "skills/bundled/common/tz_rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 1000
#define NAME_BYTES 40
#define HISTORIES_MAX 1000
#define TIMES_MAX 100000
#define KINDS_MAX 10000
#define FILE_MAX 65536

struct kind {
    int32_t offset;
    int daylight;
    char abbreviation[NF_TZ_ABBREVIATION];
};
struct history {
    size_t first, n;            /* its transitions */
    size_t first_kind, n_kinds; /* kind 0 holds before the first transition */
    struct nf_tz_rule rule;
};
struct named {
    char name[NAME_BYTES], target[NAME_BYTES]; /* target: of a link */
    size_t history;
};

static struct named names[NAMES_MAX];
static struct history histories[HISTORIES_MAX];
static int64_t times[TIMES_MAX];
static uint8_t kind_of[TIMES_MAX];
static struct kind kinds[KINDS_MAX];
static size_t names_n, histories_n, times_n, kinds_n;
static char version[32];

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "pack-zones: %s: %s\n", what, why);
    exit(1);
}

static size_t read_file(const char *dir, const char *name, uint8_t *to)
{
    char path[4096];
    size_t n;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "rb");
    if (!f)
        die(path, strerror(errno));
    n = fread(to, 1, FILE_MAX, f);
    (void)fclose(f);
    if (n == FILE_MAX)
        die(path, "is too long");
    return n;
}

static void add_name(const char *name, const char *target)
{
    if (names_n == NAMES_MAX || strlen(name) >= NAME_BYTES || strlen(target) >= NAME_BYTES)
        die(name, "over a limit of pack-zones");
    (void)snprintf(names[names_n].name, NAME_BYTES, "%s", name);
    (void)snprintf(names[names_n++].target, NAME_BYTES, "%s", target);
}

/* tzdata.zi: "Z name ..." is a zone, "L target name" a link; see zic(8). */
static void read_list(const char *dir)
{
    char path[4096], line[4096], a[NAME_BYTES], b[NAME_BYTES];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/tzdata.zi", dir);
    f = fopen(path, "r");
    if (!f)
        die(path, strerror(errno));
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "# version %31s", version) == 1)
            continue;
        if (sscanf(line, "Z %39s", a) == 1)
            add_name(a, "");
        else if (sscanf(line, "L %39s %39s", a, b) == 2)
            add_name(b, a);
    }
    (void)fclose(f);
    if (!names_n || !version[0])
        die(path, "lists no zones or no version");
}

static uint64_t big_endian(const uint8_t *p, int n)
{
    uint64_t v = 0;

    while (n-- > 0)
        v = v << 8 | *p++;
    return v;
}

/* Leave out what the footer says as well: going back, as long as before and after agree. */
static void trim(struct history *h)
{
    const struct kind *own = kinds + h->first_kind;

    while (h->n > 1) {
        size_t last = h->first + h->n - 1;
        const struct kind *after = own + kind_of[last], *before = own + kind_of[last - 1];
        bool now = nf_tz_rule_is_daylight(&h->rule, times[last]);
        bool then = nf_tz_rule_is_daylight(&h->rule, times[last] - 1);

        if (!h->rule.has_daylight || now == then ||
            nf_tz_rule_next(&h->rule, times[last - 1]) != times[last] ||
            after->offset != (now ? h->rule.daylight : h->rule.standard) ||
            before->offset != (then ? h->rule.daylight : h->rule.standard) ||
            before->daylight != then || after->daylight != now)
            return;
        h->n--;
        times_n--;
    }
}

static void read_footer(const char *name, const uint8_t *p, const uint8_t *end,
                        struct nf_tz_rule *ret)
{
    char text[128];
    size_t n = 0;

    while (p + n < end && n + 1 < sizeof(text) && p[n] != '\n')
        n++;
    memcpy(text, p, n);
    text[n] = '\0';
    if (!nf_tz_rule_parse(text, ret))
        die(name, "has a footer that pack-zones does not understand");
}

/* The second header and block, with times of 64 bits. */
static void read_history(const char *dir, const char *name)
{
    static uint8_t file[FILE_MAX];
    size_t size = read_file(dir, name, file);
    struct history *h = &histories[histories_n];
    const uint8_t *p = file, *end = file + size, *types;
    uint64_t isut, isstd, leaps, n, n_types, chars;

    if (size < 44 || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
        die(name, "is no TZif file of version 2 or later");
    p += 44 + big_endian(p + 32, 4) * 5 + big_endian(p + 36, 4) * 6 + big_endian(p + 40, 4) +
         big_endian(p + 28, 4) * 8 + big_endian(p + 24, 4) + big_endian(p + 20, 4);
    if (p + 44 > end || memcmp(p, "TZif", 4) != 0)
        die(name, "has no second header");
    isut = big_endian(p + 20, 4);
    isstd = big_endian(p + 24, 4);
    leaps = big_endian(p + 28, 4);
    n = big_endian(p + 32, 4);
    n_types = big_endian(p + 36, 4);
    chars = big_endian(p + 40, 4);
    p += 44;
    types = p + n * 9;
    if (types + n_types * 6 + chars + leaps * 12 + isstd + isut + 2 > end || n_types > 255)
        die(name, "is cut off");
    if (histories_n == HISTORIES_MAX || times_n + n > TIMES_MAX || kinds_n + n_types > KINDS_MAX)
        die(name, "over a limit of pack-zones");
    *h = (struct history){ times_n, n, kinds_n, n_types, { 0 } };
    for (uint64_t i = 0; i < n; i++) {
        times[times_n] = (int64_t)big_endian(p + i * 8, 8);
        kind_of[times_n++] = p[n * 8 + i];
    }
    for (uint64_t i = 0; i < n_types; i++) {
        const uint8_t *t = types + i * 6;
        struct kind *k = &kinds[kinds_n++];

        *k = (struct kind){ (int32_t)big_endian(t, 4), t[4], "" };
        (void)snprintf(k->abbreviation, sizeof(k->abbreviation), "%s",
                       (const char *)types + n_types * 6 + t[5]);
    }
    read_footer(name, types + n_types * 6 + chars + leaps * 12 + isstd + isut + 1, end, &h->rule);
    trim(h);
}

static bool same(const struct history *a, const struct history *b)
{
    return a->n == b->n && a->n_kinds == b->n_kinds &&
           memcmp(times + a->first, times + b->first, a->n * sizeof(*times)) == 0 &&
           memcmp(kind_of + a->first, kind_of + b->first, a->n) == 0 &&
           memcmp(kinds + a->first_kind, kinds + b->first_kind, a->n_kinds * sizeof(*kinds)) == 0 &&
           /* What differs in its padding is kept twice, and that is all.
            * NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
           memcmp(&a->rule, &b->rule, sizeof(a->rule)) == 0;
}

/* The newest history, or an equal one that is there already. */
static size_t keep_history(void)
{
    const struct history *newest = &histories[histories_n];

    for (size_t i = 0; i < histories_n; i++)
        if (same(&histories[i], newest)) {
            times_n = newest->first;
            kinds_n = newest->first_kind;
            return i;
        }
    return histories_n++;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static void write_day(const struct nf_tz_day *d)
{
    (void)printf("{ %d, %d, %d, %d, %d }", d->kind, d->month, d->week, d->day, d->time);
}

static void write_tables(void)
{
    (void)printf("/* Written by cmd/pack-zones while building, from tzdata %s. */\n"
                 "#include \"skills/bundled/clock/zones.h\"\n\n"
                 "const char nf_zones_version[] = \"%s\";\n\nconst int64_t nf_zone_times[] = {\n",
                 version, version);
    for (size_t i = 0; i < times_n; i++)
        (void)printf("%lld,%s", (long long)times[i], i % 8 == 7 ? "\n" : "");
    (void)printf("};\nconst uint8_t nf_zone_kind_of[] = {\n");
    for (size_t i = 0; i < times_n; i++)
        (void)printf("%d,%s", kind_of[i], i % 32 == 31 ? "\n" : "");
    (void)printf("};\nconst struct nf_zone_kind nf_zone_kinds[] = {\n");
    for (size_t i = 0; i < kinds_n; i++)
        (void)printf("{ %d, %d, \"%s\" },\n", kinds[i].offset, kinds[i].daylight,
                     kinds[i].abbreviation);
    (void)printf("};\nconst struct nf_zone_history nf_zone_histories[] = {\n");
    for (size_t i = 0; i < histories_n; i++) {
        const struct history *h = &histories[i];

        (void)printf("{ %zu, %zu, %zu, { %d, %d, %d, \"%s\", \"%s\", ", h->first, h->n,
                     h->first_kind, h->rule.standard, h->rule.daylight, h->rule.has_daylight,
                     h->rule.standard_name, h->rule.daylight_name);
        write_day(&h->rule.from);
        (void)printf(", ");
        write_day(&h->rule.to);
        (void)printf(" } },\n");
    }
    (void)printf("};\nconst struct nf_zone nf_zones[] = {\n");
    for (size_t i = 0; i < names_n; i++)
        (void)printf("{ \"%s\", \"%s\", %zu },\n", names[i].name, names[i].target,
                     names[i].history);
    (void)printf("};\nconst size_t nf_zones_n = %zu;\n", names_n);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        die("usage", "pack-zones DIRECTORY");
    read_list(argv[1]);
    for (size_t i = 0; i < names_n; i++) {
        read_history(argv[1], names[i].name);
        names[i].history = keep_history();
    }
    qsort(names, names_n, sizeof(names[0]), by_name);
    write_tables();
    if (fflush(stdout) != 0)
        die("standard output", strerror(errno));
    return 0;
}
