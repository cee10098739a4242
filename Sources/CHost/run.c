#define _GNU_SOURCE
#include "chost.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct run {
    char *const *arguments;
    const int *files; /* of standard input and output */
    pid_t pid;
};

static char *const environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};

/* The child is in the namespace of the thread that makes it. */
static int spawn_here(void *context) {
    struct run *r = context;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, pipe_only;
    sigemptyset(&none);
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, r->files[0], 0);
    posix_spawn_file_actions_adddup2(&files, r->files[1], 1);
    posix_spawn_file_actions_adddup2(&files, r->files[1], 2);
    posix_spawn_file_actions_addclosefrom_np(&files, 3); /* whatever libraries left open */
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &pipe_only);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawn(&r->pid, r->arguments[0], &files, &attributes, r->arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return -error;
}

/* Takes what the child says until it closes its output. Kills one that takes longer than `timeout_ms` between two
 * words. */
static int listen_to(pid_t pid, int fd, char *output, size_t capacity, int timeout_ms) {
    size_t length = 0;
    for (;;) {
        char rest[512];
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, timeout_ms);
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) {
            kill(pid, SIGKILL);
            return ready < 0 ? -errno : -ETIMEDOUT;
        }
        ssize_t n = read(fd, rest, sizeof rest);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        size_t room = capacity - 1 - length, taken = (size_t)n < room ? (size_t)n : room;
        memcpy(output + length, rest, taken);
        length += taken;
        output[length] = 0;
    }
    return 0;
}

int chost_run(int namespace_fd, char *const *arguments, const char *input, char *output, size_t capacity, int timeout_ms) {
    int in[2], out[2];
    output[0] = 0;
    ssize_t size = (ssize_t)strlen(input);
    if (size > 60000) return -E2BIG; /* it must fit the pipe, since nobody reads yet */
    if (pipe2(in, O_CLOEXEC) < 0) return -errno;
    if (pipe2(out, O_CLOEXEC) < 0) {
        int error = -errno;
        close(in[0]);
        close(in[1]);
        return error;
    }
    int result = write(in[1], input, (size_t)size) == size ? 0 : -EIO;
    close(in[1]);
    int files[2] = {in[0], out[1]};
    struct run r = {arguments, files, -1};
    if (result == 0) result = chost_netns_run(namespace_fd, spawn_here, &r);
    close(in[0]);
    close(out[1]);
    if (result == 0) {
        int status = 0;
        result = listen_to(r.pid, out[0], output, capacity, timeout_ms);
        while (waitpid(r.pid, &status, 0) < 0 && errno == EINTR) {}
        if (result == 0) result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    close(out[0]);
    return result;
}

enum { NOBODY = 65534 };

int chost_give_up_rights(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0}};
    struct rlimit cores = {0, 0};
    if (geteuid() == 0 || getuid() != NOBODY) {
        if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
            return -errno;
    }
    /* Of a user who was not root they outlive the change. */
    if (syscall(SYS_capset, &header, none) < 0) return -errno;
    if (setrlimit(RLIMIT_CORE, &cores) < 0) return -errno;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}
