/* The embedded page: what is found, and that it is what it says it is. */
#include "channels/web/assets.h"

#include "tests/support/test.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define INFLATE_GZIP (16 + MAX_WBITS)

static unsigned char *inflated(const struct nf_asset *a)
{
    unsigned char *out = malloc(a->size + 1);
    assert_non_null(out);
    z_stream z = { .next_in = (z_const Bytef *)a->gzip,
                   .avail_in = (uInt)a->gzip_n,
                   .next_out = out,
                   .avail_out = (uInt)a->size + 1 };
    assert_int_equal(inflateInit2(&z, INFLATE_GZIP), Z_OK);
    int rc = inflate(&z, Z_FINISH);
    size_t n = z.total_out;
    (void)inflateEnd(&z);
    assert_int_equal(rc, Z_STREAM_END);
    assert_int_equal(n, a->size);
    return out;
}

static void the_page_is_html_at_the_root(void **state)
{
    (void)state;

    const struct nf_asset *page = nf_asset_find(NF_SLICE("/"));

    assert_non_null(page);
    assert_string_equal(page->content_type, "text/html; charset=utf-8");
    assert_false(page->immutable);
    unsigned char *html = inflated(page);
    assert_memory_equal(html, "<!doctype html>", 15);
    free(html);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;

    assert_null(nf_asset_find(NF_SLICE("")));
    assert_null(nf_asset_find(NF_SLICE("/app.j")));
    assert_null(nf_asset_find(NF_SLICE("/sw.js/")));
    assert_null(nf_asset_find(NF_SLICE("/../sw.js")));
}

static void each_file_inflates_to_its_size_and_etag(void **state)
{
    (void)state;
    size_t n = 0;

    for (const struct nf_asset *a; (a = nf_asset_at(n)); n++) {
        unsigned char sha[EVP_MAX_MD_SIZE];
        char hex[65];
        unsigned char *plain = inflated(a);
        assert_int_equal(EVP_Digest(plain, a->size, sha, NULL, EVP_sha256(), NULL), 1);
        free(plain);
        for (size_t i = 0; i < 32; i++)
            (void)snprintf(hex + 2 * i, 3, "%02x", sha[i]);
        assert_string_equal(a->etag, hex);
        assert_ptr_equal(nf_asset_find(nf_slice_of(a->path)), a);
    }
    assert_true(n >= 4); /* page, script, style, icon */
}

static void only_files_named_by_their_content_are_immutable(void **state)
{
    (void)state;
    const struct nf_asset *a;

    assert_false(nf_asset_find(NF_SLICE("/sw.js"))->immutable);
    for (size_t i = 0; (a = nf_asset_at(i)); i++)
        assert_int_equal(a->immutable, strncmp(a->path, "/chunk-", 7) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_html_at_the_root),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(each_file_inflates_to_its_size_and_etag),
        cmocka_unit_test(only_files_named_by_their_content_are_immutable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
