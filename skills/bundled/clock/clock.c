/* The skill clock: the time here and elsewhere. Dates are in dates.c. */
#include "skills/bundled/clock/tools.h"

#include "skills/bundled/common/text.h"

#include <string.h>

#define PLACES_MAX 20
#define ZONES_SHOWN_MAX 50

struct nf_place nf_clock_place(struct nf_args *a, const char *key)
{
    struct nf_place place = { 0 };

    (void)nf_place_find(a, key, nf_args_text_or(a, key, NF_ZONE_NAME_MAX, "UTC"), &place);
    return place;
}

struct nf_when nf_clock_when(struct nf_args *a, const char *key, const struct nf_place *place)
{
    struct nf_when w =
        nf_when_parse(a, key, nf_args_text_or(a, key, NF_WHEN_TEXT_MAX, "now"), place);

    return w;
}

bool nf_clock_later(struct nf_args *a)
{
    static const char *const folds[] = { "earlier", "later", NULL };

    return nf_args_choice_or(a, "fold", folds, 0) == 1;
}

void nf_clock_put(struct nf_buf *out, const struct nf_place *place, int64_t utc)
{
    struct nf_zone_kind k = nf_place_at(place, utc);
    struct nf_buf text = nf_buf_of(out->h, 200), zone = nf_buf_of(out->h, 200),
                  offset = nf_buf_of(out->h, 200);

    nf_when_iso(utc, k.offset, &text);
    nf_place_name(place, &zone);
    nf_offset_text(k.offset, &offset);
    nf_put_buf(out, "time", &text);
    nf_put_str(out, "weekday",
               nf_weekday_names[nf_weekday(nf_floor_div(utc + k.offset, NF_DAY_S))]);
    nf_put_buf(out, "zone", &zone);
    /* Where people have no letters for it, the database has numbers: they say nothing new. */
    if (k.abbreviation[0] && k.abbreviation[0] != '+' && k.abbreviation[0] != '-')
        nf_put_str(out, "abbreviation", k.abbreviation);
    nf_put_buf(out, "utc_offset", &offset);
    nf_put_bool(out, "dst", k.daylight);
}

void nf_clock_put_note(struct nf_buf *out, const struct nf_buf *note)
{
    if (note->len > 0 || note->rc != NF_SKILL_OK)
        nf_put_buf(out, "note", note);
}

/* The next change of the clocks, if there is one within about a year. */
static void put_change(struct nf_buf *out, const struct nf_place *place, int64_t utc)
{
    struct nf_buf text = nf_buf_of(out->h, 200);
    int64_t at;
    struct nf_zone_kind after;

    if (!nf_place_next_change(place, utc, &at) || at > utc + 370 * NF_DAY_S)
        return;
    after = nf_place_at(place, at);
    nf_when_iso(at, after.offset, &text);
    nf_out_key(out, "next_clock_change");
    nf_out_open(out, '{');
    nf_put_buf(out, "time", &text);
    nf_put_i64(out, "shift_minutes", (after.offset - nf_place_at(place, at - 1).offset) / 60);
    nf_out_close(out, '}');
}

/* The places of an argument that is a name or a list of names. */
static size_t read_places(struct nf_args *a, const char *key, struct nf_place *ret)
{
    const struct nf_skill_json *v = a->h->json_get(a->h, a->v, key);
    size_t n = 0;

    if (a->h->json_type(a->h, v) == NF_SKILL_JSON_STRING || !v) {
        ret[0] = nf_clock_place(a, key);
        return 1;
    }
    v = nf_args_list(a, key, 1, PLACES_MAX);
    for (v = a->h->json_first(a->h, v); v && a->rc == NF_SKILL_OK; v = a->h->json_next(a->h, v)) {
        (void)nf_place_find(a, key, nf_args_item(a, key, v, n, NF_ZONE_NAME_MAX), &ret[n]);
        n++;
    }
    return n;
}

int nf_clock_now(struct nf_args *a, struct nf_buf *out)
{
    int64_t now = nf_floor_div(a->h->now_ms(a->h), 1000);
    struct nf_place places[PLACES_MAX];
    size_t n = read_places(a, "zone", places);

    if (a->rc != NF_SKILL_OK)
        return a->rc;
    if (n > 1)
        nf_out_open(out, '[');
    for (size_t i = 0; i < n; i++) {
        int64_t days = nf_floor_div(now + nf_place_at(&places[i], now).offset, NF_DAY_S);
        struct nf_buf week = nf_buf_of(a->h, 200);
        int year, number = nf_iso_week(days, &year);

        nf_buf_addf(&week, "%04d-W%02d", year, number);
        nf_out_open(out, '{');
        nf_clock_put(out, &places[i], now);
        nf_put_buf(out, "iso_week", &week);
        nf_put_i64(out, "unix", now);
        put_change(out, &places[i], now);
        nf_out_close(out, '}');
    }
    if (n > 1)
        nf_out_close(out, ']');
    return NF_SKILL_OK;
}

int nf_clock_convert(struct nf_args *a, struct nf_buf *out)
{
    struct nf_place from = nf_clock_place(a, "from"), places[PLACES_MAX];
    size_t n = read_places(a, "to", places);
    struct nf_when w = nf_clock_when(a, "time", &from);
    struct nf_buf note = nf_buf_of(a->h, 400);
    bool later = nf_clock_later(a);
    int64_t utc = a->rc == NF_SKILL_OK ? nf_when_utc(&w, &from, later, &note) : 0;

    if (a->rc != NF_SKILL_OK || !nf_when_in_range(a, utc))
        return a->rc;
    nf_out_open(out, '{');
    nf_out_key(out, "from");
    nf_out_open(out, '{');
    nf_clock_put(out, w.has_place ? &w.place : &from, utc);
    nf_out_close(out, '}');
    nf_out_key(out, "to");
    nf_out_open(out, '[');
    for (size_t i = 0; i < n; i++) {
        nf_out_open(out, '{');
        nf_clock_put(out, &places[i], utc);
        nf_out_close(out, '}');
    }
    nf_out_close(out, ']');
    nf_put_i64(out, "unix", utc);
    nf_clock_put_note(out, &note);
    nf_out_close(out, '}');
    return NF_SKILL_OK;
}

/* Whether the name has `query` within, blanks matching '_'. */
static bool matches(const char *name, const char *query)
{
    size_t n = strlen(query);

    for (; strlen(name) >= n; name++) {
        size_t i = 0;

        while (i < n && nf_text_lower(name[i]) == (query[i] == ' ' ? '_' : nf_text_lower(query[i])))
            i++;
        if (i == n)
            return true;
    }
    return false;
}

int nf_clock_zones(struct nf_args *a, struct nf_buf *out)
{
    const char *query = nf_args_text(a, "query", NF_ZONE_NAME_MAX);
    int64_t now = nf_floor_div(a->h->now_ms(a->h), 1000);
    size_t found = 0;

    nf_out_open(out, '{');
    nf_out_key(out, "zones");
    nf_out_open(out, '[');
    for (size_t i = 0; i < nf_zones_n && a->rc == NF_SKILL_OK; i++) {
        struct nf_place place = { .zone = &nf_zones[i] };
        struct nf_zone_kind k = nf_place_at(&place, now);
        struct nf_buf offset = nf_buf_of(a->h, 200);

        if (!matches(nf_zones[i].name, query) && strcmp(k.abbreviation, query) != 0)
            continue;
        if (++found > ZONES_SHOWN_MAX)
            continue;
        nf_offset_text(k.offset, &offset);
        nf_out_open(out, '{');
        nf_put_str(out, "name", nf_zones[i].name);
        if (nf_zones[i].target[0])
            nf_put_str(out, "alias_of", nf_zones[i].target);
        nf_put_str(out, "abbreviation", k.abbreviation);
        nf_put_buf(out, "utc_offset", &offset);
        nf_out_close(out, '}');
    }
    nf_out_close(out, ']');
    nf_put_i64(out, "found", (int64_t)found);
    nf_put_str(out, "tzdata", nf_zones_version);
    nf_out_close(out, '}');
    return a->rc;
}

static int call(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    static const struct nf_tool tools[] = {
        { "now", nf_clock_now },
        { "convert", nf_clock_convert },
        { "zones", nf_clock_zones },
        { "add", nf_clock_add },
        { "difference", nf_clock_difference },
        { "date_info", nf_clock_date_info },
        { "next", nf_clock_next },
    };

    return nf_tools_run(h, r, tools, sizeof(tools) / sizeof(tools[0]));
}

NF_SKILL("clock", "1.0.0", call)
