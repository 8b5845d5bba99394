/* Finding an embedded file. There are about ten: no index is needed. */
#include "channels/web/assets.h"

/* Made by ui/embed.cmake, ends with a path of NULL. */
extern const struct nf_asset nf_assets[];

const struct nf_asset *nf_asset_find(struct nf_slice path)
{
    for (const struct nf_asset *a = nf_assets; a->path; a++)
        if (nf_slice_eq(path, a->path))
            return a;
    return NULL;
}

const struct nf_asset *nf_asset_at(size_t i)
{
    const struct nf_asset *a = nf_assets;
    while (a->path && i-- > 0)
        a++;
    return a->path ? a : NULL;
}
