/* Where in the file a setting stands that is wrong only beside others. */
#include "config/settings.h"
#include "config/yaml.h"

#include <stdlib.h>
#include <string.h>

/* The child that `name` begins with, up to the next dot, bracket or colon; *n: how many bytes. */
static const struct nf_yaml *child(const struct nf_yaml *y, const char *name, size_t *n)
{
    *n = strcspn(name, ".[: ");
    return nf_yaml_child(y, name, *n);
}

static const struct nf_yaml *item(const struct nf_yaml *list, const char *index)
{
    unsigned long i = strtoul(index, NULL, 10);
    const struct nf_yaml *c = list->kind == NF_YAML_LIST ? list->first : NULL;

    while (c && i-- > 0)
        c = c->next;
    return c;
}

/* The line of "llm.aliases[1].models: ..."; of what holds it, if that is not there; 0: nothing is.
 */
static size_t line_of(const struct nf_yaml *y, const char *p)
{
    size_t line = 0;

    for (size_t n; y && (y = child(y, p, &n)); p++) {
        line = y->line;
        p += n;
        if (*p == '[') {
            y = item(y, p + 1);
            line = y ? y->line : line;
            p += strcspn(p, "]");
            p += *p == ']';
        }
        if (*p != '.')
            break;
    }
    return line;
}

void nf_config_locate_text(const char *name, const char *text, size_t n, struct nf_err *err)
{
    struct nf_yaml *y = NULL;
    struct nf_err ignored;
    enum nf_code code = err->code;

    size_t line = nf_yaml_parse(name, text, n, &y, &ignored) == NF_OK ? line_of(y, err->msg) : 0;
    nf_yaml_free(y);
    if (line > 0)
        err->code = nf_err_wrap(err, code, "%s:%zu", name, line);
    else
        err->code = nf_err_wrap(err, code, "%s", name);
}
