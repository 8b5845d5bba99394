/* QR codes (ISO/IEC 18004) of short texts: for a terminal, and as SVG. libqrencode is inside qr.c
 * and nowhere else. */
#pragma once

#include "base/string.h"

#define NF_QR_TEXT_MAX 512 /* bytes: a link; more makes a code that phones read badly */

/* Append lines of block characters, two rows of the code in each, with the quiet zone of four
 * modules. Dark modules are written as blanks, for terminals with a dark background, unless `ink`
 * is true. NF_E_LIMIT: over NF_QR_TEXT_MAX; NF_E_INVALID: empty. */
NF_RC nf_qr_lines(const char *text, bool ink, struct nf_str *to, struct nf_err *err);

/* Append an SVG image: one path, dark on light whatever surrounds it, without a size of its own. */
NF_RC nf_qr_svg(const char *text, struct nf_str *to, struct nf_err *err);
