#include "codec/qr.h"

#include "base/own.h"

#include <qrencode.h>
#include <string.h>

#define QUIET 4 /* ISO/IEC 18004 section 6.3.8: at least four modules of margin */

static void code_free(QRcode **c)
{
    QRcode_free(*c);
}

static NF_RC encode(const char *text, QRcode **ret, struct nf_err *err)
{
    size_t n = strnlen(text, NF_QR_TEXT_MAX + 1);
    if (n == 0)
        return nf_err_set(err, NF_E_INVALID, "a QR code needs a text");
    if (n > NF_QR_TEXT_MAX)
        return nf_err_set(err, NF_E_LIMIT, "the text of a QR code may have %d bytes",
                          NF_QR_TEXT_MAX);
    QRcode *c = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    if (!c)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    *ret = c;
    return NF_OK;
}

/* A module; what lies around the code is light. */
static bool is_dark(const QRcode *c, int x, int y)
{
    return x >= 0 && y >= 0 && x < c->width && y < c->width && (c->data[y * c->width + x] & 1) != 0;
}

enum nf_code nf_qr_lines(const char *text, bool ink, struct nf_str *to, struct nf_err *err)
{
    /* U+2580 and U+2584: the upper and the lower half; U+2588: both. */
    static const char *const blocks[] = { " ", "\xe2\x96\x80", "\xe2\x96\x84", "\xe2\x96\x88" };
    NF_CLEANUP(code_free) QRcode *c = NULL;
    NF_TRY(encode(text, &c, err));
    assert(c);
    for (int y = -QUIET; y < c->width + QUIET; y += 2) {
        for (int x = -QUIET; x < c->width + QUIET; x++) {
            bool upper = is_dark(c, x, y) == ink, lower = is_dark(c, x, y + 1) == ink;
            NF_TRY(nf_str_adds(to, blocks[(upper ? 1 : 0) + (lower ? 2 : 0)], err));
        }
        NF_TRY(nf_str_adds(to, "\n", err));
    }
    return NF_OK;
}

static NF_RC add_path(const QRcode *c, struct nf_str *to, struct nf_err *err)
{
    for (int y = 0; y < c->width; y++)
        for (int x = 0; x < c->width;) {
            int from = x;
            while (is_dark(c, x, y))
                x++;
            if (x > from)
                NF_TRY(nf_str_addf(to, err, "M%d %dh%dv1h-%dz", from + QUIET, y + QUIET, x - from,
                                   x - from));
            else
                x++;
        }
    return NF_OK;
}

enum nf_code nf_qr_svg(const char *text, struct nf_str *to, struct nf_err *err)
{
    NF_CLEANUP(code_free) QRcode *c = NULL;
    NF_TRY(encode(text, &c, err));
    assert(c);
    int size = c->width + 2 * QUIET;
    NF_TRY(nf_str_addf(to, err,
                       "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
                       "shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/>"
                       "<path fill=\"#000\" d=\"",
                       size, size, size, size));
    NF_TRY(add_path(c, to, err));
    return nf_str_adds(to, "\"/></svg>", err);
}
