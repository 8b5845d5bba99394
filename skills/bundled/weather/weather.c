/*
 * The skill weather: Open-Meteo's forecasts, which need no key. Formats: the documentation at
 * open-meteo.com/en/docs (forecast: current, hourly, daily with a *_units object each; an error is
 * {"error": true, "reason"}) and /en/docs/geocoding-api (results: name, country, country_code,
 * admin1, latitude, longitude, timezone, population).
 */
#include "skills/bundled/common/http.h"
#include "skills/bundled/common/text.h"

#include <stdio.h>
#include <string.h>

/* Where to ask, unless the configuration has others by these keys. */
#define GEOCODING_KEY "geocoding_url"
#define GEOCODING "https://geocoding-api.open-meteo.com/v1/search"
#define FORECAST_KEY "forecast_url"
#define FORECAST "https://api.open-meteo.com/v1/forecast"
#define WHO "Open-Meteo"
#define SOURCE "Weather data by Open-Meteo.com (CC BY 4.0)"
#define PLACE_MAX 200
#define CANDIDATES 20
#define HOURS_MAX 168
#define DAYS_MAX 16

typedef const struct nf_skill_json *value;

struct place {
    char name[256];
    double latitude, longitude;
};

/* --- places ----------------------------------------------------------------------------------- */

static const char *text_of(const struct nf_skill_host *h, value v, const char *key)
{
    const char *text = h->json_str(h, h->json_get(h, v, key));

    return text ? text : "";
}

static bool same(const char *text, const char *p, size_t n)
{
    return strlen(text) == n && nf_text_ieq(text, p, n);
}

/* Whether every part behind the commas names the result's country or region. */
static bool qualifies(const struct nf_skill_host *h, value v, const char *parts)
{
    while (*parts == ',') {
        size_t n;

        parts += 1 + strspn(parts + 1, " ");
        n = strcspn(parts, ",");
        while (n > 0 && parts[n - 1] == ' ')
            n--;
        if (n > 0 && !same(text_of(h, v, "country"), parts, n) &&
            !same(text_of(h, v, "country_code"), parts, n) &&
            !same(text_of(h, v, "admin1"), parts, n) && !same(text_of(h, v, "admin2"), parts, n) &&
            !(same("USA", parts, n) && same(text_of(h, v, "country_code"), "US", 2)) &&
            !(same("UK", parts, n) && same(text_of(h, v, "country_code"), "GB", 2)))
            return false;
        parts += strcspn(parts, ",");
    }
    return true;
}

/* Its own server, such as one that the owner runs. */
static const char *url_of(struct nf_args *a, const char *key, const char *otherwise)
{
    struct nf_skill_bytes b;

    if (a->rc != NF_SKILL_OK || !NF_SKILL_HAS(a->h, struct nf_skill_host, config_get) ||
        a->h->config_get(a->h, key, &b) != NF_SKILL_OK)
        return otherwise;
    return b.p;
}

static value search(struct nf_args *a, const char *name, size_t n)
{
    struct nf_buf url = nf_buf_of(a->h, 2048);
    struct nf_skill_http_response r;

    nf_buf_addf(&url, "%s?name=", url_of(a, GEOCODING_KEY, GEOCODING));
    nf_url_escape(name, n, &url);
    nf_buf_addf(&url, "&count=%d&language=en&format=json", CANDIDATES);
    if (a->rc == NF_SKILL_OK)
        a->rc = url.rc;
    if (!nf_http_get(a, nf_buf_c(&url), "application/json", &r))
        return NULL;
    return nf_http_json(a, &r, WHO, "reason");
}

static void set_name(const struct nf_skill_host *h, value v, struct place *ret)
{
    const char *region = text_of(h, v, "admin1"), *country = text_of(h, v, "country");

    (void)snprintf(ret->name, sizeof(ret->name), "%.80s%s%.80s%s%.80s", text_of(h, v, "name"),
                   *region ? ", " : "", region, *country ? ", " : "", country);
}

/* "Paris", "Paris, Texas", "Springfield, Illinois, US": the service lists the largest first. */
static bool find(struct nf_args *a, const char *text, struct place *ret)
{
    const struct nf_skill_host *h = a->h;
    size_t n = strcspn(text, ",");
    value answer, first;

    if (n == 0) {
        nf_args_fail(a, NF_SKILL_E_INVALID, "argument \"place\" is empty");
        return false;
    }
    answer = search(a, text, n);
    if (!answer)
        return false;
    first = h->json_first(h, h->json_get(h, answer, "results"));
    for (value v = first; v; v = h->json_next(h, v)) {
        if (!qualifies(h, v, text + n))
            continue;
        set_name(h, v, ret);
        ret->latitude = h->json_f64(h, h->json_get(h, v, "latitude"), 1000);
        ret->longitude = h->json_f64(h, h->json_get(h, v, "longitude"), 1000);
        return true;
    }
    if (first) {
        set_name(h, first, ret);
        nf_args_fail(a, NF_SKILL_E_NOT_FOUND,
                     "there is no \"%.100s\"; the largest of that name is %s", text, ret->name);
    } else {
        nf_args_fail(a, NF_SKILL_E_NOT_FOUND,
                     "there is no place \"%.*s\": give a city or postal code, without street",
                     (int)(n < 100 ? n : 100), text);
    }
    return false;
}

/* The arguments place, or latitude and longitude. */
static bool read_place(struct nf_args *a, struct place *ret)
{
    const struct nf_skill_host *h = a->h;

    if (nf_args_has(a, "place"))
        return find(a, nf_args_text(a, "place", PLACE_MAX), ret);
    ret->latitude = h->json_f64(h, h->json_get(h, a->v, "latitude"), 1000);
    ret->longitude = h->json_f64(h, h->json_get(h, a->v, "longitude"), 1000);
    if (!(ret->latitude >= -90 && ret->latitude <= 90 && ret->longitude >= -180 &&
          ret->longitude <= 180))
        nf_args_fail(a, NF_SKILL_E_INVALID,
                     "give the argument \"place\", or \"latitude\" (-90 to 90) and \"longitude\" "
                     "(-180 to 180)");
    (void)snprintf(ret->name, sizeof(ret->name), "%.4f, %.4f", ret->latitude, ret->longitude);
    return a->rc == NF_SKILL_OK;
}

/* --- forecast --------------------------------------------------------------------------------- */

static const char *sky(int64_t code)
{
    /* WMO code table 4677, the ones that the service uses. */
    static const struct {
        int code;
        const char *text;
    } codes[] = {
        { 0, "clear sky" },
        { 1, "mainly clear" },
        { 2, "partly cloudy" },
        { 3, "overcast" },
        { 45, "fog" },
        { 48, "rime fog" },
        { 51, "light drizzle" },
        { 53, "drizzle" },
        { 55, "dense drizzle" },
        { 56, "light freezing drizzle" },
        { 57, "freezing drizzle" },
        { 61, "light rain" },
        { 63, "rain" },
        { 65, "heavy rain" },
        { 66, "light freezing rain" },
        { 67, "freezing rain" },
        { 71, "light snow" },
        { 73, "snow" },
        { 75, "heavy snow" },
        { 77, "snow grains" },
        { 80, "light rain showers" },
        { 81, "rain showers" },
        { 82, "violent rain showers" },
        { 85, "light snow showers" },
        { 86, "snow showers" },
        { 95, "thunderstorm" },
        { 96, "thunderstorm with light hail" },
        { 99, "thunderstorm with hail" },
    };

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (codes[i].code == code)
            return codes[i].text;
    return "unknown";
}

/* From where the wind blows. */
static const char *compass(double degrees)
{
    static const char *const points[] = { "N", "NE", "E", "SE", "S", "SW", "W", "NW" };
    int eighth = degrees >= 0 && degrees <= 360 ? (int)((degrees + 22.5) / 45) % 8 : 0;

    return points[eighth];
}

static value forecast(struct nf_args *a, const struct place *p, const char *query)
{
    static const char *const units[] = { "metric", "imperial", NULL };
    size_t unit = nf_args_choice_or(a, "units", units, 0);
    struct nf_buf url = nf_buf_of(a->h, 2048);
    struct nf_skill_http_response r;

    nf_buf_addf(&url, "%s?latitude=%.4f&longitude=%.4f&timezone=auto&%s",
                url_of(a, FORECAST_KEY, FORECAST), p->latitude, p->longitude, query);
    if (unit == 1)
        nf_buf_adds(&url,
                    "&temperature_unit=fahrenheit&wind_speed_unit=mph&precipitation_unit=inch");
    if (a->rc == NF_SKILL_OK)
        a->rc = url.rc;
    if (!nf_http_get(a, nf_buf_c(&url), "application/json", &r))
        return NULL;
    return nf_http_json(a, &r, WHO, "reason");
}

/* What is shown of one variable. */
struct column {
    const char *key, *name;
};

/* A value without its unit: words for codes and directions, "-" for none. */
static void put_plain(const struct nf_skill_host *h, const char *key, value v, struct nf_buf *to)
{
    struct nf_skill_bytes text;

    if (h->json_type(h, v) == NF_SKILL_JSON_NULL || !v) {
        nf_buf_addc(to, '-');
    } else if (strcmp(key, "weather_code") == 0) {
        nf_buf_adds(to, sky(h->json_i64(h, v, -1)));
    } else if (strncmp(key, "wind_direction", 14) == 0) {
        nf_buf_adds(to, compass(h->json_f64(h, v, -1)));
    } else if (h->json_str(h, v)) {
        nf_buf_addf(to, "%.40s", h->json_str(h, v));
    } else {
        text = h->json_text(h, v);
        nf_buf_add(to, text.p, text.n);
    }
}

static const char *unit_of(const struct nf_skill_host *h, value units, const char *key)
{
    const char *unit = text_of(h, units, key);

    return strcmp(key, "weather_code") == 0 || strncmp(key, "wind_direction", 14) == 0 ||
                   strcmp(unit, "iso8601") == 0
               ? ""
               : unit;
}

static int current(struct nf_args *a, struct nf_buf *out)
{
    static const struct column columns[] = {
        { "weather_code", "weather" },
        { "temperature_2m", "temperature" },
        { "apparent_temperature", "feels_like" },
        { "relative_humidity_2m", "humidity" },
        { "precipitation", "precipitation" },
        { "cloud_cover", "cloud_cover" },
        { "pressure_msl", "pressure" },
        { "wind_speed_10m", "wind" },
        { "wind_direction_10m", "wind_from" },
        { "wind_gusts_10m", "gusts" },
    };
    const struct nf_skill_host *h = a->h;
    struct place p;
    value answer, now, units;

    if (!read_place(a, &p))
        return a->rc;
    answer = forecast(a, &p,
                      "current=temperature_2m,relative_humidity_2m,apparent_temperature,is_day,"
                      "precipitation,weather_code,cloud_cover,pressure_msl,wind_speed_10m,"
                      "wind_direction_10m,wind_gusts_10m");
    now = h->json_get(h, answer, "current");
    units = h->json_get(h, answer, "current_units");
    if (answer && h->json_type(h, now) != NF_SKILL_JSON_OBJECT)
        nf_args_fail(a, NF_SKILL_E_UNAVAILABLE, WHO " answers without current weather");
    if (a->rc != NF_SKILL_OK)
        return a->rc;
    nf_out_open(out, '{');
    nf_put_str(out, "place", p.name);
    nf_put_str(out, "time", text_of(h, now, "time"));
    nf_put_str(out, "timezone", text_of(h, answer, "timezone"));
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        struct nf_buf text = nf_buf_of(h, 128);
        const char *unit = unit_of(h, units, columns[i].key);

        put_plain(h, columns[i].key, h->json_get(h, now, columns[i].key), &text);
        nf_buf_addf(&text, "%s%.20s", *unit && strcmp(unit, "%") != 0 ? " " : "", unit);
        nf_put_buf(out, columns[i].name, &text);
    }
    nf_put_bool(out, "daylight", h->json_i64(h, h->json_get(h, now, "is_day"), 1) == 1);
    nf_put_str(out, "source", SOURCE);
    nf_out_close(out, '}');
    return NF_SKILL_OK;
}

/* Columns of equal length as a table, a line per time. */
static void put_table(struct nf_args *a, value answer, const char *key,
                      const struct column *columns, size_t n, int64_t rows, const char *place,
                      struct nf_buf *out)
{
    const struct nf_skill_host *h = a->h;
    value data = h->json_get(h, answer, key), units, cells[16];
    char units_key[32];

    (void)snprintf(units_key, sizeof(units_key), "%s_units", key);
    units = h->json_get(h, answer, units_key);
    if (h->json_count(h, h->json_get(h, data, "time")) == 0) {
        nf_args_fail(a, NF_SKILL_E_UNAVAILABLE, WHO " answers without a forecast");
        return;
    }
    nf_buf_addf(out, "%s (times of %.64s)\n", place, text_of(h, answer, "timezone"));
    for (size_t i = 0; i < n; i++) {
        const char *unit = unit_of(h, units, columns[i].key);

        nf_buf_addf(out, "%s%s%s%.20s", i > 0 ? " | " : "", columns[i].name, *unit ? " " : "",
                    unit);
        cells[i] = h->json_first(h, h->json_get(h, data, columns[i].key));
    }
    nf_buf_addc(out, '\n');
    for (; cells[0] && rows > 0; rows--) {
        for (size_t i = 0; i < n; i++) {
            nf_buf_adds(out, i > 0 ? " | " : "");
            put_plain(h, columns[i].key, cells[i], out);
            cells[i] = h->json_next(h, cells[i]);
        }
        nf_buf_addc(out, '\n');
    }
    nf_buf_adds(out, SOURCE "\n");
}

static int hourly(struct nf_args *a, struct nf_buf *out)
{
    static const struct column columns[] = {
        { "time", "time" },
        { "weather_code", "weather" },
        { "temperature_2m", "temperature" },
        { "apparent_temperature", "feels like" },
        { "precipitation_probability", "precipitation" },
        { "precipitation", "precipitation" },
        { "cloud_cover", "clouds" },
        { "wind_speed_10m", "wind" },
        { "wind_direction_10m", "from" },
        { "wind_gusts_10m", "gusts" },
    };
    int64_t hours = nf_args_int_or(a, "hours", 1, HOURS_MAX, 24);
    char query[400];
    struct place p;
    value answer;

    if (!read_place(a, &p))
        return a->rc;
    (void)snprintf(query, sizeof(query),
                   "hourly=temperature_2m,apparent_temperature,precipitation_probability,"
                   "precipitation,weather_code,cloud_cover,wind_speed_10m,wind_direction_10m,"
                   "wind_gusts_10m&forecast_hours=%lld",
                   (long long)hours);
    answer = forecast(a, &p, query);
    if (answer)
        put_table(a, answer, "hourly", columns, sizeof(columns) / sizeof(columns[0]), hours, p.name,
                  out);
    return a->rc;
}

static int daily(struct nf_args *a, struct nf_buf *out)
{
    static const struct column columns[] = {
        { "time", "date" },
        { "weather_code", "weather" },
        { "temperature_2m_min", "min" },
        { "temperature_2m_max", "max" },
        { "precipitation_probability_max", "precipitation" },
        { "precipitation_sum", "precipitation" },
        { "wind_speed_10m_max", "wind" },
        { "wind_gusts_10m_max", "gusts" },
        { "wind_direction_10m_dominant", "from" },
        { "uv_index_max", "UV" },
        { "sunrise", "sunrise" },
        { "sunset", "sunset" },
    };
    int64_t days = nf_args_int_or(a, "days", 1, DAYS_MAX, 7);
    char query[400];
    struct place p;
    value answer;

    if (!read_place(a, &p))
        return a->rc;
    (void)snprintf(query, sizeof(query),
                   "daily=weather_code,temperature_2m_max,temperature_2m_min,sunrise,sunset,"
                   "precipitation_sum,precipitation_probability_max,wind_speed_10m_max,"
                   "wind_gusts_10m_max,wind_direction_10m_dominant,uv_index_max&forecast_days=%lld",
                   (long long)days);
    answer = forecast(a, &p, query);
    if (answer)
        put_table(a, answer, "daily", columns, sizeof(columns) / sizeof(columns[0]), days, p.name,
                  out);
    return a->rc;
}

static int find_place(struct nf_args *a, struct nf_buf *out)
{
    const struct nf_skill_host *h = a->h;
    const char *name = nf_args_text(a, "name", PLACE_MAX);
    value answer = a->rc == NF_SKILL_OK ? search(a, name, strlen(name)) : NULL;

    if (!answer)
        return a->rc;
    nf_out_open(out, '{');
    nf_out_key(out, "places");
    nf_out_open(out, '[');
    for (value v = h->json_first(h, h->json_get(h, answer, "results")); v; v = h->json_next(h, v)) {
        static const char *const copied[] = { "latitude", "longitude", "timezone", "population" };
        struct place p;

        set_name(h, v, &p);
        nf_out_open(out, '{');
        nf_put_str(out, "name", p.name);
        for (size_t i = 0; i < 4; i++) {
            value member = h->json_get(h, v, copied[i]);
            struct nf_skill_bytes text = h->json_text(h, member);

            if (!member)
                continue;
            nf_out_key(out, copied[i]);
            nf_out_raw(out, text.p, text.n);
        }
        nf_out_close(out, '}');
    }
    nf_out_close(out, ']');
    nf_out_close(out, '}');
    return a->rc;
}

static int call(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    static const struct nf_tool tools[] = {
        { "current", current },
        { "hourly", hourly },
        { "daily", daily },
        { "find_place", find_place },
    };

    return nf_tools_run(h, r, tools, sizeof(tools) / sizeof(tools[0]));
}

NF_SKILL("weather", "1.0.0", call)
