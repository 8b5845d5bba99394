/* Finds an attack by its name. */
#include "tests/attack/attack.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    attack_fn *body;
} bodies[] = {
#define A(name, ...) { #name, attack_##name },
#include "tests/attack/attacks.def"
#undef A
};

long attack_run(const struct attack_orders *o)
{
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        if (strcmp(bodies[i].name, o->name) == 0)
            return bodies[i].body(o);
    return -ENOENT;
}
