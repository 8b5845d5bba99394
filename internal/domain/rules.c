/* Checks of single values that several entities have. */
#include "domain/rules.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

/* C0, DEL, or the two bytes of a C1 control (U+0080 to U+009F) in valid UTF-8. */
static bool has_control(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];

        if (c < 0x20 || c == 0x7f)
            return true;
        if (c == 0xc2 && i + 1 < n && (unsigned char)p[i + 1] < 0xa0)
            return true;
    }
    return false;
}

enum nf_code nf_check_line(const char *field, const char *text, size_t max, struct nf_err *err)
{
    size_t n = strnlen(text, max + 1);

    if (n > max)
        return nf_err_set(err, NF_E_LIMIT, "%s is too long: at most %zu bytes are allowed", field,
                          max);
    if (!nf_utf8_valid(text, n))
        return nf_err_set(err, NF_E_INVALID, "%s is not valid UTF-8", field);
    if (has_control(text, n))
        return nf_err_set(err, NF_E_INVALID, "%s contains a control character: remove it", field);
    return NF_OK;
}

enum nf_code nf_check_name(const char *field, const char *text, size_t max, struct nf_err *err)
{
    size_t blank = 0;

    while (text[blank] == ' ')
        blank++;
    if (text[blank] == '\0')
        return nf_err_set(err, NF_E_INVALID, "%s is empty: give 1 to %zu bytes", field, max);
    return nf_check_line(field, text, max, err);
}

enum nf_code nf_check_channel(const char *channel, struct nf_err *err)
{
    size_t n = strnlen(channel, NF_CHANNEL_MAX + 1);

    for (size_t i = 0; i < n; i++) {
        char c = channel[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return nf_err_set(err, NF_E_INVALID,
                              "channel may contain only lower-case letters, digits and '-'");
    }
    if (n == 0 || n > NF_CHANNEL_MAX)
        return nf_err_set(err, NF_E_INVALID,
                          "channel is empty or too long: give 1 to %d characters", NF_CHANNEL_MAX);
    return NF_OK;
}

enum nf_code nf_check_address(const char *field, const char *address, struct nf_err *err)
{
    size_t n = strnlen(address, NF_ADDRESS_MAX + 1);

    if (n == 0 || n > NF_ADDRESS_MAX)
        return nf_err_set(err, NF_E_INVALID, "%s is empty or too long: give 1 to %d characters",
                          field, NF_ADDRESS_MAX);
    for (size_t i = 0; i < n; i++)
        if (address[i] <= ' ' || address[i] >= 0x7f)
            return nf_err_set(err, NF_E_INVALID, "%s contains a blank or unprintable character",
                              field);
    return NF_OK;
}
