/* From a fork of the template to a process in which a plugin serves calls. */
#include "cmd/nexflow-skill/host.h"
#include "cmd/nexflow-skill/roles.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PREFAULT_DATA_MAX ((size_t)256 * 1024) /* of one library */
#define PREFAULT_CODE_MAX ((size_t)4 << 20)
#define PAGE ((uintptr_t)4096)
#define STACK_DEPTH ((size_t)64 * 1024) /* of the loader, at most */
#define LOADER_HEAP ((size_t)8 * 1024)  /* what it takes of the heap for a small plugin */

/* In the template's memory, of which each worker gets a copy, page by page, when it writes. */
static _Alignas(4096) struct host host;

void worker_prepare(void)
{
    host_init(&host);
}

/* --- descriptors and memory ------------------------------------------------------------------- */

/* Requests and replies become 3 and 4, nothing else stays open but the plugin's bytes. */
static NF_RC place(const struct worker_order *o, struct nf_err *err)
{
    const size_t size = 2 * NF_WIRE_BULK_MAX;
    char *both = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, o->fds[2], 0);
    if (both == MAP_FAILED)
        return nf_err_set(err, NF_E_UNAVAILABLE, "map the shared memory: %m");
    host.to_us = both;
    host.to_daemon = both + NF_WIRE_BULK_MAX;

    /* The control socket is 3, so these are above it, in order of their numbers. */
    assert(o->fds[0] > HOST_IN_FD && o->fds[1] > HOST_OUT_FD && o->fds[0] < o->fds[1]);
    if (dup3(o->fds[0], HOST_IN_FD, 0) < 0 || dup3(o->fds[1], HOST_OUT_FD, 0) < 0 ||
        close_range(HOST_OUT_FD + 1, NF_JAIL_CODE_FD - 1, 0) != 0 ||
        close_range(NF_JAIL_CODE_FD + 1, ~0u, 0) != 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "put the pipes in place: %m");
    return NF_OK;
}

/* --- faults before they happen ---------------------------------------------------------------- */

struct segments {
    ElfW(Addr) base;
};

/* A page that a call would fault in costs it a microsecond and more. Where the kernel does not know
 * the advice (before 5.14) the call does it by itself. Data begins behind what was made read-only.
 */
static int prefault_segments(struct dl_phdr_info *info, size_t size, void *arg)
{
    const struct segments *s = arg;
    uintptr_t relro_end = 0;
    (void)size;
    if (info->dlpi_addr != s->base)
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_GNU_RELRO)
            relro_end = (info->dlpi_addr + p->p_vaddr + p->p_memsz) & ~(PAGE - 1);
    }
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t from = (info->dlpi_addr + p->p_vaddr) & ~(PAGE - 1);
        uintptr_t to = (info->dlpi_addr + p->p_vaddr + p->p_memsz + PAGE - 1) & ~(PAGE - 1);
        if (p->p_type != PT_LOAD)
            continue;
        if ((p->p_flags & PF_W) && relro_end > from && relro_end <= to)
            from = relro_end;
        /* NOLINTBEGIN(performance-no-int-to-ptr): what the loader tells are numbers */
        if ((p->p_flags & PF_W) && to - from < PREFAULT_DATA_MAX)
            (void)madvise((void *)from, to - from, MADV_POPULATE_WRITE);
        else if (!(p->p_flags & PF_W) && to - from < PREFAULT_CODE_MAX)
            (void)madvise((void *)from, to - from, MADV_POPULATE_READ);
        /* NOLINTEND(performance-no-int-to-ptr) */
    }
    return 1;
}

/* While nobody waits: what the loader reads and writes when it loads the plugin, by having it look
 * for what cannot be there. */
static void warm_up(void)
{
    (void)dlopen("/dev/null/nothing", RTLD_NOW | RTLD_LOCAL);
    (void)dlsym(RTLD_DEFAULT, "nf_skill_v0");
    (void)dlerror();
    char *volatile heap = malloc(LOADER_HEAP);
    for (size_t i = 0; heap && i < LOADER_HEAP; i += PAGE)
        heap[i] = 0;
    free(heap);
    if (host.out.p)
        host.out.p[0] = '\0';
}

/* The loader goes deeper into the stack than most calls do, and the pages stay. */
static void shrink_stack(void)
{
    char here;
    uintptr_t to = ((uintptr_t)&here & ~(PAGE - 1)) - PAGE; /* what is in use and a call needs */
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): pages are reckoned with as numbers */
    (void)madvise((void *)(to - STACK_DEPTH), STACK_DEPTH, MADV_DONTNEED);
}

/* For the only call that the process will serve. */
static void prefault(void *so)
{
    struct link_map *map;
    if (dlinfo(so, RTLD_DI_LINKMAP, (void *)&map) == 0) {
        struct segments s = { .base = map->l_addr };
        (void)dl_iterate_phdr(prefault_segments, &s);
    }
    host_warm(&host);
}

/* --- the plugin ------------------------------------------------------------------------------- */

static NF_RC check_abi(const struct nf_skill_v1 *s, struct nf_err *err)
{
    if (s->abi_major != NF_SKILL_ABI_MAJOR)
        return nf_err_set(
            err, NF_E_INVALID,
            "it was built for major version %u of the skill ABI, this is %u: build it "
            "with the nexflow/skill.h of this installation",
            s->abi_major, NF_SKILL_ABI_MAJOR);
    if (!NF_SKILL_HAS(s, struct nf_skill_v1, call))
        return nf_err_set(err, NF_E_INVALID, "nf_skill_v1 has %u bytes, too few to have `call`",
                          s->struct_size);
    if (!s->name || !s->version || !s->call)
        return nf_err_set(err, NF_E_INVALID, "nf_skill_v1 has no %s",
                          !s->name      ? "name"
                          : !s->version ? "version"
                                        : "call");
    return NF_OK;
}

/* `name` and `version` of the manifest, "" where they do not matter. */
static NF_RC check_names(const struct nf_skill_v1 *s, const struct worker_order *o,
                         struct nf_err *err)
{
    if (o->name[0] != '\0' && strcmp(s->name, o->name) != 0)
        return nf_err_set(err, NF_E_INVALID, "it calls itself '%.64s', the manifest '%s'", s->name,
                          o->name);
    if (o->version[0] != '\0' && strcmp(s->version, o->version) != 0)
        return nf_err_set(err, NF_E_INVALID, "it says version '%.64s', the manifest '%s'",
                          s->version, o->version);
    return NF_OK;
}

static NF_RC load(const struct nf_jail *j, struct nf_err *err)
{
    void *so = dlopen(j->plugin, RTLD_NOW | RTLD_LOCAL);
    host.library = so;
    if (!so) {
        const char *why = dlerror();
        bool missing = strstr(why, "cannot open shared object file");
        return nf_err_set(err, NF_E_INVALID, "load it: %s%s", why,
                          missing ? ". A library that it needs belongs into the setting "
                                    "skills.libraries"
                                  : "");
    }
    host.plugin = dlsym(so, "nf_skill_v1");
    if (!host.plugin)
        return nf_err_set(err, NF_E_INVALID, "it exports no nf_skill_v1");
    return check_abi(host.plugin, err);
}

static NF_RC init_plugin(struct nf_err *err)
{
    if (!host.plugin->init)
        return NF_OK;
    int code = host.plugin->init(&host.api);
    if (code == NF_SKILL_OK)
        return NF_OK;
    const char *words = host.fail_code == NF_SKILL_OK ? host.error : host.fail_words;
    return nf_err_set(err, NF_E_UNAVAILABLE, "init: %s",
                      words[0] ? words : "it failed and did not say why");
}

/* What needs no plugin is done before there is need of one. */
static NF_RC become_blank(const struct nf_jail *j, const struct worker_order *o, struct nf_err *err)
{
    NF_TRY(place(o, err));
    NF_TRY(nf_worker_enter(j, (o->cpu_ms + 999) / 1000, err));
    if (o->blank)
        warm_up();
    return NF_OK;
}

/* False: it will not be needed. */
static bool is_needed(const struct worker_order *o)
{
    struct nf_wire_frame f;
    return host_read(&host, &f) && f.type == NF_WIRE_LOAD && f.id == o->number;
}

/* Up to here everything is ours; in load() the plugin's code begins to run. */
static NF_RC become_worker(const struct nf_jail *j, const struct worker_order *o,
                           struct nf_err *err)
{
    NF_TRY(load(j, err));
    NF_TRY(nf_worker_lock(j, err));
    NF_TRY(check_names(host.plugin, o, err));
    return init_plugin(err);
}

int worker_run(const struct nf_jail *j, const struct worker_order *o)
{
    struct nf_err err;
    enum nf_code rc = become_blank(j, o, &err);
    if (rc == NF_OK && !is_needed(o))
        return 0;
    if (rc == NF_OK)
        rc = become_worker(j, o, &err);
    if (rc != NF_OK) {
        host_send_failed(&host, o->number, err.msg);
        return 1;
    }
    if (o->oneshot)
        prefault(host.library);
    else
        shrink_stack();
    char ready[NF_WIRE_HEAD];
    if (!host_send(&host, ready, NF_WIRE_READY, o->number, 0))
        return 1;
    return host_serve(&host);
}
