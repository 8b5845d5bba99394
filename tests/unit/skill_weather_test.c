#include "tests/support/skill_host.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

extern const struct nf_skill_v1 nf_skill_v1;

/* Answers as Open-Meteo gives them. */
static const char geocoding[] =
    "{\"results\":[{\"id\":2950159,\"name\":\"Berlin\",\"latitude\":52.52437,\"longitude\":13."
    "41053,"
    "\"elevation\":74.0,\"country_code\":\"DE\",\"timezone\":\"Europe/"
    "Berlin\",\"population\":3426354,"
    "\"country\":\"Germany\",\"admin1\":\"State of Berlin\"},{\"id\":5083330,\"name\":\"Berlin\","
    "\"latitude\":44.46867,\"longitude\":-71.18508,\"country_code\":\"US\",\"timezone\":"
    "\"America/New_York\",\"country\":\"United States\",\"admin1\":\"New Hampshire\"}],"
    "\"generationtime_ms\":0.7}";
static const char current[] =
    "{\"latitude\":52.52,\"longitude\":13.42,\"timezone\":\"Europe/"
    "Berlin\",\"current_units\":{\"time\":"
    "\"iso8601\",\"temperature_2m\":\"\xc2\xb0"
    "C\",\"relative_humidity_2m\":\"%\",\"apparent_temperature\":"
    "\"\xc2\xb0"
    "C\",\"precipitation\":\"mm\",\"weather_code\":\"wmo code\",\"cloud_cover\":\"%\","
    "\"pressure_msl\":\"hPa\",\"wind_speed_10m\":\"km/h\",\"wind_direction_10m\":\"\xc2\xb0\","
    "\"wind_gusts_10m\":\"km/h\"},\"current\":{\"time\":\"2026-11-28T12:30\",\"interval\":900,"
    "\"temperature_2m\":7.4,\"relative_humidity_2m\":81,\"apparent_temperature\":4.9,\"is_day\":1,"
    "\"precipitation\":0.2,\"weather_code\":61,\"cloud_cover\":100,\"pressure_msl\":1012.3,"
    "\"wind_speed_10m\":12.6,\"wind_direction_10m\":262,\"wind_gusts_10m\":null}}";
static const char hourly[] =
    "{\"timezone\":\"Europe/"
    "Berlin\",\"hourly_units\":{\"time\":\"iso8601\",\"temperature_2m\":\"\xc2\xb0"
    "C\","
    "\"precipitation_probability\":\"%\",\"precipitation\":\"mm\",\"weather_code\":\"wmo code\"},"
    "\"hourly\":{\"time\":[\"2026-11-28T12:00\",\"2026-11-28T13:00\",\"2026-11-28T14:00\"],"
    "\"temperature_2m\":[7.4,7.1],\"precipitation_probability\":[40,null,1],\"weather_code\":[61,3,"
    "999],"
    "\"wind_direction_10m\":[0,359.9,90]}}";
static const char daily[] =
    "{\"timezone\":\"Europe/"
    "Berlin\",\"daily_units\":{\"time\":\"iso8601\",\"temperature_2m_max\":\"\xc2\xb0"
    "C\"},"
    "\"daily\":{\"time\":[\"2026-11-28\"],\"weather_code\":[71],\"temperature_2m_max\":[1.5],"
    "\"sunrise\":[\"2026-11-28T07:46\"]}}";

struct fake {
    int code, status;
    const char *geocoding, *forecast;
};

static int web(struct skill_rig *rig, const struct nf_skill_http_request *r,
               struct nf_skill_http_response *ret)
{
    const struct fake *f = rig->web_arg;
    const char *body = strstr(r->url, "geocoding")  ? f->geocoding
                       : f->forecast                ? f->forecast
                       : strstr(r->url, "current=") ? current
                       : strstr(r->url, "hourly=")  ? hourly
                                                    : daily;

    if (f->code != NF_SKILL_OK)
        return (rig->h.fail)(&rig->h, f->code, "no route to it");
    ret->status = f->status;
    ret->content_type = "application/json; charset=utf-8";
    ret->body = (struct nf_skill_bytes){ body, strlen(body) };
    return NF_SKILL_OK;
}

static struct fake fake;

static int setup(void **data)
{
    struct skill_rig *rig = skill_rig_new(&nf_skill_v1);

    fake = (struct fake){ NF_SKILL_OK, 200, geocoding, NULL };
    rig->web = web;
    rig->web_arg = &fake;
    *data = rig;
    return 0;
}

static int teardown(void **data)
{
    skill_rig_free(*data);
    return 0;
}

static void the_weather_now_is_told(void **data)
{
    struct skill_rig *rig = *data;

    skill_is(rig, "current", "{\"place\":\"Berlin\"}",
             "{\"place\":\"Berlin, State of Berlin, "
             "Germany\",\"time\":\"2026-11-28T12:30\",\"timezone\":"
             "\"Europe/Berlin\",\"weather\":\"light rain\",\"temperature\":\"7.4 \xc2\xb0"
             "C\",\"feels_like\":"
             "\"4.9 \xc2\xb0"
             "C\",\"humidity\":\"81%\",\"precipitation\":\"0.2 mm\",\"cloud_cover\":\"100%\","
             "\"pressure\":\"1012.3 hPa\",\"wind\":\"12.6 km/h\",\"wind_from\":\"W\",\"gusts\":\"- "
             "km/h\","
             "\"daylight\":true,\"source\":\"Weather data by Open-Meteo.com (CC BY 4.0)\"}");
    assert_int_equal(rig->requests, 2);
    assert_non_null(strstr(rig->last_url,
                           "https://api.open-meteo.com/v1/"
                           "forecast?latitude=52.5244&longitude=13.4105&timezone=auto&current="));
    skill_has(rig, "current", "{\"latitude\":10,\"longitude\":-20.5,\"units\":\"imperial\"}",
              "\"place\":\"10.0000, -20.5000\"");
    assert_non_null(strstr(
        rig->last_url, "&temperature_unit=fahrenheit&wind_speed_unit=mph&precipitation_unit=inch"));
    skill_rig_put_config(rig, "forecast_url", "http://weather.lan:8080/v1/forecast");
    skill_has(rig, "current", "{\"latitude\":10,\"longitude\":-20.5}", "10.0000");
    assert_ptr_equal(strstr(rig->last_url, "http://weather.lan:8080/v1/forecast?latitude=10.0000&"),
                     rig->last_url);
}

static void forecasts_are_tables(void **data)
{
    struct skill_rig *rig = *data;

    skill_is(rig, "hourly", "{\"place\":\"Berlin\",\"hours\":3}",
             "Berlin, State of Berlin, Germany (times of Europe/Berlin)\ntime | weather | "
             "temperature \xc2\xb0"
             "C | feels like | "
             "precipitation % | precipitation mm | clouds | wind | from | gusts\n"
             "2026-11-28T12:00 | light rain | 7.4 | - | 40 | - | - | - | N | -\n"
             "2026-11-28T13:00 | overcast | 7.1 | - | - | - | - | - | N | -\n"
             "2026-11-28T14:00 | unknown | - | - | 1 | - | - | - | E | -\n"
             "Weather data by Open-Meteo.com (CC BY 4.0)\n");
    assert_non_null(strstr(rig->last_url, "&forecast_hours=3"));
    skill_lacks(rig, "hourly", "{\"place\":\"Berlin\",\"hours\":1}", "T13:00");
    skill_has(rig, "daily", "{\"place\":\"Berlin\"}", "2026-11-28 | light snow | - | 1.5 | ");
    assert_non_null(strstr(rig->last_url, "&forecast_days=7"));
}

static void places_are_chosen(void **data)
{
    struct skill_rig *rig = *data;

    skill_has(rig, "current", "{\"place\":\"berlin, new hampshire, USA\"}",
              "Berlin, New Hampshire, United States");
    assert_non_null(strstr(rig->last_url, "latitude=44.4687&longitude=-71.1851"));
    skill_fails(rig, "current", "{\"place\":\"Berlin, France\"}", NF_SKILL_E_NOT_FOUND,
                "largest of that name is Berlin, State of Berlin, Germany");
    skill_has(rig, "find_place", "{\"name\":\"Berlin & \xc3\xa9\"}",
              "\"name\":\"Berlin, State of Berlin, Germany\",\"latitude\":52.52437");
    assert_non_null(
        strstr(rig->last_url, "name=Berlin%20%26%20%C3%A9&count=20&language=en&format=json"));
    fake.geocoding = "{\"generationtime_ms\":1}";
    skill_fails(rig, "daily", "{\"place\":\"Xyz\"}", NF_SKILL_E_NOT_FOUND, "no place \"Xyz\"");
    skill_is(rig, "find_place", "{\"name\":\"Xyz\"}", "{\"places\":[]}");
    skill_fails(rig, "daily", "{\"place\":\", x\"}", NF_SKILL_E_INVALID, "\"place\" is empty");
    skill_fails(rig, "daily", "{}", NF_SKILL_E_INVALID, "give the argument");
    skill_fails(rig, "daily", "{\"latitude\":91,\"longitude\":0}", NF_SKILL_E_INVALID, "-90 to 90");
    skill_fails(rig, "daily", "{\"latitude\":1,\"longitude\":1,\"days\":17}", NF_SKILL_E_INVALID,
                "1 to 16");
    skill_fails(rig, "hourly", "{\"latitude\":1,\"longitude\":1,\"hours\":0}", NF_SKILL_E_INVALID,
                "1 to 168");
}

static void failures_of_the_service_are_told(void **data)
{
    struct skill_rig *rig = *data;
    static const char here[] = "{\"latitude\":1,\"longitude\":1}";

    fake.status = 400;
    fake.forecast = "{\"error\":true,\"reason\":\"Parameter x is bad\"}";
    skill_fails(rig, "current", here, NF_SKILL_E_INVALID, "status 400: Parameter x is bad");
    fake.status = 429;
    skill_fails(rig, "current", here, NF_SKILL_E_UNAVAILABLE, "too often");
    fake.status = 502;
    fake.forecast = "<html>";
    skill_fails(rig, "current", here, NF_SKILL_E_UNAVAILABLE, "status 502");
    fake.status = 200;
    skill_fails(rig, "current", here, NF_SKILL_E_UNAVAILABLE, "not answer with JSON");
    fake.forecast = "{\"current\":5,\"hourly\":[],\"daily\":{\"time\":3}}";
    skill_fails(rig, "current", here, NF_SKILL_E_UNAVAILABLE, "without current weather");
    skill_fails(rig, "hourly", here, NF_SKILL_E_UNAVAILABLE, "without a forecast");
    skill_fails(rig, "daily", here, NF_SKILL_E_UNAVAILABLE, "without a forecast");
    fake.code = NF_SKILL_E_DENIED;
    skill_fails(rig, "current", here, NF_SKILL_E_DENIED, "cannot be fetched: no route to it");
}

static void memory_may_end_anywhere(void **data)
{
    skill_survives_no_memory(*data, "current", "{\"place\":\"Berlin\"}");
    skill_survives_no_memory(*data, "hourly", "{\"place\":\"Berlin\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_weather_now_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(forecasts_are_tables, setup, teardown),
        cmocka_unit_test_setup_teardown(places_are_chosen, setup, teardown),
        cmocka_unit_test_setup_teardown(failures_of_the_service_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_may_end_anywhere, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
