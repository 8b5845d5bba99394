#include "tests/attack/protocol_frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Addresses are what this is about. NOLINTBEGIN(performance-no-int-to-ptr) */

#define SEARCH ((intptr_t)4 << 20)
#define PAGE 4096

/* --- the pipe to the daemon, and the call's id -------------------------------------------------
 */

/* Writing nothing tells a pipe that takes bytes from one that gives them. */
int reply_fd(void)
{
    for (int fd = 3; fd < FDS; fd++)
        if (write(fd, "", 0) == 0)
            return fd;
    return -1;
}

int request_fd(void)
{
    int reply = reply_fd();
    char c;
    for (int fd = 3; fd < FDS; fd++)
        if (fd != reply && read(fd, &c, 0) == 0)
            return fd;
    return -1;
}

/* Ask the kernel to read there: it says EFAULT where we would crash, and else that `how` is wrong.
 */
int is_readable(uintptr_t page)
{
    return syscall(SYS_rt_sigprocmask, 99, (void *)page, NULL, 8) != 0 && errno != EFAULT;
}

static uint64_t id_at(const char *p, const char *tool)
{
    uint32_t type, length;
    uint64_t id;
    memcpy(&type, p + 4, sizeof type);
    memcpy(&length, p + NF_WIRE_HEAD + 12, sizeof length);
    memcpy(&id, p + 8, sizeof id);
    return type == NF_WIRE_CALL && length == strlen(tool) &&
                   memcmp(p + NF_WIRE_HEAD + NF_WIRE_CALL_HEAD, tool, length) == 0
               ? id
               : 0;
}

/* Search both ways from `near`, page by page. */
static uint64_t find_id_near(uintptr_t near, const char *tool)
{
    near &= ~(uintptr_t)(PAGE - 1);
    for (intptr_t off = 0; off < SEARCH; off += PAGE) {
        const uintptr_t pages[2] = { near - (uintptr_t)off, near + (uintptr_t)off };
        for (int side = 0; side < 2; side++) {
            if (!is_readable(pages[side]) || !is_readable(pages[side] + PAGE))
                continue;
            for (uintptr_t p = pages[side]; p < pages[side] + PAGE; p += 4) {
                uint64_t id = id_at((const char *)p, tool);
                if (id)
                    return id;
            }
        }
    }
    return 0;
}

/* The frame of this call is somewhere near what the host made of it, or near the host's own things:
 * no plugin is kept from its host's memory. */
uint64_t find_id(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    void *heap = malloc(16);
    const uintptr_t near[] = { (uintptr_t)heap, (uintptr_t)r->args_text.p, (uintptr_t)h->self };
    uint64_t found = 0;
    for (size_t i = 0; i < 3 && !found; i++)
        found = find_id_near(near[i], r->tool);
    free(heap);
    return found;
}

/* --- frames -------------------------------------------------------------------------------------
 */

void send_all(const void *p, size_t n)
{
    const char *at = p;
    while (n) {
        ssize_t w = write(reply_fd(), at, n);
        if (w <= 0)
            _exit(7);
        at += w;
        n -= (size_t)w;
    }
}

void frame(uint32_t type, uint64_t id, uint32_t length, const void *payload, size_t n)
{
    char buf[NF_WIRE_HEAD + 256];
    memcpy(buf, &length, 4);
    memcpy(buf + 4, &type, 4);
    memcpy(buf + 8, &id, 8);
    memcpy(buf + NF_WIRE_HEAD, payload, n);
    send_all(buf, NF_WIRE_HEAD + n);
}

void result(uint64_t id, uint32_t code, const char *text)
{
    char buf[NF_WIRE_RESULT_HEAD + 128] = { 0 };
    size_t n = NF_WIRE_RESULT_HEAD + strlen(text);
    memcpy(buf, &code, 4);
    memcpy(buf + NF_WIRE_RESULT_HEAD, text, strlen(text));
    frame(NF_WIRE_RESULT, id, (uint32_t)n, buf, n);
}

void ask(uint64_t id, uint32_t op, uint32_t json_n, const char *json)
{
    char buf[NF_WIRE_ASK_HEAD + 128] = { 0 };
    size_t n = NF_WIRE_ASK_HEAD + strlen(json);
    memcpy(buf, &op, 4);
    memcpy(buf + 4, &json_n, 4);
    memcpy(buf + NF_WIRE_ASK_HEAD, json, strlen(json));
    frame(NF_WIRE_ASK, id, (uint32_t)n, buf, n);
}

void bulk(uint64_t id, uint32_t type, uint32_t n, size_t payload_n)
{
    char buf[16] = { 0 };
    memcpy(buf, &n, 4);
    frame(type | NF_WIRE_BULK, id, (uint32_t)payload_n, buf, payload_n);
}

/* NOLINTEND(performance-no-int-to-ptr) */
