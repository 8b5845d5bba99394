#include "tests/attack/world.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_FD 200 /* far above what a program opens by itself */
#define PLUGIN_MAX ((size_t)4 << 20)

static char needle[] = ATTACK_NEEDLE;

static bool listen_somewhere(struct attack_world *w)
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t n = sizeof a;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    w->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(w->listener, (struct sockaddr *)&a, n) != 0 || listen(w->listener, 64) != 0 ||
        getsockname(w->listener, (struct sockaddr *)&a, &n) != 0)
        return false;
    w->orders.port = ntohs(a.sin_port);
    return true;
}

static bool listen_abstractly(struct attack_world *w)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    socklen_t n = attack_abstract_name(&w->orders, &a);
    w->abstract = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(w->abstract, (struct sockaddr *)&a, n) == 0 && listen(w->abstract, 64) == 0;
}

static bool make_ipc(struct attack_world *w)
{
    int key = ATTACK_KEY(&w->orders);
    w->shm = shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0600);
    w->sem = semget(key, 1, IPC_CREAT | IPC_EXCL | 0600);
    w->msg = msgget(key, IPC_CREAT | IPC_EXCL | 0600);
    return w->shm >= 0 && w->sem >= 0 && w->msg >= 0;
}

static int make(const struct attack_world *w, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", w->orders.dir, name);
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_TRUNC, 0666);
    if (fd >= 0 && (fchmod(fd, 0666) != 0 || write(fd, "secret", 6) != 6)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

void attack_world_restore(const struct attack_world *w)
{
    static const char *const made[] = { "made", "moved", "linked", "pointer", "made-fifo" };
    char path[256];
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", w->orders.dir, made[i]);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof path, "%s/made-dir", w->orders.dir);
    (void)rmdir(path);
    int fd = make(w, "victim");
    if (fd >= 0)
        (void)close(fd);
    (void)lseek(SECRET_FD, 0, SEEK_SET);
}

bool attack_world_new(struct attack_world *w)
{
    *w = (struct attack_world){ .orders = { .magic = ATTACK_MAGIC }, .listener = -1 };
    w->abstract = w->shm = w->sem = w->msg = -1;
    (void)strcpy(w->orders.dir, "/tmp/nf-attack-XXXXXX");
    int fd = mkdtemp(w->orders.dir) ? make(w, "secret") : -1;
    bool ok = fd >= 0 && dup2(fd, SECRET_FD) == SECRET_FD && listen_somewhere(w) &&
              listen_abstractly(w) && make_ipc(w) && chmod(w->orders.dir, 0777) == 0 &&
              setenv(ATTACK_ENV, "hunter2", 1) == 0;
    if (!ok)
        perror("cannot make what attacks aim at");
    if (fd >= 0)
        (void)close(fd);
    w->orders.daemon = getpid();
    w->orders.secret = SECRET_FD;
    w->orders.needle = (int64_t)(uintptr_t)needle;
    attack_world_restore(w);
    return ok;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st, (void)type, (void)f;
    return remove(path);
}

void attack_world_free(struct attack_world *w)
{
    if (w->listener >= 0)
        (void)close(w->listener);
    if (w->abstract >= 0)
        (void)close(w->abstract);
    if (w->shm >= 0)
        (void)shmctl(w->shm, IPC_RMID, NULL);
    if (w->sem >= 0)
        (void)semctl(w->sem, 0, IPC_RMID);
    if (w->msg >= 0)
        (void)msgctl(w->msg, IPC_RMID, NULL);
    (void)close(SECRET_FD);
    if (w->orders.dir[0])
        (void)nftw(w->orders.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

bool attack_world_plugin(struct attack_world *w, const char *from, const char *name,
                         const char *phase, char ret[256])
{
    static char bytes[PLUGIN_MAX];
    FILE *f = fopen(from, "re");
    size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    if (f)
        (void)fclose(f);

    struct attack_orders o = w->orders;
    (void)strncpy(o.name, name, sizeof o.name - 1);
    (void)strncpy(o.phase, phase, sizeof o.phase - 1);
    char *at = memmem(bytes, n, ATTACK_MAGIC, sizeof ATTACK_MAGIC);
    if (!at || (size_t)(at - bytes) + sizeof o > n) {
        (void)fprintf(stderr, "%s: no plugin with orders\n", from);
        return false;
    }
    memcpy(at, &o, sizeof o);

    (void)snprintf(ret, 256, "%s/plugin-%zu.so", w->orders.dir, w->made++);
    f = fopen(ret, "we");
    bool ok = f && fwrite(bytes, 1, n, f) == n;
    return (f && fclose(f) == 0) && ok && chmod(ret, 0755) == 0;
}

const char *attack_outcome(long r)
{
    const char *name = r < 0 ? strerrorname_np((int)-r) : NULL;
    if (r == ATTACK_UNTOLD)
        return "not carried out";
    return r > 0 ? "worked" : r == 0 ? "nothing" : name ? name : "unknown";
}
