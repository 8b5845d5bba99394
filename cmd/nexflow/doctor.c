/* nexflow doctor: one line per check. Changes nothing. */
#include "cmd/nexflow/doctor.h"
#include "llm/router.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PROBE_MS 10000
#define OURS "nexflow "
#define MIB 1048576UL
#define DISK_LOW_MIB 500
#define DISK_FULL_MIB 50
#define CLOCK_EARLIEST_MS                                                                          \
    INT64_C(1767225600000) /* 2026-01-01: no right clock is before our making */
#define LOOP_LATE_MS 250
/* A command of ours mends what was looked at, and not what the default configuration has. */
static void put_fix(struct nf_doctor_check *c, const char *fix, const char *config)
{
    bool ours = config && strncmp(fix, OURS, sizeof(OURS) - 1) == 0;

    if (ours)
        (void)snprintf(c->fix, sizeof(c->fix), OURS "--config %s %s", config,
                       fix + sizeof(OURS) - 1);
    else
        (void)snprintf(c->fix, sizeof(c->fix), "%s", fix);
}

void nf_doctor_note(struct nf_doctor *d, const char *name, enum nf_doctor_state state,
                    const char *cause, const char *fix)
{
    if (d->n == NF_DOCTOR_CHECKS_MAX)
        return;
    struct nf_doctor_check *c = &d->checks[d->n++];
    c->state = state;
    (void)snprintf(c->name, sizeof(c->name), "%s", name);
    (void)snprintf(c->cause, sizeof(c->cause), "%s", cause);
    put_fix(c, state == NF_DOCTOR_FINE ? "" : fix, d->cli->config_path);
}

static bool check_config(struct nf_doctor *d)
{
    const struct nf_cli *cli = d->cli;
    if (cli->config_rc != NF_OK) { /* the daemon may have variables that are missing here */
        nf_doctor_note(d, "configuration", cli->bare ? NF_DOCTOR_WARNING : NF_DOCTOR_BROKEN,
                       cli->config_err.msg, "nexflow config check");
        return cli->bare;
    }
    const char *path = cli->config_path ? cli->config_path : NF_CONFIG_DEFAULT_PATH;
    nf_doctor_note(d, "configuration", NF_DOCTOR_FINE,
                   access(path, F_OK) == 0 ? path : "defaults: there is no file", "");
    return true;
}

static void check_data_dir(struct nf_doctor *d, const char *dir)
{
    struct stat st;
    struct statvfs fs;
    char fix[200], cause[160];
    if (stat(dir, &st) != 0) {
        nf_doctor_note(d, "data directory", NF_DOCTOR_WARNING, "it is not there yet",
                       "nexflowd creates it");
        return;
    }
    (void)snprintf(fix, sizeof(fix), "chmod 0700 %s", dir);
    if ((st.st_mode & 077) != 0)
        nf_doctor_note(d, "data directory", NF_DOCTOR_WARNING, "others may look into it", fix);
    else if (access(dir, W_OK) != 0)
        nf_doctor_note(d, "data directory", NF_DOCTOR_BROKEN, "it cannot be written to", fix);
    else
        nf_doctor_note(d, "data directory", NF_DOCTOR_FINE, dir, "");

    if (statvfs(dir, &fs) != 0) {
        nf_doctor_note(d, "disk", NF_DOCTOR_WARNING, strerror(errno), "df -h");
        return;
    }
    long long mib = (long long)(fs.f_bavail * fs.f_frsize / MIB);
    (void)snprintf(cause, sizeof(cause), "%lld MiB free", mib);
    (void)snprintf(fix, sizeof(fix), "free space on the file system of %s", dir);
    nf_doctor_note(d, "disk",
                   mib < DISK_FULL_MIB  ? NF_DOCTOR_BROKEN
                   : mib < DISK_LOW_MIB ? NF_DOCTOR_WARNING
                                        : NF_DOCTOR_FINE,
                   cause, fix);
}

static void check_token(struct nf_doctor *d, const char *dir)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    struct nf_err err;
    struct stat st;
    char fix[256];
    if (nf_str_addf(&path, &err, "%s/owner-token", dir) != NF_OK || stat(nf_str_c(&path), &st) != 0)
        return;
    (void)snprintf(fix, sizeof(fix), "chmod 600 %s", nf_str_c(&path));
    nf_doctor_note(d, "owner's token", (st.st_mode & 077) != 0 ? NF_DOCTOR_BROKEN : NF_DOCTOR_FINE,
                   (st.st_mode & 077) != 0 ? "others can read it" : "readable by its owner only",
                   fix);
}

static void check_clock(struct nf_doctor *d)
{
    bool right = nf_system_clock()->now_ms(nf_system_clock()) >= CLOCK_EARLIEST_MS;
    nf_doctor_note(d, "clock", right ? NF_DOCTOR_FINE : NF_DOCTOR_BROKEN,
                   right ? "not in the past" : "it is set to a time before this program was made",
                   "timedatectl set-ntp true");
}

static void check_health(struct nf_doctor *d, const struct nf_json *h)
{
    const char *version = nf_json_str(nf_json_get(h, "version"));
    const char *database = nf_json_str(nf_json_get(h, "database"));
    int64_t late = nf_json_i64(nf_json_get(h, "loop_delay_ms"), 0);
    char cause[160];
    (void)snprintf(cause, sizeof(cause), "version %s answers", version ? version : "?");
    bool same = version && strcmp(version, NF_VERSION) == 0;
    nf_doctor_note(d, "daemon", same ? NF_DOCTOR_FINE : NF_DOCTOR_WARNING, cause,
                   "restart nexflowd: it is of another version than this program");
    bool whole = database && strcmp(database, "ok") == 0;
    nf_doctor_note(d, "database", whole ? NF_DOCTOR_FINE : NF_DOCTOR_BROKEN,
                   database ? database : "no answer",
                   "nexflow backup verify a copy, and look at nexflowd's log");
    const char *redis = nf_json_str(nf_json_get(h, "redis"));
    if (redis)
        nf_doctor_note(d, "redis", strcmp(redis, "ok") == 0 ? NF_DOCTOR_FINE : NF_DOCTOR_WARNING,
                       redis,
                       "start it, or correct redis.url; until then each instance counts and looks "
                       "up for itself");
    const char *config = nf_json_str(nf_json_get(h, "config"));
    if (config && strcmp(config, "ok") != 0)
        nf_doctor_note(d, "running settings", NF_DOCTOR_WARNING,
                       "the daemon refused the configuration when it was last reloaded",
                       "nexflow config check, then SIGHUP to nexflowd; its log has the cause");
    (void)snprintf(cause, sizeof(cause), "%lld ms late", (long long)late);
    nf_doctor_note(d, "event loop", late > LOOP_LATE_MS ? NF_DOCTOR_WARNING : NF_DOCTOR_FINE, cause,
                   "give the machine more processor time");
}

/* Below it no skill runs. */
static const char *min_level(const struct nf_cli *cli)
{
    return nf_skill_level_name(cli->config.skills.min_level);
}

/* What mends a reason why turns cannot be served. */
static const char *mends(const char *reason)
{
    return reason && strncmp(reason, "channel ", 8) == 0 ? "see that channel above" : "nexflow up";
}

/* A model with a small window is not offered every tool, and does not know what it lacks. */
static void check_windows(struct nf_doctor *d)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *models = NULL;
    struct nf_err ignored;

    if (nf_cli_call(d->cli, "GET", "/api/v1/models", NULL, &models, &ignored) != NF_OK)
        return;
    const struct nf_json *list = nf_json_get(nf_json_root(models), "models");
    for (const struct nf_json *m = nf_json_first(list); m; m = nf_json_next(m)) {
        const char *name = nf_json_str(nf_json_get(m, "name"));
        int64_t fit = nf_json_i64(nf_json_get(m, "tools"), 0);
        int64_t left_out = nf_json_i64(nf_json_get(m, "tools_left_out"), 0), all = fit + left_out;
        char cause[240];
        if (!name || left_out <= 0)
            continue;
        (void)snprintf(cause, sizeof(cause),
                       "%.80s: a window of %lld tokens has room for %lld of %lld tools", name,
                       (long long)nf_json_i64(nf_json_get(m, "context_tokens"), 0), (long long)fit,
                       (long long)all);
        nf_doctor_note(d, "tools", NF_DOCTOR_WARNING, cause,
                       "a larger context_tokens, which its server must have too, or nexflow skill "
                       "disable what is not needed");
    }
}

static void check_daemon(struct nf_doctor *d)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *health = NULL;
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *ready = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    struct nf_err err;
    int status;

    if (nf_cli_call(d->cli, "GET", "/health", NULL, &health, &err) != NF_OK) {
        nf_doctor_note(d, "daemon", NF_DOCTOR_BROKEN, err.msg, "nexflowd --link");
        return;
    }
    check_health(d, nf_json_root(health));
    nf_doctor_check_sandbox(d, nf_json_root(health), min_level(d->cli));
    nf_doctor_check_channels(d);
    check_windows(d);
    if (nf_cli_fetch(d->cli, "GET", "/ready", NULL, &status, &text, &err) != NF_OK ||
        nf_json_parse(nf_str_c(&text), text.len, 0, &ready, &err) != NF_OK) {
        nf_doctor_note(d, "ready", NF_DOCTOR_BROKEN, err.msg, "look at nexflowd's log");
        return;
    }
    if (status == 200) {
        nf_doctor_note(d, "ready", NF_DOCTOR_FINE, "turns can be served", "");
        return;
    }
    const struct nf_json *reasons = nf_json_get(nf_json_root(ready), "reasons");
    for (const struct nf_json *r = nf_json_first(reasons); r; r = nf_json_next(r))
        nf_doctor_note(d, "ready", NF_DOCTOR_BROKEN, nf_json_str(r), mends(nf_json_str(r)));
}

static void check_provider(struct nf_doctor *d, const struct nf_llm_provider *p)
{
    NF_CLEANUP(nf_llm_names_done) struct nf_llm_names names = { 0 };
    struct nf_err err;
    char name[96], cause[160];
    const char *url = p->base_url[0] ? p->base_url : NULL;

    (void)snprintf(name, sizeof(name), "provider %s", p->name);
    enum nf_code rc = nf_llm_probe(d->cli->http, (enum nf_llm_type)p->type, url, &p->api_key,
                                   PROBE_MS, &names, &err);
    if (rc != NF_OK) {
        nf_doctor_note(d, name, NF_DOCTOR_BROKEN, err.msg,
                       rc == NF_E_DENIED ? "put a valid api_key into the configuration"
                                         : "see that it runs and that base_url is right");
        return;
    }
    for (size_t i = 0; i < p->models.n; i++) {
        bool there = names.n == 0;
        for (size_t k = 0; k < names.n && !there; k++)
            there = strcmp(names.v[k], p->models.v[i]) == 0;
        if (there)
            continue;
        (void)snprintf(cause, sizeof(cause), "it does not list the model %.80s", p->models.v[i]);
        nf_doctor_note(d, name, NF_DOCTOR_WARNING, cause,
                       "correct llm.providers in the configuration");
        return;
    }
    (void)snprintf(cause, sizeof(cause), "answers, %zu models", names.n);
    nf_doctor_note(d, name, NF_DOCTOR_FINE, cause, "");
}

static void check_providers(struct nf_doctor *d)
{
    const struct nf_setting_list *list = &d->cli->config.llm.providers;
    const struct nf_llm_provider *v = list->v;
    if (list->n == 0)
        nf_doctor_note(d, "language models", NF_DOCTOR_BROKEN, "none is configured", "nexflow up");
    for (size_t i = 0; i < list->n; i++)
        check_provider(d, &v[i]);
}

static int print_text(const struct nf_doctor *d, enum nf_doctor_state worst)
{
    static const char *const marks[] = { "ok   ", "warn ", "FAIL " };
    for (size_t i = 0; i < d->n; i++) {
        const struct nf_doctor_check *c = &d->checks[i];
        nf_cli_print(stdout, "%s %-20s %s%s%s\n", marks[c->state], c->name, c->cause,
                     c->fix[0] ? "\n                           -> " : "", c->fix);
    }
    return (int)worst;
}

static int print_json(const struct nf_doctor *d, enum nf_doctor_state worst)
{
    static const char *const names[] = { "ok", "warning", "broken" };
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    struct nf_json_out o;
    struct nf_err err;
    nf_json_begin_doc(&o, &text);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "state", names[worst]);
    nf_json_out_key(&o, "checks");
    nf_json_out_array(&o);
    for (size_t i = 0; i < d->n; i++) {
        const struct nf_doctor_check *c = &d->checks[i];
        nf_json_out_object(&o);
        nf_json_put_str(&o, "name", c->name);
        nf_json_put_str(&o, "state", names[c->state]);
        nf_json_put_str(&o, "cause", c->cause);
        if (c->fix[0])
            nf_json_put_str(&o, "fix", c->fix);
        nf_json_out_end(&o);
    }
    nf_json_out_end(&o);
    nf_json_out_end(&o);
    if (nf_json_end_doc(&o, &err) != NF_OK)
        return nf_cli_fail(&err);
    (void)puts(nf_str_c(&text));
    return (int)worst;
}

static int run_doctor(struct nf_cli *cli, int argc, char **argv)
{
    struct nf_doctor d = { .cli = cli };
    NF_CLEANUP(nf_str_done) struct nf_str dir = { 0 };
    struct nf_err err;
    enum nf_doctor_state worst = NF_DOCTOR_FINE;
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;

    if (argc > 2 || (argc == 2 && !json))
        return nf_cli_misused(&nf_cli_doctor);
    check_clock(&d);
    if (check_config(&d)) {
        if (nf_daemon_config_data_dir(&cli->config, &dir, &err) == NF_OK) {
            check_data_dir(&d, nf_str_c(&dir));
            check_token(&d, nf_str_c(&dir));
        }
        check_daemon(&d);
        if (!cli->bare)
            check_providers(&d);
    }
    for (size_t i = 0; i < d.n; i++)
        worst = d.checks[i].state > worst ? d.checks[i].state : worst;
    return json ? print_json(&d, worst) : print_text(&d, worst);
}

const struct nf_cli_command nf_cli_doctor = {
    .name = "doctor",
    .usage = "[--json]",
    .help = "say what is wrong and how to mend it",
    .details =
        "One line per check: its state, the cause, and one command that mends it. Changes nothing\n"
        "and costs nothing: providers are asked for their lists of models.\n"
        "\n"
        "Exit status: 0 all is well, 1 there are warnings, 2 something is broken.\n",
    .run = run_doctor,
};
