/* What doctor says of the sandbox of skills. */
#include "cmd/nexflow/doctor.h"

#include <stdio.h>
#include <string.h>

/* "cgroup: why (fix); mdwe: why (fix)": where the next one begins. The texts may hold "; " too, so
 * that it must be followed by the name of a layer. */
static const char *next_gap(const char *gap)
{
    static const char *const layers[] = { "seccomp: ", "landlock: ", "namespaces: ", "cgroup: ",
                                          "notify: ",  "mdwe: ",     "uid: ",        "plain: " };
    for (const char *at = gap; (at = strstr(at, "; ")); at += 2)
        for (size_t i = 0; i < NF_COUNT(layers); i++)
            if (strncmp(at + 2, layers[i], strlen(layers[i])) == 0)
                return at + 2;
    return gap + strlen(gap);
}

/* Where the fix begins, which stands in parentheses at the end; `n`: there is none. */
static size_t fix_of(const char *gap, size_t n)
{
    int depth = 0;
    if (n == 0 || gap[n - 1] != ')')
        return n;
    for (size_t i = n; i-- > 0;) {
        depth += gap[i] == ')' ? 1 : gap[i] == '(' ? -1 : 0;
        if (depth == 0)
            return i;
    }
    return n;
}

static void note_gap(struct nf_doctor *d, const char *gap, size_t n, enum nf_doctor_state state)
{
    const char *colon = memchr(gap, ':', n);
    size_t fix = fix_of(gap, n);
    char name[96], cause[256], mend[256];
    size_t named = colon ? (size_t)(colon - gap) : 0;
    size_t from = colon ? named + 2 : 0;

    (void)snprintf(name, sizeof(name), "sandbox %.*s", (int)named, gap);
    size_t end = fix < n && fix > from ? fix - 1 : fix; /* without the blank before it */
    (void)snprintf(cause, sizeof(cause), "%.*s", (int)(end > from ? end - from : 0), gap + from);
    (void)snprintf(mend, sizeof(mend), "%.*s", (int)(fix < n ? n - fix - 2 : 0), gap + fix + 1);
    nf_doctor_note(d, name, state, cause,
                   mend[0] ? mend : "see what nexflowd's log says of the sandbox");
}

/* "none" < "L0.5" < "L1" < "L2" < "L3" */
static bool is_below(const char *level, const char *min)
{
    return level[0] != 'L' || strcmp(level, min) < 0;
}

void nf_doctor_check_sandbox(struct nf_doctor *d, const struct nf_json *health, const char *min)
{
    const struct nf_json *s = nf_json_get(health, "sandbox");
    const char *level = nf_json_str(nf_json_get(s, "level"));
    const char *missing = nf_json_str(nf_json_get(s, "missing"));
    char cause[256], fix[256];

    if (!level)
        return; /* the daemon is of another version, which is said already */
    bool below = is_below(level, min);
    enum nf_doctor_state state = below ? NF_DOCTOR_BROKEN : NF_DOCTOR_FINE;
    bool whole = !missing || !missing[0];
    if (!whole && next_gap(missing) == missing + strlen(missing) && !strchr(missing, ':')) {
        nf_doctor_note(d, "sandbox", state, missing, "nexflow config check; see nexflowd's log");
        return;
    }
    (void)snprintf(cause, sizeof(cause), "level %s%s%s", level,
                   whole   ? ", every layer works"
                   : below ? ", skills need "
                           : "",
                   below && !whole ? min : "");
    (void)snprintf(fix, sizeof(fix),
                   "mend what is missing below, or set skills.min_level to %s, which is weaker",
                   level);
    nf_doctor_note(d, "sandbox", state, cause,
                   level[0] == 'L' ? fix : "mend what is missing below: no skill can run");
    for (const char *gap = missing ? missing : ""; *gap;) {
        const char *next = next_gap(gap);
        size_t n = (size_t)(next - gap) - (*next ? 2 : 0);
        note_gap(d, gap, n, below ? NF_DOCTOR_BROKEN : NF_DOCTOR_WARNING);
        gap = next;
    }
}
