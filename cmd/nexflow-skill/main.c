/* nexflow-skill: the processes of plugins. Started by nexflowd, and of no use to people. */
#include "cmd/nexflow-skill/roles.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#ifdef __SANITIZE_ADDRESS__
/* Looking for leaks and for names of functions takes system calls that a worker does not have. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:symbolize=0";
}
#endif

static bool is_control(int fd)
{
    int type = 0;
    socklen_t n = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_SEQPACKET;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return printf("nexflow-skill %s\n", NF_VERSION) < 0;
    if (argc < 2 || strcmp(argv[1], "warden") != 0 || !is_control(NF_CONTROL_FD)) {
        (void)fprintf(stderr,
                      "nexflow-skill is started by nexflowd. See `nexflow skill --help`.\n");
        return 2;
    }
    return warden_run((const char *const *)(void *)(argv + 2));
}
