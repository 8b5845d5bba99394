#include "cmd/nexflowd/skills.h"

#include "application/manage_skills.h"
#include "application/manage_users.h"
#include "base/own.h"
#include "channels/web/said.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "skills/bundled.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLUSH_MS 500
#define FILE_THREADS 2
#define QUEUE_MAX 1024 /* calls that wait for a thread */
#define PROGRAM_PATH_MAX 4096

/* --- what processes of skills do -------------------------------------------------------------- */

static void report(void *arg, const char *skill, const char *what)
{
    struct nf_skill_wiring *s = arg;

    nf_log_warn("skill.process", "skill", skill, "what", what, NULL);
    if (*skill && s->logs)
        nf_skill_logs_add(s->logs, skill, "error", what, strlen(what),
                          nf_clock_now_ms(s->app->clock));
}

static void output(void *arg, const char *skill, const char *line, size_t n)
{
    struct nf_skill_wiring *s = arg;

    nf_skill_logs_add(s->logs, skill, "output", line, n, nf_clock_now_ms(s->app->clock));
}

static void without_warden(struct nf_skill_wiring *s)
{
    nf_log_error("skills.unavailable", "err", s->why.msg, NULL);
    nf_warden_free(s->warden);
    s->warden = NULL;
}

void nf_skill_wiring_start(struct nf_skill_wiring *s, struct nf_loop *loop, struct nf_app *app,
                           const struct nf_skill_settings *settings)
{
    const char *libraries[NF_SKILL_LIBRARIES_MAX + 2] = { "libm.so.6" }; /* ends with NULL */
    s->settings = settings;
    s->app = app;
    for (size_t i = 0; i < s->settings->libraries.n; i++)
        libraries[i + 1] = s->settings->libraries.v[i];
    const struct nf_warden_options o = {
        .loop = loop,
        .preload = libraries,
        .min_level = nf_skill_level_name(0), /* what is asked for may change: each call says it */
        .workers_max = s->settings->workers,
        .idle_ms = s->settings->idle_ms,
        .report = report,
        .output = output,
        .arg = s,
    };

    if (!s->settings->enabled)
        (void)nf_err_set(&s->why, NF_E_UNAVAILABLE,
                         "they are switched off (setting "
                         "skills.enabled)");
    else if (nf_warden_start(&o, &s->warden, &s->why) != NF_OK)
        without_warden(s);
}

static void wait_for_warden(struct nf_skill_wiring *s)
{
    if (!s->warden)
        return;
    if (nf_warden_wait(s->warden, &s->why) != NF_OK) {
        without_warden(s);
        return;
    }
    const char *missing = nf_warden_missing(s->warden);
    if (*missing)
        nf_log_warn("sandbox.weaker", "level", nf_warden_level(s->warden), "missing", missing,
                    NULL);
    else
        nf_log_info("sandbox.ready", "level", nf_warden_level(s->warden), NULL);
}

/* --- metrics ---------------------------------------------------------------------------------- */

#define STAT(name)                                                                                 \
    static double stat_##name(void *arg)                                                           \
    {                                                                                              \
        struct nf_warden_stats stats;                                                              \
        nf_warden_stats(arg, &stats);                                                              \
        return (double)stats.name;                                                                 \
    }
STAT(violations)
STAT(crashes)
STAT(timeouts)
STAT(templates)
STAT(workers)
STAT(idle)

static double one(void *arg)
{
    (void)arg;
    return 1;
}

static void register_metrics(const struct nf_skill_wiring *s)
{
    NF_CLEANUP(nf_str_done) struct nf_str level = { 0 };

    if (!s->warden)
        return;
    nf_gauge_fn("nexflow_skill_violations", "Forbidden system calls of skills since the start",
                NULL, stat_violations, s->warden);
    nf_gauge_fn("nexflow_skill_crashes", "Processes of skills that crashed since the start", NULL,
                stat_crashes, s->warden);
    nf_gauge_fn("nexflow_skill_timeouts", "Calls of skills killed at their deadline", NULL,
                stat_timeouts, s->warden);
    nf_gauge_fn("nexflow_skill_templates", "Skills that are ready to start processes", NULL,
                stat_templates, s->warden);
    nf_gauge_fn("nexflow_skill_workers", "Processes of skills", NULL, stat_workers, s->warden);
    nf_gauge_fn("nexflow_skill_workers_idle", "Processes of skills that wait for a call", NULL,
                stat_idle, s->warden);
    if (nf_metric_label(&level, "level", nf_warden_level(s->warden), NULL) == NF_OK)
        nf_gauge_fn("nexflow_sandbox_level", "What this machine can enforce", nf_str_c(&level), one,
                    NULL);
}

/* --- building --------------------------------------------------------------------------------- */

/* ../lib/nexflow/skills, seen from our own program. */
static NF_RC beside_program(struct nf_str *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };

    NF_TRY(nf_str_reserve(&path, PROGRAM_PATH_MAX, err));
    ssize_t n = readlink("/proc/self/exe", path.p, PROGRAM_PATH_MAX);
    if (n < 0)
        return nf_err_set(err, NF_E_IO, "where nexflowd is: %s", strerror(errno));
    path.p[n] = '\0';
    for (int i = 0; i < 2; i++) { /* bin/nexflowd */
        char *slash = strrchr(path.p, '/');
        if (slash)
            *slash = '\0';
    }
    return nf_str_addf(ret, err, "%s/lib/nexflow/skills", path.p);
}

/* A jail has no directory of ours as its current one: paths within begin at the root. */
static NF_RC absolute(const char *path, struct nf_str *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_freep) char *here = *path == '/' ? NULL : getcwd(NULL, 0);

    if (*path != '/' && !here)
        return nf_err_set(err, NF_E_IO, "the current directory: %s", strerror(errno));
    return nf_str_addf(ret, err, "%s%s%s", here ? here : "", here ? "/" : "", path);
}

static NF_RC find_dirs(struct nf_skill_wiring *s, const char *data_dir, struct nf_err *err)
{
    NF_TRY(absolute(data_dir, &s->data_dir, err));
    if (s->settings->dir[0])
        NF_TRY(absolute(s->settings->dir, &s->dir, err));
    else
        NF_TRY(nf_str_addf(&s->dir, err, "%s/skills", nf_str_c(&s->data_dir)));
    if (s->settings->bundled_dir[0])
        return nf_str_set(&s->bundled_dir, s->settings->bundled_dir, err);
    return beside_program(&s->bundled_dir, err);
}

static enum nf_code changed(void *arg, const char *name, struct nf_err *err)
{
    struct nf_skill_wiring *s = arg;

    return nf_skill_tools_changed(s->tools, name, err);
}

static NF_RC build_files(struct nf_skill_wiring *s, struct nf_loop *loop, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str logs = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str sessions = { 0 };

    NF_TRY(nf_executor_new(loop, "skills", FILE_THREADS, QUEUE_MAX, &s->files, err));
    NF_TRY(nf_executor_new(loop, "workspaces", 1, QUEUE_MAX, &s->sessions, err));
    NF_TRY(nf_str_addf(&logs, err, "%s/skill-logs", nf_str_c(&s->data_dir)));
    NF_TRY(nf_skill_logs_new(nf_str_c(&logs), s->files, &s->logs, err));
    NF_TRY(nf_str_addf(&sessions, err, "%s/workspaces", nf_str_c(&s->data_dir)));
    NF_TRY(nf_workspaces_new(nf_str_c(&sessions), s->sessions, &s->workspaces, err));
    const struct nf_catalogue_options o = {
        .dir = nf_str_c(&s->dir),
        .executor = s->files,
        .logs = s->logs,
        .changed = changed,
        .arg = s,
    };
    return nf_catalogue_new(&o, &s->catalogue, err);
}

static NF_RC build_tools(struct nf_skill_wiring *s, struct nf_err *err)
{
    const struct nf_skill_tools_options o = {
        .broker = &s->deps,
        .store = s->app->skills,
        .catalogue = s->catalogue,
        .warden = s->warden,
        .why = s->why.msg,
    };

    NF_TRY(nf_skill_tools_new(&o, &s->tools, err));
    NF_TRY(nf_skill_tools_load(s->tools, err));
    s->app->skill_files = nf_catalogue_port(s->catalogue);
    s->app->tools = nf_skill_tools_port(s->tools);
    return NF_OK;
}

enum nf_code nf_skill_wiring_build(struct nf_skill_wiring *s, struct nf_loop *loop,
                                   const char *data_dir, struct nf_err *err)
{
    const struct nf_http_client_options options = { .user_agent = "nexflow/" NF_VERSION };

    NF_TRY(find_dirs(s, data_dir, err));
    NF_TRY(build_files(s, loop, err));
    NF_TRY(nf_http_client_new(loop, &options, &s->http, err));
    s->deps = (struct nf_broker_deps){
        .clock = s->app->clock,
        .kv = s->app->kv,
        .logs = s->logs,
        .workspaces = s->workspaces,
        .http = s->http,
        .settings = s->settings,
    };
    wait_for_warden(s);
    register_metrics(s);
    return build_tools(s, err);
}

/* --- running ---------------------------------------------------------------------------------- */

enum bundled_work {
    INSTALL_NEW, /* if there is anything new */
    INSTALL_ALL, /* and upgrade, unless that was done */
    SETTLE,
};

static NF_RC work_on_bundled(struct nf_skill_wiring *s, enum bundled_work what, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str seen = { 0 };
    struct nf_user owner;
    bool wanted = !s->bundled;

    NF_TRY(nf_ensure_owner(s->app, &owner, err));
    NF_TRY(nf_str_addf(&seen, err, "%s/skills-seen", nf_str_c(&s->data_dir)));
    const struct nf_bundled b = {
        .dir = nf_str_c(&s->bundled_dir),
        .seen = nf_str_c(&seen),
        .names = &s->settings->bundled,
        .catalogue = s->catalogue,
        .store = s->app->skills,
        .clock = s->app->clock,
        .ids = s->app->ids,
        .executor = s->files,
        .owner_id = owner.id,
    };
    if (what == SETTLE)
        return nf_bundled_settle(&b, err);
    if (what == INSTALL_NEW)
        NF_TRY(nf_bundled_has_new(&b, &wanted, err));
    s->bundled = s->bundled || wanted;
    return wanted ? nf_bundled_install(&b, err) : NF_OK;
}

static void see_to_bundled(struct nf_skill_wiring *s, enum bundled_work what)
{
    struct nf_err why;

    if (!s->settings->enabled)
        return;
    enum nf_code rc = nf_skills_lock(s->app, &why);
    if (rc == NF_OK) {
        rc = work_on_bundled(s, what, &why);
        nf_skills_unlock(s->app);
    }
    if (rc != NF_OK && rc != NF_E_CANCELED)
        nf_log_warn("skills.bundled.failed", "err", why.msg, NULL);
}

void nf_skill_wiring_begin(struct nf_skill_wiring *s)
{
    see_to_bundled(s, INSTALL_NEW);
}

enum nf_code nf_skill_wiring_run(void *arg, struct nf_err *err)
{
    struct nf_skill_wiring *s = arg;
    struct nf_err why;

    see_to_bundled(s, INSTALL_ALL);
    see_to_bundled(s, SETTLE);
    for (;;) {
        NF_TRY(nf_sleep(FLUSH_MS, err));
        enum nf_code rc = nf_skill_logs_flush(s->logs, &why);
        if (rc != NF_OK && rc != NF_E_CANCELED)
            nf_log_warn("skills.logs.failed", "err", why.msg, NULL);
    }
}

/* The line "cgroup: why (fix); uid: why (fix)" by its parts. */
static void put_gaps(struct nf_json_out *o, const char *missing)
{
    nf_json_out_key(o, "gaps");
    nf_json_out_array(o);
    while (*missing) {
        const char *end = strstr(missing, "); ");
        size_t n = end ? (size_t)(end - missing) + 1 : strlen(missing);
        nf_web_put_saying(o, &nf_sandbox_sayings, (struct nf_slice){ missing, n });
        missing += n + (end ? sizeof("; ") - 1 : 0);
    }
    nf_json_out_end(o);
}

void nf_skill_wiring_health(const struct nf_skill_wiring *s, struct nf_json_out *o)
{
    const char *missing = s->warden ? nf_warden_missing(s->warden) : s->why.msg;
    nf_json_out_key(o, "sandbox");
    nf_json_out_object(o);
    nf_json_put_str(o, "level", s->warden ? nf_warden_level(s->warden) : "none");
    nf_json_put_str(o, "missing", missing);
    put_gaps(o, missing);
    nf_json_out_end(o);
}

void nf_skill_wiring_done(struct nf_skill_wiring *s)
{
    struct nf_err ignored;

    nf_skill_tools_free(s->tools);
    nf_warden_free(s->warden);
    if (s->logs && nf_skill_logs_flush(s->logs, &ignored) != NF_OK)
        nf_log_debug("skills.logs.lost", "err", ignored.msg, NULL);
    nf_catalogue_free(s->catalogue);
    nf_http_client_free(s->http);
    nf_workspaces_free(s->workspaces);
    nf_skill_logs_free(s->logs);
    nf_executor_free(s->sessions);
    nf_executor_free(s->files);
    nf_str_done(&s->data_dir);
    nf_str_done(&s->dir);
    nf_str_done(&s->bundled_dir);
}
