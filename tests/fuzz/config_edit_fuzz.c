/* What is put into a file is there and can be taken out again, and an item that is taken out leaves
 * a file that can be read: whatever way the file is written. */
#include "base/own.h"
#include "config/edit.h"
#include "config/yaml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct nf_yaml *child(const struct nf_yaml *y, const char *key)
{
    const struct nf_yaml *c = y && y->kind == NF_YAML_MAP ? y->first : NULL;
    while (c && strcmp(c->key, key) != 0)
        c = c->next;
    return c;
}

/* How many items channels.telegram has; the first is called `name`. */
static size_t items(const char *text, const char *name)
{
    NF_CLEANUP(nf_yaml_freep) struct nf_yaml *root = NULL;
    struct nf_err err;
    size_t n = 0;
    if (nf_yaml_parse("f", text, strlen(text), &root, &err) != NF_OK)
        abort();
    const struct nf_yaml *list = child(child(root, "channels"), "telegram");
    if (!list || list->kind != NF_YAML_LIST)
        return 0;
    const struct nf_yaml *first = child(list->first, "name");
    if (name && (!first || !first->text || strcmp(first->text, name) != 0))
        abort();
    for (const struct nf_yaml *i = list->first; i; i = i->next)
        n++;
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NF_CLEANUP(nf_freep) char *text = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str put = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str dropped = { 0 };
    struct nf_err err;
    if (nf_strndup((const char *)data, size, &text, &err) != NF_OK)
        abort();
    if (nf_config_drop_item("f", text, "channels", "telegram", 0, &dropped, &err) == NF_OK &&
        items(nf_str_c(&dropped), NULL) + 1 != items(text, NULL))
        abort();
    if (nf_config_put_item("f", text, "channels", "telegram", "name: fresh\ntoken: \"1:x\"\n", &put,
                           &err) != NF_OK)
        return 0;
    size_t before = items(text, NULL);
    if (items(nf_str_c(&put), "fresh") != before + 1)
        abort();
    if (nf_config_drop_item("f", nf_str_c(&put), "channels", "telegram", 0, &dropped, &err) ==
            NF_OK &&
        items(nf_str_c(&dropped), NULL) != before)
        abort();
    return 0;
}
