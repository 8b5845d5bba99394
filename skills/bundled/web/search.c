/*
 * Searching the web. Engines: a SearXNG of one's own, by its JSON API (docs.searxng.org,
 * dev/search_api: GET /search?q=...&format=json; results have url, title, content), or without
 * setting anything up DuckDuckGo's page for browsers without scripts, whose results are links of
 * the class result__a, each followed by an element of the class result__snippet.
 */
#include "skills/bundled/common/http.h"
#include "skills/bundled/common/text.h"
#include "skills/bundled/common/utf8.h"
#include "skills/bundled/web/charset.h"
#include "skills/bundled/web/html.h"
#include "skills/bundled/web/url.h"
#include "skills/bundled/web/web.h"

#include <stdio.h>
#include <string.h>

#define QUERY_MAX 500
#define RESULTS_MAX 20
#define SNIPPET_MAX 400
#define ENGINE_KEY "search_engine" /* in the store and in the configuration: URL of a SearXNG */
#define DUCKDUCKGO "https://html.duckduckgo.com/html/?q="

struct results {
    struct nf_buf *out;
    int64_t n, max;
};

static void put_clipped(struct nf_buf *out, const char *key, const char *p, size_t n)
{
    nf_put_strn(out, key, p, nf_utf8_clip(p, n, SNIPPET_MAX));
}

static void put_result(struct results *r, const char *title, const char *url, const char *text)
{
    if (r->n == r->max)
        return;
    r->n++;
    nf_out_open(r->out, '{');
    put_clipped(r->out, "title", title, strlen(title));
    nf_put_str(r->out, "url", url);
    put_clipped(r->out, "text", text, strlen(text));
    nf_out_close(r->out, '}');
}

/* --- SearXNG ---------------------------------------------------------------------------------- */

static void searxng(struct nf_args *a, const char *engine, const char *query, struct results *r)
{
    const struct nf_skill_host *h = a->h;
    struct nf_buf url = nf_buf_of(h, (size_t)NF_URL_MAX * 2);
    struct nf_skill_http_response answer;
    const struct nf_skill_json *v;

    nf_buf_addf(&url, "%s/search?q=", engine);
    nf_url_escape(query, strlen(query), &url);
    nf_buf_adds(&url, "&format=json");
    if (a->rc == NF_SKILL_OK)
        a->rc = url.rc;
    if (!nf_http_get(a, nf_buf_c(&url), "application/json", &answer))
        return;
    if (answer.status == 403)
        nf_args_fail(
            a, NF_SKILL_E_DENIED,
            "the SearXNG at %.100s refuses JSON: allow \"json\" under search.formats in its "
            "settings.yml",
            engine);
    v = a->rc == NF_SKILL_OK ? nf_http_json(a, &answer, "the SearXNG", "error") : NULL;
    for (v = h->json_first(h, h->json_get(h, v, "results")); v; v = h->json_next(h, v)) {
        const char *title = h->json_str(h, h->json_get(h, v, "title"));
        const char *where = h->json_str(h, h->json_get(h, v, "url"));
        const char *text = h->json_str(h, h->json_get(h, v, "content"));

        if (where && nf_url_is_web(where))
            put_result(r, title ? title : "", where, text ? text : "");
    }
}

/* --- DuckDuckGo ------------------------------------------------------------------------------- */

/* Links of results lead over the engine: the target is in the parameter uddg. */
static const char *target(struct nf_args *a, const char *href)
{
    const char *url = nf_url_absolute(a, "https://html.duckduckgo.com/html/", href);
    const char *direct = url ? nf_url_parameter(a, url, "uddg") : NULL;

    if (direct)
        url = direct;
    /* Advertisements are sent through another script. */
    if (!url || !nf_url_is_web(url) || strstr(url, "duckduckgo.com/y.js"))
        return NULL;
    return url;
}

/* The text of the snippet between here and the next result. */
static const char *snippet(struct nf_args *a, const struct nf_html *html, size_t from)
{
    struct nf_buf text = nf_buf_of(a->h, (size_t)1 << 20);

    for (size_t i = from; i < html->n; i++) {
        if (html->at[i].kind != NF_HTML_START)
            continue;
        if (nf_html_has_class(a, &html->at[i], "result__a"))
            break;
        if (nf_html_has_class(a, &html->at[i], "result__snippet")) {
            nf_html_text(html, i, nf_html_end_of(html, i), &text);
            break;
        }
    }
    if (a->rc == NF_SKILL_OK)
        a->rc = text.rc;
    return nf_buf_c(&text);
}

static void duckduckgo(struct nf_args *a, const char *query, struct results *r)
{
    struct nf_buf url = nf_buf_of(a->h, (size_t)NF_URL_MAX * 2),
                  page = nf_buf_of(a->h, (size_t)8 << 20);
    struct nf_skill_http_response answer;
    struct nf_html html;

    nf_buf_adds(&url, DUCKDUCKGO);
    nf_url_escape(query, strlen(query), &url);
    if (a->rc == NF_SKILL_OK)
        a->rc = url.rc;
    if (!nf_http_get(a, nf_buf_c(&url), "text/html", &answer))
        return;
    (void)nf_charset_decode(answer.content_type, answer.body.p, answer.body.n, true, &page);
    if (a->rc == NF_SKILL_OK)
        a->rc = page.rc;
    if (a->rc != NF_SKILL_OK || !nf_html_parse(a, nf_buf_c(&page), page.len, &html))
        return;
    for (size_t i = 0; i < html.n && r->n < r->max && a->rc == NF_SKILL_OK; i++) {
        struct nf_buf title = nf_buf_of(a->h, (size_t)1 << 20);
        const char *href, *where;
        size_t end;

        if (html.at[i].kind != NF_HTML_START || !nf_html_has_class(a, &html.at[i], "result__a"))
            continue;
        end = nf_html_end_of(&html, i);
        href = nf_html_attribute(a, &html.at[i], "href");
        where = href ? target(a, href) : NULL;
        nf_html_text(&html, i, end, &title);
        if (a->rc == NF_SKILL_OK)
            a->rc = title.rc;
        if (where)
            put_result(r, nf_buf_c(&title), where, snippet(a, &html, end));
    }
    /* With a challenge instead of results the status is 202. */
    if (r->n == 0 && a->rc == NF_SKILL_OK &&
        (answer.status != 200 || !strstr(nf_buf_c(&page), "no-results")))
        nf_args_fail(
            a, NF_SKILL_E_UNAVAILABLE,
            "DuckDuckGo gives no results to programs now (status %d): try again later, or let "
            "the owner set up a SearXNG with the tool search_engine",
            answer.status);
}

/* --- tools ------------------------------------------------------------------------------------ */

/* Without the '/' at its end. */
static const char *trimmed(struct nf_args *a, struct nf_skill_bytes url)
{
    struct nf_buf b = nf_buf_of(a->h, (size_t)NF_URL_MAX + 1);

    while (url.n > 0 && url.p[url.n - 1] == '/')
        url.n--;
    nf_buf_add(&b, url.p, url.n);
    if (a->rc == NF_SKILL_OK)
        a->rc = b.rc;
    return nf_buf_c(&b);
}

static bool is_engine(struct nf_skill_bytes b)
{
    return nf_url_is_web(b.p) && b.n <= NF_URL_MAX;
}

/* The SearXNG that the person set, or the owner for all, without a '/' at its end; NULL: none. */
static const char *engine_of(struct nf_args *a)
{
    struct nf_skill_bytes b;
    int rc = a->rc == NF_SKILL_OK ? a->h->kv_get(a->h, ENGINE_KEY, &b) : a->rc;
    char why[200];

    if (rc == NF_SKILL_OK && is_engine(b))
        return b.p;
    if (rc == NF_SKILL_E_NOT_FOUND && NF_SKILL_HAS(a->h, struct nf_skill_host, config_get))
        rc = a->h->config_get(a->h, ENGINE_KEY, &b);
    if (rc == NF_SKILL_OK && is_engine(b))
        return trimmed(a, b);
    if (rc != NF_SKILL_OK && rc != NF_SKILL_E_NOT_FOUND) {
        (void)snprintf(why, sizeof(why), "%s", a->h->error(a->h));
        nf_args_fail(a, rc, "the setting of the search engine cannot be read: %s", why);
    }
    return NULL;
}

int nf_web_search(struct nf_args *a, struct nf_buf *out)
{
    const char *query = nf_args_text(a, "query", QUERY_MAX);
    struct results r = { .out = out, .max = nf_args_int_or(a, "count", 1, RESULTS_MAX, 8) };
    const char *engine;

    if (a->rc == NF_SKILL_OK && !query[strspn(query, " \t\r\n")])
        nf_args_fail(a, NF_SKILL_E_INVALID, "argument \"query\" is empty");
    engine = engine_of(a);
    if (a->rc != NF_SKILL_OK)
        return a->rc;
    nf_out_open(out, '{');
    nf_put_str(out, "engine", engine ? "searxng" : "duckduckgo");
    nf_out_key(out, "results");
    nf_out_open(out, '[');
    if (engine)
        searxng(a, engine, query, &r);
    else
        duckduckgo(a, query, &r);
    nf_out_close(out, ']');
    nf_put_i64(out, "count", r.n);
    nf_out_close(out, '}');
    return a->rc;
}

int nf_web_search_engine(struct nf_args *a, struct nf_buf *out)
{
    static const char *const engines[] = { "show", "duckduckgo", "searxng", NULL };
    size_t engine = nf_args_choice_or(a, "engine", engines, 0);
    const char *url = nf_args_text_or(a, "url", 500, ""), *set;
    size_t n = strlen(url);
    int rc = NF_SKILL_OK;
    char why[200];

    while (n > 0 && url[n - 1] == '/')
        n--;
    if (engine == 2 && (!nf_url_is_web(url) || memchr(url, '?', n) || memchr(url, '#', n)))
        nf_args_fail(a, NF_SKILL_E_INVALID,
                     "argument \"url\" must be the address of the SearXNG, such as "
                     "https://search.example.org");
    if (a->rc != NF_SKILL_OK)
        return a->rc;
    if (engine == 2)
        rc = a->h->kv_put(a->h, ENGINE_KEY, url, n);
    else if (engine == 1) /* also where the owner has set another for all */
        rc = a->h->kv_put(a->h, ENGINE_KEY, engines[1], strlen(engines[1]));
    if (rc != NF_SKILL_OK) {
        (void)snprintf(why, sizeof(why), "%s", a->h->error(a->h));
        nf_args_fail(a, rc, "the setting cannot be written: %s", why);
        return a->rc;
    }
    set = engine_of(a);
    nf_out_open(out, '{');
    nf_put_str(out, "engine", set ? "searxng" : "duckduckgo");
    if (set)
        nf_put_str(out, "url", set);
    nf_out_close(out, '}');
    return a->rc;
}
