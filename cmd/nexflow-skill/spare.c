/*
 * Spares: jails made before they are needed, a template's (nf_jail_spare) and a program's
 * (nf_program_spare). There is one of each kind at most, made while there is nothing else to do,
 * behind the start of such a skill, since where one is started another may be next; and it is given
 * up if none was for a while. It knows nothing of any skill, and is used once.
 */
#include "cmd/nexflow-skill/roles.h"

#include <time.h>
#include <unistd.h>

#define READY_WAIT_MS 5000 /* for what nf_jail_wait still has to do once it need not wait */

enum kind { OF_TEMPLATES, OF_PROGRAMS };
static_assert(SPARES == OF_PROGRAMS + 1, "one of each kind");

struct spare {
    struct nf_jail_process process; /* pid 0: there is none */
    bool ready;
    int order;                /* of a program's: where runs will be asked for */
    int64_t due_ms, until_ms; /* to be made, to be given up; 0: not at all */
    uint32_t slot;            /* of a template's */
    /* As the last one of its kind had them. */
    int64_t memory_bytes, processes;
    const char *const *env;
};
static struct spare spares[SPARES] = { { .process = NF_JAIL_PROCESS_NONE },
                                       { .process = NF_JAIL_PROCESS_NONE } };

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool exists(const struct spare *s)
{
    return s->process.pid > 0;
}

static void forget(struct spare *s)
{
    s->process = NF_JAIL_PROCESS_NONE;
    s->ready = false;
}

static void end(struct spare *s)
{
    if (!exists(s))
        return;
    nf_jail_end(&s->process, NULL);
    if (s == &spares[OF_PROGRAMS])
        close(s->order);
    forget(s);
}

void spares_finish(void)
{
    for (int i = 0; i < SPARES; i++)
        end(&spares[i]);
}

bool spare_has_slot(uint32_t slot)
{
    return exists(&spares[OF_TEMPLATES]) && spares[OF_TEMPLATES].slot == slot;
}

/* --- wanting ---------------------------------------------------------------------------------- */

static void want(struct spare *s, int64_t keep_ms, int64_t memory_bytes, int64_t processes)
{
    int64_t now = now_ms();
    s->until_ms = now + keep_ms;
    s->due_ms = now + SPARE_AFTER_MS;
    s->memory_bytes = memory_bytes;
    s->processes = processes;
}

void spare_want_template(const struct nf_jail_options *o, int64_t keep_ms)
{
    want(&spares[OF_TEMPLATES], keep_ms, o->group_memory_bytes, o->group_processes);
}

void spare_want_program(const struct nf_program_options *o, int64_t keep_ms)
{
    want(&spares[OF_PROGRAMS], keep_ms, o->memory_bytes, o->processes);
    spares[OF_PROGRAMS].env = o->env;
}

/* --- taking ----------------------------------------------------------------------------------- */

bool spare_take_template(const struct nf_jail_options *o, struct nf_jail_process *ret,
                         uint32_t *slot)
{
    struct spare *s = &spares[OF_TEMPLATES];
    if (!s->ready || !nf_jail_spare_fits(o))
        return false;
    if (nf_jail_use(o, &s->process, NULL) != NF_OK) {
        end(s);
        return false;
    }
    *ret = s->process;
    *slot = s->slot;
    forget(s);
    return true;
}

bool spare_take_program(struct nf_sandbox *sb, const struct nf_program_options *o,
                        struct nf_jail_process *ret, int *order)
{
    struct spare *s = &spares[OF_PROGRAMS];
    if (!s->ready || o->proxy || s->env != o->env)
        return false;
    if (nf_program_use(sb, o, &s->process, NULL) != NF_OK) {
        end(s);
        return false;
    }
    *ret = s->process;
    *order = s->order;
    forget(s);
    return true;
}

/* --- making ----------------------------------------------------------------------------------- */

static NF_RC make_template(struct nf_sandbox *sb, struct spare *s)
{
    s->slot = warden_slot();
    const struct nf_jail_options o = {
        .profile = NF_JAIL_PLAIN,
        .slot = s->slot,
        .memory_bytes = NF_JAIL_MEMORY_MIN,
        .group_memory_bytes = s->memory_bytes,
        .group_processes = s->processes,
        .run = template_run,
    };
    return nf_jail_spare(sb, &o, &s->process, NULL);
}

static NF_RC make_program(struct nf_sandbox *sb, struct spare *s)
{
    const struct nf_program_options o = {
        .env = s->env,
        .memory_bytes = s->memory_bytes,
        .processes = s->processes,
    };
    return nf_program_spare(sb, &o, &s->process, &s->order, NULL);
}

/* If it cannot be, the next start of a skill says so, in words, or asks for another one. */
static void make(struct nf_sandbox *sb, struct spare *s)
{
    enum nf_code rc = s == &spares[OF_TEMPLATES] ? make_template(sb, s) : make_program(sb, s);
    s->due_ms = 0;
    if (rc != NF_OK)
        forget(s);
}

/* --- seeing to them --------------------------------------------------------------------------- */

size_t spares_poll(struct pollfd v[SPARES])
{
    for (int i = 0; i < SPARES; i++) {
        const struct spare *s = &spares[i];
        int fd = !exists(s) ? -1 : s->ready ? s->process.pidfd : s->process.ready_fd;
        v[i] = (struct pollfd){ .fd = fd, .events = POLLIN };
    }
    return SPARES;
}

static void serve(struct spare *s)
{
    if (s->ready || nf_jail_wait(&s->process, READY_WAIT_MS, NULL) != NF_OK)
        end(s); /* it has ended */
    else
        s->ready = true;
}

/* When to look again, in ms; -1: no need. */
static int64_t see_to(struct nf_sandbox *sb, struct spare *s, int64_t now, bool idle)
{
    if (exists(s) && now < s->until_ms)
        return s->until_ms - now;
    if (exists(s)) {
        end(s);
        s->due_ms = 0;
    }
    if (s->due_ms == 0)
        return -1;
    if (now < s->due_ms)
        return s->due_ms - now;
    if (!idle)
        return SPARE_AFTER_MS;
    make(sb, s);
    return exists(s) ? s->until_ms - now : -1;
}

int spares_serve(struct nf_sandbox *sb, const struct pollfd v[SPARES], bool idle)
{
    int64_t now = now_ms(), next = -1;
    for (int i = 0; i < SPARES; i++) {
        struct spare *s = &spares[i];
        if (v[i].revents && exists(s) &&
            v[i].fd == (s->ready ? s->process.pidfd : s->process.ready_fd))
            serve(s);
        int64_t due = see_to(sb, s, now, idle);
        if (due >= 0 && (next < 0 || due < next))
            next = due;
    }
    return (int)next;
}
