/* nexflowd: the daemon. */
#include "cmd/nexflowd/daemon.h"
#include "observe/log.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "Usage: nexflowd [--config FILE] [--link]\n"
    "\n"
    "The Nexflow daemon. It runs in the foreground and logs to standard error.\n"
    "\n"
    "  -c, --config FILE  configuration; without it " NF_CONFIG_DEFAULT_PATH " if it is there,\n"
    "                     else defaults\n"
    "  -l, --link         once ready, print a one-time link for the owner\n"
    "  -V, --version      print the version\n"
    "  -h, --help         print this\n"
    "\n"
    "Signals: TERM and INT stop it (turns finish or are parked), HUP reloads the configuration.\n"
    "Exit status: 0 stopped as asked, 1 could not start or broke, 2 wrong use.\n"
    "`nexflow doctor` says what is wrong and how to mend it.\n";

static int fail(const struct nf_err *err)
{
    (void)fprintf(stderr, "nexflowd: %s\n", err->msg);
    return 1;
}

static int run(const struct nf_daemon_options *o)
{
    struct nf_daemon_config config;
    struct nf_err err;
    if (nf_daemon_config_load(o->config_path, &config, &err) != NF_OK)
        return fail(&err);
    nf_log_setup(STDERR_FILENO, (enum nf_log_level)(config.log.level + 1),
                 (enum nf_log_format)config.log.format);
    /* Whatever we create is for us alone. */
    (void)umask(077);
    enum nf_code rc = nf_daemon_run(o, &config, &err);
    nf_daemon_config_done(&config);
    return rc == NF_OK ? 0 : fail(&err);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "link", no_argument, NULL, 'l' },
        { "version", no_argument, NULL, 'V' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct nf_daemon_options o = { 0 };
    for (int c; (c = getopt_long(argc, argv, "c:lVh", options, NULL)) != -1;) {
        switch (c) {
        case 'c':
            o.config_path = optarg;
            break;
        case 'l':
            o.print_link = true;
            break;
        case 'V':
            return puts("nexflowd " NF_VERSION) < 0;
        case 'h':
            return fputs(usage, stdout) < 0;
        default:
            (void)fputs(usage, stderr);
            return 2;
        }
    }
    if (optind != argc) {
        (void)fputs(usage, stderr);
        return 2;
    }
    return run(&o);
}
