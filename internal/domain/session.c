/* What a session may be called, and when it may be worked on. */
#include "domain/session.h"

#include "base/utf8.h"
#include "domain/rules.h"

#include <string.h>

#define TITLE_CHARS ((size_t)60) /* of a title made from a message */
#define ELLIPSIS "\xe2\x80\xa6"

/* Four bytes a character at most, and what stands for the rest. */
static_assert(4 * TITLE_CHARS + sizeof(ELLIPSIS) > NF_TITLE_MAX, "the byte limit is needed too");

enum nf_code nf_session_init(struct nf_session *s, int64_t id, int64_t user_id, const char *channel,
                             const char *address, int64_t now_ms, struct nf_err *err)
{
    size_t n = strnlen(address, NF_ADDRESS_MAX + 1);

    NF_TRY(nf_check_channel(channel, err));
    if (n > 0) /* the web has no chats */
        NF_TRY(nf_check_address("address", address, err));
    *s = (struct nf_session){
        .id = id,
        .user_id = user_id,
        .created_ms = now_ms,
        .updated_ms = now_ms,
    };
    memcpy(s->channel, channel, strlen(channel));
    memcpy(s->address, address, n);
    return NF_OK;
}

enum nf_code nf_session_rename(struct nf_session *s, const char *title, struct nf_err *err)
{
    NF_TRY(nf_check_line("title", title, NF_TITLE_MAX, err));
    memset(s->title, 0, sizeof(s->title));
    memcpy(s->title, title, strlen(title));
    return NF_OK;
}

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

/* The end of the longest prefix of p that a title may show: within both limits, at a character. */
static size_t title_room(const char *p, size_t n, size_t bytes)
{
    size_t end = 0, chars = 0;

    while (end < n && chars < TITLE_CHARS) {
        size_t next = end + 1;

        while (next < n && ((unsigned char)p[next] & 0xc0) == 0x80)
            next++;
        if (next > bytes)
            break;
        end = next;
        chars++;
    }
    return end;
}

void nf_session_title_from(const char *text, char ret[NF_TITLE_MAX + 1])
{
    size_t n, end, word;

    while (*text && is_blank(*text))
        text++;
    n = 0;
    while (text[n] && text[n] != '\n' && text[n] != '\r')
        n++;
    while (n > 0 && is_blank(text[n - 1]))
        n--;
    memset(ret, 0, NF_TITLE_MAX + 1);
    end = title_room(text, n, NF_TITLE_MAX);
    if (end < n) {
        end = title_room(text, n, NF_TITLE_MAX - strlen(ELLIPSIS));
        /* At a word, if there is a blank in it and the word behind it is not most of the text. */
        for (word = end; word > 0 && !is_blank(text[word]);)
            word--;
        if (word > end / 2)
            end = word;
        while (end > 0 && is_blank(text[end - 1]))
            end--;
    }
    for (size_t i = 0; i < end; i++) { /* tabs and other controls become blanks */
        ret[i] = ' ';
        if (!is_blank(text[i]))
            ret[i] = text[i];
    }
    if (end < n)
        memcpy(ret + end, ELLIPSIS, sizeof(ELLIPSIS));
    /* What is not text after all is not a title either. */
    if (nf_check_line("title", ret, NF_TITLE_MAX, NULL) != NF_OK)
        memset(ret, 0, NF_TITLE_MAX + 1);
}

enum nf_code nf_session_may_queue(const struct nf_session *s, struct nf_err *err)
{
    if (s->pending >= NF_SESSION_QUEUE_MAX)
        return nf_err_set(err, NF_E_LIMIT,
                          "%d messages of this session wait for an answer already: wait for one, "
                          "or stop the current turn",
                          NF_SESSION_QUEUE_MAX);
    return NF_OK;
}
