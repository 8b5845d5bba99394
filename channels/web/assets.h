/*
 * The files of the web page, which are part of the program. Constant data, no I/O.
 *
 * Each is stored compressed, to be sent as it is to the clients that take gzip; for the others the
 * server inflates it. ui/build.mjs makes the files, ui/embed.cmake the table.
 */
#pragma once

#include "base/string.h"

#include <stdbool.h>
#include <stddef.h>

struct nf_asset {
    const char *path; /* "/app.js"; the page itself is "/" */
    const char *content_type;
    const unsigned char *gzip; /* gzip_n bytes, one gzip member */
    size_t gzip_n;
    size_t size;      /* bytes when inflated */
    const char *etag; /* SHA-256 of the inflated bytes in hex, without quotes */
    bool immutable;   /* its name changes with its content: it may be cached for ever */
};

/* The file with exactly that path (no query, not escaped), NULL if there is none. It lives as long
 * as the program. */
const struct nf_asset *nf_asset_find(struct nf_slice path);

/* All files, by index from 0; NULL behind the last. */
const struct nf_asset *nf_asset_at(size_t i);
