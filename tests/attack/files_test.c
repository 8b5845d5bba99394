/*
 * Hostile files in place of a plugin: none may run, hang the host or take another skill down with
 * it, and the words of the refusal say what is wrong. After each a good plugin still answers.
 */
#include "tests/attack/host.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FILE_MAX ((size_t)1 << 20)
#define MUTANTS 150

static char original[FILE_MAX], bytes[FILE_MAX];
static size_t original_n, bytes_n;

/* --- files made of a good plugin ---------------------------------------------------------------
 */

static Elf64_Ehdr *head(void)
{
    return (Elf64_Ehdr *)(void *)bytes;
}

static Elf64_Phdr *segment(uint32_t type, int nth)
{
    Elf64_Phdr *p = (Elf64_Phdr *)(void *)(bytes + head()->e_phoff);
    for (int i = 0; i < head()->e_phnum; i++)
        if (p[i].p_type == type && nth-- == 0)
            return &p[i];
    abort();
}

static Elf64_Dyn *dynamic(int64_t tag)
{
    Elf64_Dyn *d = (Elf64_Dyn *)(void *)(bytes + segment(PT_DYNAMIC, 0)->p_offset);
    for (; d->d_tag != DT_NULL; d++)
        if (d->d_tag == tag)
            return d;
    abort();
}

static void empty(void)
{
    bytes_n = 0;
}
static void one_byte(void)
{
    bytes_n = 1;
}
static void head_only(void)
{
    bytes_n = sizeof(Elf64_Ehdr);
}
static void half(void)
{
    bytes_n /= 2;
}
static void text_file(void)
{
    bytes_n = (size_t)snprintf(bytes, FILE_MAX, "#!/bin/sh\necho pwned\n");
}
static void class_32(void)
{
    bytes[EI_CLASS] = ELFCLASS32;
}
static void other_endian(void)
{
    bytes[EI_DATA] = ELFDATA2MSB;
}
static void other_machine(void)
{
    head()->e_machine = EM_S390;
}
static void an_executable(void)
{
    head()->e_type = ET_EXEC;
}
static void an_object(void)
{
    head()->e_type = ET_REL;
}
static void segments_beyond_file(void)
{
    head()->e_phoff = 1u << 30;
}
static void many_segments(void)
{
    head()->e_phnum = 65535;
}
static void segment_size_odd(void)
{
    head()->e_phentsize = 1;
}
static void huge_segment(void)
{
    segment(PT_LOAD, 3)->p_memsz = 1ull << 40;
}
static void large_segment(void)
{
    segment(PT_LOAD, 3)->p_memsz = 3ull << 30;
}
static void file_larger_than_memory(void)
{
    segment(PT_LOAD, 3)->p_filesz = segment(PT_LOAD, 3)->p_memsz + (1u << 20);
}
static void overlapping_segments(void)
{
    segment(PT_LOAD, 2)->p_vaddr = segment(PT_LOAD, 1)->p_vaddr;
}
static void segment_over_host(void)
{
    segment(PT_LOAD, 3)->p_vaddr = 0x7fffff000000;
}
static void writable_code(void)
{
    segment(PT_LOAD, 1)->p_flags = PF_R | PF_W | PF_X;
}
static void all_executable(void)
{
    for (int i = 0; i < 4; i++)
        segment(PT_LOAD, i)->p_flags = PF_R | PF_W | PF_X;
}
static void segment_beyond_file(void)
{
    segment(PT_LOAD, 1)->p_offset = 1u << 28;
}
static void no_dynamic(void)
{
    segment(PT_DYNAMIC, 0)->p_type = PT_NULL;
}
static void dynamic_elsewhere(void)
{
    segment(PT_DYNAMIC, 0)->p_vaddr = 0x10;
}
static void strings_elsewhere(void)
{
    dynamic(DT_STRTAB)->d_un.d_ptr = 1ull << 44;
}
static void symbols_elsewhere(void)
{
    dynamic(DT_SYMTAB)->d_un.d_ptr = 1ull << 44;
}
static void relocations_elsewhere(void)
{
    dynamic(DT_RELA)->d_un.d_ptr = 1ull << 44;
}
static void endless_relocations(void)
{
    dynamic(DT_RELASZ)->d_un.d_val = 1ull << 40;
}
static void init_elsewhere(void)
{
    dynamic(DT_INIT)->d_un.d_ptr = 0x4141414141;
}
static void needs_nameless(void)
{
    dynamic(DT_NEEDED)->d_un.d_val = 1ull << 40;
}
static void bad_hash(void)
{
    dynamic(DT_GNU_HASH)->d_un.d_ptr = segment(PT_LOAD, 0)->p_vaddr;
}
static void executable_stack(void)
{
    segment(PT_GNU_STACK, 0)->p_flags = PF_R | PF_W | PF_X;
}
static void large_alignment(void)
{
    segment(PT_LOAD, 1)->p_align = 1ull << 40;
}

static const struct made {
    const char *name;
    void (*spoil)(void);
    const char *words; /* in the error; NULL: it may also work, but then as a good one */
} made[] = {
    { "empty", empty, "file too short" },
    { "one byte", one_byte, "file too short" },
    { "head only", head_only, "cannot read file data" },
    { "half", half, "(SIGBUS)" },
    { "text", text_file, "load it: " },
    { "32-bit class", class_32, "wrong ELF class" },
    { "other endianness", other_endian, "not little-endian" },
    { "other machine", other_machine, "load it: " },
    { "an executable", an_executable, "cannot dynamically load" },
    { "an object file", an_object, "only ET_DYN" },
    { "segments beyond the file", segments_beyond_file, "cannot read file data" },
    { "65535 segments", many_segments, "cannot read file data" },
    { "odd size of segments", segment_size_odd, "phentsize" },
    { "a segment of 1 TiB", huge_segment, "failed to map" },
    { "a segment of 3 GiB", large_segment, "failed to map" },
    { "more file than memory", file_larger_than_memory, NULL },
    { "overlapping segments", overlapping_segments, "(SIG" },
    { "a segment over the host", segment_over_host, "load it: " },
    { "writable code", writable_code, "failed to map" },
    { "everything writable and executable", all_executable, "failed to map" },
    { "a segment beyond the file", segment_beyond_file, "(SIGBUS)" },
    { "no dynamic section", no_dynamic, "no dynamic section" },
    { "dynamic section elsewhere", dynamic_elsewhere, "(SIGSEGV)" },
    { "strings elsewhere", strings_elsewhere, "(SIGSEGV)" },
    { "symbols elsewhere", symbols_elsewhere, "(SIGSEGV)" },
    { "relocations elsewhere", relocations_elsewhere, "(SIGSEGV)" },
    { "endless relocations", endless_relocations, "(SIGSEGV)" },
    { "DT_INIT elsewhere", init_elsewhere, "(SIGSEGV)" },
    { "needs a nameless library", needs_nameless, "(SIG" },
    { "hash table elsewhere", bad_hash, "(SIG" },
    { "executable stack", executable_stack, "cannot enable executable stack" },
    { "large alignment", large_alignment, NULL },
};

/* --- plugins that are wrong by construction: variants.c, built by CMakeLists.txt ---------------
 */

static const struct variant {
    const char *name;
    const char *words; /* in the error; NULL: it works and says "good" */
} variants[] = {
    { "good", NULL },
    { "abi_major_0", "built for major version 0" },
    { "abi_major_2", "built for major version 2" },
    { "abi_major_huge", "major version 4294967295" },
    { "size_0", "has 0 bytes" },
    { "size_short", "has 8 bytes" },
    { "size_huge", NULL }, /* of a newer header: what we do not know is not read */
    { "name_null", "no name" },
    { "name_wild", "(SIGSEGV)" },
    { "call_null", "no call" },
    { "call_wild", "(SIGSEGV)" },
    { "no_symbol", "exports no nf_skill_v1" },
    { "symbol_function", "skill ABI" },
    { "symbol_ifunc", "(SIGSEGV)" },
    { "symbol_tls", "skill ABI" },
    { "symbol_short", "skill ABI" },
    { "init_fails", "no such luck" },
    { "init_crashes", "(SIGSEGV)" },
    { "init_hangs", "" },
    { "init_asks", NULL },
    { "ctor_exits", "ended by itself" },
    { "ctor_hangs", "" },
    { "ctor_crashes", "(SIGSEGV)" },
    { "done_hangs", NULL },
    { "interposes", NULL },
    { "needs_foreign", "libnf_attack_foreign.so: cannot open" },
    { "runpath_up", "libnf_attack_foreign.so: cannot open" },
    { "runpath_origin", "libnf_attack_foreign.so: cannot open" },
    { "textrel", "cannot make segment writable" },
    { "execstack", "cannot enable executable stack" },
};

static char *here; /* directory of the variants */

static void save(struct host *h, char path[256])
{
    (void)snprintf(path, 256, "%s/file-%zu.so", h->world.orders.dir, h->world.made++);
    FILE *f = fopen(path, "we");
    if (!f || fwrite(bytes, 1, bytes_n, f) != bytes_n || fclose(f) != 0 || chmod(path, 0755) != 0)
        abort();
}

static void call_file(struct host *h, const char *path, struct host_result *r)
{
    struct host_call c = { .path = path, .name = "variant", .timeout_ms = 1000 };
    host_call(h, &c, r);
    nf_warden_retire(h->warden, "variant");
}

static void good_one_still_works(struct host *h, const char *after)
{
    char path[256];
    struct host_result r;
    (void)snprintf(path, sizeof path, "%s/variant_witness.so", here);
    struct host_call c = { .path = path, .name = "witness" };
    host_call(h, &c, &r);
    (void)host_check(h, r.code == NF_OK && strcmp(r.text, "good") == 0,
                     "a good plugin after \"%s\": %s", after, r.text);
}

static void judge_file(struct host *h, const char *name, const char *words,
                       const struct host_result *r)
{
    if (getenv("NF_ATTACK_VERBOSE"))
        (void)printf("%-36s %s: %s [%s]\n", name, nf_code_name(r->code), r->text, h->said);
    if (words)
        (void)host_check(h, r->code != NF_OK && strstr(r->text, words), "%s: %s: %s", name,
                         nf_code_name(r->code), r->text);
    good_one_still_works(h, name);
}

static void spoiled_files(struct host *h)
{
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        char path[256];
        struct host_result r;
        memcpy(bytes, original, original_n);
        bytes_n = original_n;
        made[i].spoil();
        save(h, path);
        call_file(h, path, &r);
        judge_file(h, made[i].name, made[i].words, &r);
        (void)unlink(path);
    }
}

static void variant_files(struct host *h)
{
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        char path[256];
        struct host_result r;
        (void)snprintf(path, sizeof path, "%s/variant_%s.so", here, variants[i].name);
        call_file(h, path, &r);
        if (!variants[i].words)
            (void)host_check(h, r.code == NF_OK && strcmp(r.text, "good") == 0, "%s: %s: %s",
                             variants[i].name, nf_code_name(r.code), r.text);
        judge_file(h, variants[i].name, variants[i].words, &r);
    }
}

/* --- what is no regular file -------------------------------------------------------------------
 */

static void make_socket(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%.100s", path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0)
        abort();
    (void)close(fd);
}

static void other_kinds(struct host *h)
{
    static const char *const kinds[] = { "missing", "fifo", "directory", "socket",
                                         "pointer", "loop", "sparse" };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char path[256];
        struct host_result r;
        int rc = 0;
        (void)snprintf(path, sizeof path, "%s/%s", h->world.orders.dir, kinds[i]);
        (void)unlink(path);
        if (strcmp(kinds[i], "fifo") == 0)
            rc = mkfifo(path, 0666);
        else if (strcmp(kinds[i], "directory") == 0)
            rc = mkdir(path, 0777);
        else if (strcmp(kinds[i], "socket") == 0)
            make_socket(path);
        else if (strcmp(kinds[i], "pointer") == 0)
            rc = symlink("/dev/zero", path);
        else if (strcmp(kinds[i], "loop") == 0)
            rc = symlink(path, path);
        else if (strcmp(kinds[i], "sparse") == 0)
            rc = close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755)) ||
                 truncate(path, (off_t)1 << 40);
        (void)host_check(h, rc == 0, "cannot make a %s", kinds[i]);
        call_file(h, path, &r);
        judge_file(h, kinds[i], "", &r);
    }
    struct host_result r;
    call_file(h, "/dev/zero", &r);
    judge_file(h, "a device", "", &r);
}

/* --- bytes changed at random, always the same ones ---------------------------------------------
 */

static uint32_t random_state = 2463534242u;

static uint32_t next_random(void)
{
    random_state ^= random_state << 13; /* Marsaglia, Xorshift RNGs, section 3 */
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static void mutants(struct host *h)
{
    size_t worked = 0, late = 0;
    for (int i = 0; i < MUTANTS; i++) {
        char path[256];
        struct host_result r;
        memcpy(bytes, original, original_n);
        bytes_n = original_n;
        size_t from = 0, n = 4096;
        if (i % 2) {
            from = segment(PT_DYNAMIC, 0)->p_offset;
            n = segment(PT_DYNAMIC, 0)->p_filesz;
        }
        for (uint32_t k = 0; k < 1 + next_random() % 8; k++)
            bytes[from + next_random() % n] = (char)next_random();
        save(h, path);
        struct host_call c = { .path = path, .name = "variant", .timeout_ms = 1000 };
        host_call(h, &c, &r);
        nf_warden_retire(h->warden, "variant");
        worked += r.code == NF_OK;
        late += r.code == NF_E_TIMEOUT;
        (void)unlink(path);
    }
    (void)printf("%d mutants: %zu still work, %zu were ended at their deadline\n", MUTANTS, worked,
                 late);
    good_one_still_works(h, "mutants");
}

/* --- exchanged after somebody agreed to it -----------------------------------------------------
 */

static void all_files(struct host *h)
{
    spoiled_files(h);
    variant_files(h);
    other_kinds(h);
    mutants(h);
}

int main(void)
{
    here = getenv("NF_ATTACK_FILES");
    char path[512];
    (void)snprintf(path, sizeof path, "%s/variant_good.so", here ? here : ".");
    FILE *f = fopen(path, "re");
    original_n = f ? fread(original, 1, sizeof original, f) : 0;
    if (f)
        (void)fclose(f);
    if (!original_n) {
        perror(path);
        return 2;
    }
    return host_main(all_files);
}
