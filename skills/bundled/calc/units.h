/*
 * Units of measurement: names, prefixes, products, quotients and powers of them ("km/h",
 * "kg*m^2/s^2", "miles per gallon", "L/100km").
 */
#pragma once

#include "skills/bundled/calc/num.h"

#define NF_UNIT_TEXT_MAX 128
#define NF_UNIT_POWER_MAX 9

/* Powers of metre, kilogram, second, kelvin, ampere, mole, bit, degree of arc. */
#define NF_UNIT_DIMENSIONS 8

struct nf_unit {
    struct nf_num factor; /* of the base units that it is */
    struct nf_num offset; /* added after multiplying: of a temperature that stands alone */
    bool has_offset, approximate;
    int8_t dimension[NF_UNIT_DIMENSIONS];
};

/* What `text`, the argument `name`, means. Fails the call with the names that are close. */
bool nf_unit_parse(struct nf_calc *c, const char *name, const char *text, struct nf_unit *ret);

/* "length", "speed"; NULL: it has no name. */
const char *nf_unit_quantity(const struct nf_unit *u);

/* Convert `v`. *inverted: the units are each other's reciprocals, as km/L and L/100km. Fails the
 * call if they measure different things. */
struct nf_num nf_unit_convert(struct nf_calc *c, struct nf_num v, const struct nf_unit *from,
                              const struct nf_unit *to, bool *inverted);
