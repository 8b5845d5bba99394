#include "tests/support/skill_host.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

extern const struct nf_skill_v1 nf_skill_v1;

static int setup(void **data)
{
    *data = skill_rig_new(&nf_skill_v1);
    return 0;
}

static int teardown(void **data)
{
    skill_rig_free(*data);
    return 0;
}

/* {"expression": e, more} */
static const char *expression(const char *e, const char *more)
{
    static char args[8192];

    (void)snprintf(args, sizeof(args), "{\"expression\":\"%s\"%s}", e, more);
    return args;
}

/* `want` is the result, or the whole JSON if it begins with '{'. */
static void evaluates(void **data, const char *e, const char *want)
{
    char json[4096];

    (void)snprintf(json, sizeof(json), want[0] == '{' ? "%s" : "{\"result\":\"%s\",\"exact\":true}",
                   want);
    skill_is(*data, "evaluate", expression(e, ""), json);
}

static void about(void **data, const char *e, const char *want)
{
    char json[256];

    (void)snprintf(json, sizeof(json), "{\"result\":\"%s\",\"exact\":false}", want);
    skill_is(*data, "evaluate", expression(e, ""), json);
}

static void refuses(void **data, const char *e, int code, const char *want)
{
    skill_fails(*data, "evaluate", expression(e, ""), code, want);
}

static void operators_bind_as_in_mathematics(void **data)
{
    evaluates(data, "(2+3)*7", "35");
    evaluates(data, "2+3*7", "23");
    evaluates(data, "10-4-3", "3");
    evaluates(data, "2^3^2", "512");
    evaluates(data, "2**10", "1024");
    evaluates(data, "-2^2", "-4");
    evaluates(data, "(-2)^2", "4");
    evaluates(data, "2^-2", "0.25");
    evaluates(data, "2*-3^2", "-18");
    evaluates(data, "--5", "5");
    evaluates(data, "+5 - -5", "10");
    evaluates(data, "3!", "6");
    evaluates(data, "2^3!", "64");
    evaluates(data, "-3!", "-6");
    evaluates(data, "3!!", "720");
    evaluates(data, "7//2", "3");
    evaluates(data, "-7//2", "-4");
    evaluates(data, "17%5", "2");
    evaluates(data, "-17%5", "3");
    evaluates(data, "17 % (2+3)", "2");
    evaluates(data, "5.5%2", "1.5");
    evaluates(data, "50%", "0.5");
    evaluates(data, "200*15%", "30");
    evaluates(data, "50%+1", "1.5");
    evaluates(data, "(50%)*2", "1");
    evaluates(data,
              "2\xc3\x97"
              "3\xc3\xb7"
              "4\xc2\xb7"
              "5\xe2\x88\x92"
              "1",
              "6.5");
    evaluates(data,
              "\xe2\x88\x9a"
              "16+1",
              "5");
}

static void decimals_and_fractions_are_exact(void **data)
{
    evaluates(data, "0.1+0.2", "0.3");
    evaluates(data, "1/4", "0.25");
    evaluates(data, "1/3",
              "{\"result\":\"0.333333333333333\",\"exact\":false,\"fraction\":\"1/3\"}");
    evaluates(data, "2/3",
              "{\"result\":\"0.666666666666667\",\"exact\":false,\"fraction\":\"2/3\"}");
    evaluates(data, "-22/7",
              "{\"result\":\"-3.14285714285714\",\"exact\":false,\"fraction\":\"-22/7\"}");
    evaluates(data, "1/3+1/6", "0.5");
    evaluates(data, "1/3*3", "1");
    evaluates(data, "19.99*3", "59.97");
    evaluates(data, "1e3", "1000");
    evaluates(data, "1.5e-3", "0.0015");
    evaluates(data, "1e-10", "1e-10");
    evaluates(data, ".5+5.", "5.5");
    evaluates(data, "1_000_000+1", "1000001");
    evaluates(data, "0xff+0b101+0o17", "275");
    evaluates(data, "0-0", "0");
    evaluates(data, "-0", "0");
    evaluates(data, "0*-1", "0");
    evaluates(data, "123456789012345678901234567890*10", "1234567890123456789012345678900");
    evaluates(data, "1/1024", "0.0009765625");
    evaluates(data, "999999999999999999999/1000", "999999999999999999.999");
}

static void whole_numbers_have_all_their_digits(void **data)
{
    evaluates(data, "2^200", "1606938044258990275541962092341162602522202993782792835301376");
    evaluates(data, "2^64-1", "18446744073709551615");
    evaluates(data, "25!", "15511210043330985984000000");
    evaluates(data, "30!/28!", "870");
    evaluates(data, "(10^40+1)*(10^40-1)-(10^80-1)", "0");
    evaluates(data, "(3^400)%(10^9)", "334088001");
    evaluates(data, "(7^300)//(7^298)", "49");
    evaluates(data, "(2^521-1)%(2^31-1)", "33554431");
    evaluates(data, "gcd(2^100*3^5, 2^90*3^10)", "300819429546347406800487186432");
    evaluates(data, "gcd(123456789012345678901234567890,987654321098765432109876543210)",
              "9000000000900000000090");
    evaluates(data, "lcm(4,6,10)", "60");
    evaluates(data, "gcd(12,18)", "6");
    evaluates(data, "nCr(50,25)", "126410606437752");
    evaluates(data, "nCr(5,7)", "0");
    evaluates(data, "nPr(10,3)", "720");
    evaluates(data, "isprime(1000003)+isprime(1000001)", "1");
    evaluates(data, "bitand(12,10)+bitor(12,10)+bitxor(12,10)", "28");
    evaluates(data, "shl(1,100)", "1267650600228229401496703205376");
    evaluates(data, "shr(1000,3)", "125");
    evaluates(data, "sqrt(10^60)", "1000000000000000000000000000000");
}

/* Division against multiplication, where the quotient's digits are guessed wrong most easily. */
static void long_division_holds(void **data)
{
    static const char *const a[] = { "2^96", "2^128-1", "2^160-2^96", "2^192-2^64+1", "10^50" };
    static const char *const b[] = { "2^64-1", "2^64-2^32", "2^63+1", "2^95-1", "2^33+5" };

    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 5; k++) {
            char e[512];

            (void)snprintf(e, sizeof(e), "((%s)//(%s))*(%s)+(%s)%%(%s)-(%s)", a[i], b[k], b[k],
                           a[i], b[k], a[i]);
            evaluates(data, e, "0");
        }
}

static void functions_are_exact_where_they_can_be(void **data)
{
    evaluates(data, "sqrt(16)", "4");
    evaluates(data, "sqrt(2.25)", "1.5");
    evaluates(data, "16^0.5", "4");
    evaluates(data, "4^-0.5", "0.5");
    evaluates(data, "cbrt(27)", "3");
    evaluates(data, "cbrt(-8)", "-2");
    evaluates(data, "root(1024,10)", "2");
    evaluates(data, "log(1000)", "3");
    evaluates(data, "log10(0.001)", "-3");
    evaluates(data, "log(8,2)", "3");
    evaluates(data, "log2(2^300)", "300");
    evaluates(data, "ln(1)", "0");
    evaluates(data, "exp(0)", "1");
    evaluates(data, "round(2.5)+round(-2.5)", "0");
    evaluates(data, "round(3.14159,2)", "3.14");
    evaluates(data, "round(1234.5,-2)", "1200");
    evaluates(data, "round(pi,4)", "3.1416");
    evaluates(data, "floor(-1.5)", "-2");
    evaluates(data, "ceil(1.2)", "2");
    evaluates(data, "trunc(-1.7)", "-1");
    evaluates(data, "frac(2.75)", "0.75");
    evaluates(data, "abs(-3/4)", "0.75");
    evaluates(data, "sign(-2)", "-1");
    evaluates(data, "min(3,1,2)+max(3;1;2)", "4");
    evaluates(data, "sum(1,2,3)", "6");
    evaluates(data, "mean(1,2,4,5)", "3");
    evaluates(data, "median(5,1,3)", "3");
    evaluates(data, "median(5,1,3,4)", "3.5");
    evaluates(data, "hypot(3,4)", "5");
    evaluates(data, "mod(-7,3)", "2");
    evaluates(data, "quotient(7,2)", "3");
    evaluates(data, "pow(2,10)", "1024");
    evaluates(data, "fact(5)", "120");
}

static void the_rest_is_rounded_and_says_so(void **data)
{
    about(data, "sqrt(2)", "1.4142135623731");
    about(data, "pi", "3.14159265358979");
    about(data, "\xcf\x80*2", "6.28318530717959");
    about(data, "tau", "6.28318530717959");
    about(data, "e", "2.71828182845905");
    about(data, "phi", "1.61803398874989");
    about(data, "exp(1)", "2.71828182845905");
    about(data, "ln(10)", "2.30258509299405");
    about(data, "2^0.5", "1.4142135623731");
    about(data, "sin(pi)", "0");
    about(data, "cos(pi/2)", "0");
    about(data, "sin(1)", "0.841470984807897");
    about(data, "atan2(1,1)", "0.785398163397448");
    about(data, "tanh(0.5)", "0.46211715726001");
    about(data, "1e300*pi*1.0", "3.14159265358979e300");
    about(data, "1/3.0*pi", "1.0471975511966");
    about(data, "ln(10^1000)", "2302.58509299405");
    skill_is(*data, "evaluate", expression("sqrt(2)", ",\"digits\":5"),
             "{\"result\":\"1.4142\",\"exact\":false}");
    skill_is(
        *data, "evaluate", expression("1/7", ",\"digits\":30"),
        "{\"result\":\"0.142857142857142857142857142857\",\"exact\":false,\"fraction\":\"1/7\"}");
    skill_is(*data, "evaluate", expression("9999/9998", ",\"digits\":3"),
             "{\"result\":\"1\",\"exact\":false,\"fraction\":\"9999/9998\"}");
}

static void degrees_are_exact_at_simple_angles(void **data)
{
    static const struct {
        const char *e, *want;
    } cases[] = { { "sin(30)", "0.5" }, { "cos(60)", "0.5" },  { "sin(-90)", "-1" },
                  { "cos(180)", "-1" }, { "tan(45)", "1" },    { "sin(720)", "0" },
                  { "tan(135)", "-1" }, { "sin(330)", "-0.5" } };
    char want[128];

    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        (void)snprintf(want, sizeof(want), "{\"result\":\"%s\",\"exact\":true}", cases[k].want);
        skill_is(*data, "evaluate", expression(cases[k].e, ",\"angle\":\"degrees\""), want);
    }
    skill_is(*data, "evaluate", expression("asin(1)", ",\"angle\":\"degrees\""),
             "{\"result\":\"90\",\"exact\":false}");
    skill_fails(*data, "evaluate", expression("tan(90)", ",\"angle\":\"degrees\""),
                NF_SKILL_E_INVALID, "not defined");
}

static void variables_and_bases(void **data)
{
    skill_has(*data, "evaluate", expression("x^2+y", ",\"variables\":{\"x\":1.5,\"y\":\"0.75\"}"),
              "\"result\":\"3\"");
    skill_has(*data, "evaluate", expression("e", ",\"variables\":{\"e\":7}"), "\"result\":\"7\"");
    skill_is(*data, "evaluate", expression("255", ",\"base\":16"),
             "{\"result\":\"0xff\",\"exact\":true,\"decimal\":\"255\"}");
    skill_has(*data, "evaluate", expression("-5", ",\"base\":2"), "\"-0b101\"");
    skill_has(*data, "evaluate", expression("8^20", ",\"base\":8"), "\"0o100000000000000000000\"");
    skill_fails(*data, "evaluate", expression("1/3", ",\"base\":2"), NF_SKILL_E_INVALID,
                "\"base\"");
    skill_fails(*data, "evaluate", expression("1", ",\"base\":7"), NF_SKILL_E_INVALID,
                "2, 8, 10, 16");
    skill_fails(*data, "evaluate", expression("x", ",\"variables\":{\"x\":\"one\"}"),
                NF_SKILL_E_INVALID, "\"variables\"");
    skill_fails(*data, "evaluate", expression("x", ",\"variables\":[1]"), NF_SKILL_E_INVALID,
                "\"variables\"");
}

static void mistakes_are_named_with_their_place(void **data)
{
    refuses(data, "", NF_SKILL_E_INVALID, "at the end");
    refuses(data, "2+", NF_SKILL_E_INVALID, "at the end, behind character 2");
    refuses(data, "2 3", NF_SKILL_E_INVALID, "operator expected at character 3");
    refuses(data, "2x", NF_SKILL_E_INVALID, "such as *");
    refuses(data, "(2", NF_SKILL_E_INVALID, "\")\"");
    refuses(data, "2)", NF_SKILL_E_INVALID, "operator expected at character 2");
    refuses(data, "1,000", NF_SKILL_E_INVALID, "without separators");
    refuses(data, "foo+1", NF_SKILL_E_INVALID, "\"foo\"");
    refuses(data, "foo+1", NF_SKILL_E_INVALID, "character 1");
    refuses(data, "sqrt", NF_SKILL_E_INVALID, "sqrt(...)");
    refuses(data, "sqrt()", NF_SKILL_E_INVALID, "sqrt takes 1 argument, not 0");
    refuses(data, "atan2(1)", NF_SKILL_E_INVALID, "atan2 takes 2 arguments, not 1");
    refuses(data, "log(1,2,3)", NF_SKILL_E_INVALID, "log takes 1 to 2 arguments, not 3");
    refuses(data, "min()", NF_SKILL_E_INVALID, "1 or more");
    refuses(data, "1/0", NF_SKILL_E_INVALID, "division by zero");
    refuses(data, "1%0 ", NF_SKILL_E_INVALID, "right side of %");
    refuses(data, "0^-1", NF_SKILL_E_INVALID, "division by zero");
    refuses(data, "sqrt(-1)", NF_SKILL_E_INVALID, "not real");
    refuses(data, "(-8)^(1/3)", NF_SKILL_E_INVALID, "root(x, n)");
    refuses(data, "ln(0)", NF_SKILL_E_INVALID, "over 0");
    refuses(data, "log(5,1)", NF_SKILL_E_INVALID, "cannot be 1");
    refuses(data, "asin(2)", NF_SKILL_E_INVALID, "asin is not defined");
    refuses(data, "fact(-1)", NF_SKILL_E_INVALID, "0 to 1600");
    refuses(data, "2.5!", NF_SKILL_E_INVALID, "whole number");
    refuses(data, "gcd(1.5,2)", NF_SKILL_E_INVALID, "whole numbers");
    refuses(data, "bitand(-1,2)", NF_SKILL_E_INVALID, "negative");
    refuses(data, "0xfg", NF_SKILL_E_INVALID, "digit");
    refuses(data, "0b2", NF_SKILL_E_INVALID, "digit");
    refuses(data, "1e5x", NF_SKILL_E_INVALID, "operator");
    refuses(data, "3 \xc3\xa4", NF_SKILL_E_INVALID, "operator");
    skill_fails(*data, "evaluate", "{}", NF_SKILL_E_INVALID, "\"expression\" is missing");
    skill_fails(*data, "evaluate", "{\"expression\":5}", NF_SKILL_E_INVALID, "must be a string");
    skill_fails(*data, "nothing", "{}", NF_SKILL_E_NOT_FOUND, "no tool");
}

/* `unit` n times, `middle`, `end` n times. */
static const char *repeated(const char *unit, size_t n, const char *middle, const char *end)
{
    static char text[8192];
    size_t used = 0;

    for (size_t i = 0; i < n; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", unit);
    used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", middle);
    for (size_t i = 0; i < n; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", end);
    return text;
}

static void hostile_expressions_meet_limits(void **data)
{
    evaluates(data, repeated("(", 60, "1", ")"), "1");
    refuses(data, repeated("(", 64, "1", ")"), NF_SKILL_E_LIMIT, "nested");
    refuses(data, repeated("(", 2000, "1", ")"), NF_SKILL_E_LIMIT, "nested");
    refuses(data, repeated("-", 4000, "1", ""), NF_SKILL_E_LIMIT, "nested");
    refuses(data, repeated("2^", 1000, "2", ""), NF_SKILL_E_LIMIT, "");
    refuses(data, repeated("abs(", 500, "2", ")"), NF_SKILL_E_LIMIT, "nested");
    refuses(data, repeated("1", 4097, "", ""), NF_SKILL_E_LIMIT, "4096 bytes");
    refuses(data, "9^9^9", NF_SKILL_E_LIMIT, "bits");
    refuses(data, "2^16385", NF_SKILL_E_LIMIT, "bits");
    refuses(data, "10^99999999999999999999999", NF_SKILL_E_LIMIT, "bits");
    refuses(data, "2^16383*2*2", NF_SKILL_E_LIMIT, "bits");
    refuses(data, "1e4001", NF_SKILL_E_LIMIT, "exponent is over 4000");
    refuses(data, "1e99999999999999999999", NF_SKILL_E_LIMIT, "exponent");
    refuses(data, "1601!", NF_SKILL_E_INVALID, "1600");
    refuses(data, "10^400*pi", NF_SKILL_E_LIMIT, "1.8e308");
    refuses(data, "exp(1000)", NF_SKILL_E_LIMIT, "too large");
    refuses(data, repeated("1/3^9000+1/5^6000+", 200, "0", ""), NF_SKILL_E_LIMIT, "");
    refuses(data, repeated("isprime(999999999989)+", 180, "0", ""), NF_SKILL_E_LIMIT, "too long");
    refuses(data, repeated("1/3^9999+1/7^5000+", 200, "0", ""), NF_SKILL_E_LIMIT, "");
    evaluates(data, "1^(10^30)", "1");
    evaluates(data, "(-1)^(10^30+1)", "-1");
    evaluates(data, "0^(10^30)", "0");
    evaluates(data, "0^0", "1");
    evaluates(data, "1600!/1599!", "1600");
    skill_has(*data, "evaluate", expression("2^16383", ""), "\"exact\":true");
    skill_has(*data, "evaluate", expression("1e-4000", ""), "\"1e-4000\"");
    skill_has(*data, "evaluate", expression("1/(3^9000)", ""), "e-4295\"");
}

static const struct {
    const char *value, *from, *to, *want;
} conversions[] = {
    { "1", "mi", "km", "1.609344" },
    { "16.09344", "km", "miles", "10" },
    { "100",
      "\xc2\xb0"
      "C",
      "F", "212" },
    { "-40", "F", "C", "-40" },
    { "98.6", "fahrenheit", "celsius", "37" },
    { "0", "C", "K", "273.15" },
    { "1", "GiB", "MB", "1073.741824" },
    { "1", "GB", "MiB", "953.67431640625" },
    { "8", "Mbit", "MB", "1" },
    { "100", "Mbps", "MB/s", "12.5" },
    { "36", "km/h", "m/s", "10" },
    { "60", "mph", "km/h", "96.56064" },
    { "1", "miles per hour", "kph", "1.609344" },
    { "1", "kWh", "MJ", "3.6" },
    { "1", "kcal", "J", "4184" },
    { "1", "hp", "W", "745.69987158227022" },
    { "1", "atm", "kPa", "101.325" },
    { "1", "acre", "square feet", "43560" },
    { "1", "ft^2", "in\xc2\xb2", "144" },
    { "1", "m3", "L", "1000" },
    { "1", "cubic meter", "liters", "1000" },
    { "1", "gallon", "imperial pints", NULL },
    { "12", "oz", "lb", "0.75" },
    { "1", "stone", "pounds", "14" },
    { "90", "minutes", "hours", "1.5" },
    { "1", "N*m", "J", "1" },
    { "1", "kg*m/s^2", "N", "1" },
    { "180", "deg", "turn", "0.5" },
    { "1", "nautical mile", "m", "1852" },
    { "1", "Kilometers", "METERS", "1000" },
    { "5", "\xc2\xb5m", "nm", "5000" },
    { "1", "mm", "um", "1000" },
    { "1", "Mm", "m", "1000000" },
    { "30", "mpg", "L/100km", NULL },
    { "1e3", "g/cm^3", "kg/m^3", "1000000" },
    { "\"1\"", "fl oz", "tbsp", "2" },
};

static void units_convert(void **data)
{
    char args[256], want[256];

    for (size_t k = 0; k < sizeof(conversions) / sizeof(conversions[0]); k++) {
        (void)snprintf(args, sizeof(args), "{\"value\":%s,\"from\":\"%s\",\"to\":\"%s\"}",
                       conversions[k].value, conversions[k].from, conversions[k].to);
        if (!conversions[k].want)
            continue;
        (void)snprintf(want, sizeof(want), "{\"result\":\"%s\",\"unit\":\"%s\",\"exact\":true",
                       conversions[k].want, conversions[k].to);
        skill_has(*data, "convert", args, want);
    }
    skill_has(*data, "convert", "{\"value\":30,\"from\":\"mpg\",\"to\":\"L/100km\"}",
              "\"result\":\"7.84048611111111\"");
    skill_has(*data, "convert", "{\"value\":30,\"from\":\"mpg\",\"to\":\"L/100km\"}", "inverted");
    skill_has(*data, "convert", "{\"value\":180,\"from\":\"deg\",\"to\":\"rad\"}",
              "\"result\":\"3.14159265358979\",\"unit\":\"rad\",\"exact\":false");
    skill_has(*data, "convert", "{\"value\":10,\"from\":\"C/min\",\"to\":\"F/min\"}",
              "\"result\":\"18\"");
}

static void wrong_units_are_explained(void **data)
{
    struct skill_rig *rig = *data;

    skill_fails(rig, "convert", "{\"value\":1,\"from\":\"furlings\",\"to\":\"m\"}",
                NF_SKILL_E_INVALID, "\"from\": there is no unit \"furlings\"; close are: furlong");
    skill_fails(rig, "convert", "{\"value\":1,\"from\":\"kg\",\"to\":\"m\"}", NF_SKILL_E_INVALID,
                "different things: mass and length");
    skill_fails(rig, "convert", "{\"value\":1,\"from\":\"\",\"to\":\"m\"}", NF_SKILL_E_INVALID,
                "no unit \"\"");
    skill_fails(rig, "convert", "{\"value\":1,\"from\":\"m^0\",\"to\":\"m\"}", NF_SKILL_E_INVALID,
                "not 0");
    skill_fails(rig, "convert", "{\"value\":1,\"from\":\"m^99\",\"to\":\"m\"}", NF_SKILL_E_INVALID,
                "power");
    skill_fails(rig, "convert",
                "{\"value\":1,\"from\":\"m^9*m^9*m^9*m^9*m^9*m^9*m^9*m^9*m^9*m^9*m^9*"
                "m^9*m^9*m^9*m^9\",\"to\":\"m\"}",
                NF_SKILL_E_LIMIT, "powers");
    skill_fails(rig, "convert", "{\"value\":1,\"from\":\"m/\",\"to\":\"m\"}", NF_SKILL_E_INVALID,
                "no unit");
    skill_fails(rig, "convert", "{\"value\":\"x\",\"from\":\"m\",\"to\":\"m\"}", NF_SKILL_E_INVALID,
                "\"value\" must be a decimal number");
    skill_fails(rig, "convert", "{\"from\":\"m\",\"to\":\"m\"}", NF_SKILL_E_INVALID,
                "\"value\" is missing");
}

static void percentages(void **data)
{
    static const struct {
        const char *operation, *a, *b, *want;
    } cases[] = {
        { "of", "15", "200", "\"30\"" },        { "share", "30", "200", "\"15\"" },
        { "change", "80", "100", "\"25\"" },    { "change", "-10", "-5", "\"50\"" },
        { "increase", "100", "19", "\"119\"" }, { "decrease", "100", "19", "\"81\"" },
        { "before", "119", "19", "\"100\"" },   { "of", "\"0.1\"", "0.3", "\"0.0003\"" },
    };
    char args[128];

    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        (void)snprintf(args, sizeof(args), "{\"operation\":\"%s\",\"a\":%s,\"b\":%s}",
                       cases[k].operation, cases[k].a, cases[k].b);
        skill_has(*data, "percent", args, cases[k].want);
    }
    skill_fails(*data, "percent", "{\"operation\":\"share\",\"a\":1,\"b\":0}", NF_SKILL_E_INVALID,
                "division by zero");
    skill_fails(*data, "percent", "{\"operation\":\"half\",\"a\":1,\"b\":0}", NF_SKILL_E_INVALID,
                "of, share, change");
}

static void statistics_are_exact(void **data)
{
    skill_is(*data, "statistics", "{\"values\":[2,4,4,4,5,5,7,9]}",
             "{\"count\":8,\"sum\":\"40\",\"mean\":\"5\",\"median\":\"4.5\",\"mode\":[\"4\"],"
             "\"min\":\"2\",\"max\":\"9\",\"range\":\"7\",\"q1\":\"4\",\"q3\":\"5.5\","
             "\"population_variance\":\"4\",\"population_stdev\":\"2\","
             "\"sample_variance\":\"4.57142857142857\",\"sample_stdev\":\"2.1380899352994\"}");
    skill_has(*data, "statistics", "{\"values\":[0.1,0.2]}", "\"sum\":\"0.3\"");
    skill_has(*data, "statistics", "{\"values\":[1,1,2,2,3]}", "\"mode\":[\"1\",\"2\"]");
    skill_has(*data, "statistics", "{\"values\":[7]}", "\"mode\":[]");
    skill_lacks(*data, "statistics", "{\"values\":[7]}", "sample");
    skill_has(*data, "statistics", "{\"values\":[\"1e16\",1,\"-1e16\"]}", "\"sum\":\"1\"");
    skill_fails(*data, "statistics", "{\"values\":[]}", NF_SKILL_E_INVALID, "1 to 10000");
    skill_fails(*data, "statistics", "{\"values\":[true]}", NF_SKILL_E_INVALID, "\"values\"");
}

static void a_long_list_is_no_trouble(void **data)
{
    static char args[NF_SKILL_JSON_OBJECT * 20000 + 64];
    size_t used = (size_t)snprintf(args, sizeof(args), "{\"values\":[0");

    for (int i = 1; i < 10000; i++)
        used += (size_t)snprintf(args + used, sizeof(args) - used, ",%d.%d", i % 1009, i % 10);
    (void)snprintf(args + used, sizeof(args) - used, "]}");
    skill_has(*data, "statistics", args, "\"count\":10000");
}

static void memory_may_end_anywhere(void **data)
{
    struct skill_rig *rig = *data;

    skill_survives_no_memory(rig, "evaluate", expression("gcd(2^100,6^80)+sqrt(10^60)/7-0xff", ""));
    skill_survives_no_memory(rig, "evaluate", expression("round(-10/3,2)+25!%97-bitxor(5,3)", ""));
    skill_survives_no_memory(rig, "convert",
                             "{\"value\":\"1\",\"from\":\"GiB/s\",\"to\":\"Mbps\"}");
    skill_survives_no_memory(rig, "convert", "{\"value\":\"1\",\"from\":\"F\",\"to\":\"C\"}");
    skill_survives_no_memory(rig, "statistics", "{\"values\":[3,1.5,\"2\",1.5]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(operators_bind_as_in_mathematics, setup, teardown),
        cmocka_unit_test_setup_teardown(decimals_and_fractions_are_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(whole_numbers_have_all_their_digits, setup, teardown),
        cmocka_unit_test_setup_teardown(long_division_holds, setup, teardown),
        cmocka_unit_test_setup_teardown(functions_are_exact_where_they_can_be, setup, teardown),
        cmocka_unit_test_setup_teardown(the_rest_is_rounded_and_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(degrees_are_exact_at_simple_angles, setup, teardown),
        cmocka_unit_test_setup_teardown(variables_and_bases, setup, teardown),
        cmocka_unit_test_setup_teardown(mistakes_are_named_with_their_place, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_expressions_meet_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(units_convert, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_units_are_explained, setup, teardown),
        cmocka_unit_test_setup_teardown(percentages, setup, teardown),
        cmocka_unit_test_setup_teardown(statistics_are_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_list_is_no_trouble, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_may_end_anywhere, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
