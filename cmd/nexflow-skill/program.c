/* A program as a skill, started by the warden in the looser jail. */
#include "sandbox/program.h"
#include "cmd/nexflow-skill/roles.h"
#include "skills/program.h"

#include <stdio.h>
#include <string.h>

/* dir, entry, interpreter, work directory: the lines of an order. */
enum { DIR, ENTRY, INTERPRETER, WORK, PARTS };

/* Cut `text` into its lines. False: there are fewer or more. */
static bool split(char *text, char *ret[PARTS])
{
    for (int i = 0; i < PARTS; i++) {
        char *end = strchr(text, '\n');
        if ((i < PARTS - 1) != (end != NULL))
            return false;
        if (end)
            *end = '\0';
        ret[i] = text;
        text = end ? end + 1 : text;
    }
    return true;
}

NF_RC program_spawn(struct nf_sandbox *sandbox, const struct nf_control *c,
                    const int fds[NF_CONTROL_FDS], struct nf_jail_process *ret, struct nf_err *err)
{
    char text[NF_CONTROL_TEXT], entry[NF_CONTROL_TEXT], *part[PARTS];
    static const char *const env[] = { "HOME=/work",
                                       "TMPDIR=/tmp",
                                       "PATH=/usr/bin:/bin",
                                       "LANG=C.UTF-8",
                                       "PYTHONDONTWRITEBYTECODE=1",
                                       NULL };

    memcpy(text, c->text, strlen(c->text) + 1);
    if (!split(text, part) ||
        snprintf(entry, sizeof(entry), "%s/%s", part[DIR], part[ENTRY]) >= (int)sizeof(entry))
        return nf_err_set(err, NF_E_INVALID, "an order that is none");
    const char *const by_interpreter[] = { part[INTERPRETER], entry, NULL };
    const char *const by_itself[] = { entry, NULL };
    const char *const read_only[] = { part[DIR], NULL };
    const struct nf_program_options o = {
        .argv = part[INTERPRETER][0] ? by_interpreter : by_itself,
        .env = env,
        .work_dir = part[WORK],
        .read_only = read_only,
        .in_fd = fds[0],
        .out_fd = fds[1],
        .err_fd = fds[2],
        .slot = c->slot,
        .memory_bytes = c->memory_bytes,
        .processes = NF_PROGRAM_PROCESSES,
        .cpu_seconds = (c->cpu_ms + 999) / 1000,
        .file_bytes = NF_PROGRAM_FILE_BYTES,
    };
    return nf_program_spawn(sandbox, &o, ret, err);
}
