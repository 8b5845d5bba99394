#include "domain/instance.h"

#include <stdlib.h>

void nf_instances_done(struct nf_instances *l)
{
    free(l->v);
    *l = (struct nf_instances){ 0 };
}
