#define _GNU_SOURCE
#include "chost.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* From linux/mount.h, which does not go together with sys/mount.h. */
struct read_only {
    uint64_t set, clear, propagation, userns;
};
enum { RECURSIVE = 0x8000, ATTRIBUTE_READ_ONLY = 1 };

/* What the shell of a tenant keeps: it configures its own network namespace, and that is all. */
static const int kept[] = {CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE};
enum { KEPT = sizeof kept / sizeof *kept, NOGROUP = 65534 };

/* Everything from here to execve runs in the child of a process with threads: only what signal-safety(7) allows. */

static int fresh(const char *path, const char *options) {
    return mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options);
}

static void write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return;
    if (write(fd, text, strlen(text)) < 0) errno = 0;
    close(fd);
}

/* The file system as a tenant may see it: nothing can be written but /tmp, and what could lead to another namespace
 * (names of namespaces, sockets of services, processes of the host) is covered. */
static int close_off(const struct chost_shell *shell) {
    struct read_only attributes = {.set = ATTRIBUTE_READ_ONLY};
    /* Without it the modes of the files alone keep a stranger from writing. */
    syscall(SYS_mount_setattr, -1, "/", RECURSIVE, &attributes, sizeof attributes);
    if (fresh("/run", "mode=755,size=1m") < 0 || fresh("/tmp", "mode=1777,size=64m") < 0) return -1;
    fresh("/var/tmp", "mode=1777,size=16m");
    fresh("/dev/shm", "mode=1777,size=16m");
    /* A user who is not root is not given the directories of administrators' programs. */
    write_file("/tmp/.profile", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
    write_file("/run/passwd", shell->users);
    mount("/run/passwd", "/etc/passwd", NULL, MS_BIND, NULL);
    for (const char *const *hidden = shell->hidden; *hidden; hidden++) {
        if (fresh(*hidden, "mode=700,size=4k") < 0 && errno != ENOENT) return -1;
    }
    return 0;
}

/* A user that owns nothing, with three capabilities that outlive execve. */
static int give_up(uid_t user) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}};
    for (int i = 0; i < KEPT; i++) {
        data[kept[i] / 32].effective |= 1u << kept[i] % 32;
        data[kept[i] / 32].permitted |= 1u << kept[i] % 32;
        data[kept[i] / 32].inheritable |= 1u << kept[i] % 32;
    }
    for (int capability = 0; capability < 64; capability++) {
        int is_kept = 0;
        for (int i = 0; i < KEPT; i++) is_kept |= kept[i] == capability;
        if (is_kept || prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != 1) continue;
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) return -1;
    }
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) return -1;
    /* The system calls themselves: glibc's would tell other threads, which this child does not have. */
    if (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, NOGROUP, NOGROUP, NOGROUP) < 0 ||
        syscall(SYS_setresuid, user, user, user) < 0)
        return -1;
    if (syscall(SYS_capset, &header, data) < 0) return -1;
    for (int i = 0; i < KEPT; i++) {
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept[i], 0, 0) < 0) return -1;
    }
    struct rlimit processes = {128, 128}, cores = {0, 0};
    if (setrlimit(RLIMIT_NPROC, &processes) < 0 || setrlimit(RLIMIT_CORE, &cores) < 0) return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Returns only when something failed; `errno` says what. */
static void become(const struct chost_shell *shell, int namespace_fd, int slave) {
    if (setns(namespace_fd, CLONE_NEWNET) < 0) return;
    if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) < 0) return;
    for (int fd = 0; fd < 3; fd++) {
        if (dup2(slave, fd) < 0) return;
    }
    syscall(SYS_close_range, 4u, ~0u, 0u); /* 3 tells the parent of a failure, and closes on exec */
    /* Where a service may not rename its host, the name stays the host's. */
    if (sethostname(shell->hostname, strlen(shell->hostname)) < 0) errno = 0;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return;
    /* When memory is short, a shell goes before the switch. */
    write_file("/proc/self/oom_score_adj", "1000");
    int is_confined = shell->confined_to != 0;
    if (is_confined && close_off(shell) < 0) return;
    if (is_confined && mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) return;
    /* /sys shows the interfaces of the namespace in which it was mounted. */
    if (mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | (is_confined ? MS_RDONLY : 0), NULL) < 0) {
        errno = 0;
    }
    if (is_confined && (fchown(0, shell->confined_to, (gid_t)-1), give_up(shell->confined_to)) < 0) return;
    if (chdir("/") < 0) return;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int number = 1; number < 32; number++) signal(number, SIG_DFL);
    execve(shell->path, shell->arguments, shell->environment);
}

int chost_shell_start(const struct chost_shell *shell, int namespace_fd, uint16_t rows, uint16_t columns, pid_t *pid) {
    int report[2];
    char name[64];
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (master < 0) return -errno;
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    int slave = -1, error = 0;
    if (grantpt(master) < 0 || unlockpt(master) < 0 || ptsname_r(master, name, sizeof name) != 0 ||
        (slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0 || ioctl(master, TIOCSWINSZ, &size) < 0 ||
        pipe2(report, O_CLOEXEC) < 0) {
        error = -errno;
        if (slave >= 0) close(slave);
        close(master);
        return error;
    }
    unsigned long flags = CLONE_NEWNS | CLONE_NEWUTS | SIGCHLD;
    if (shell->confined_to) flags |= CLONE_NEWPID | CLONE_NEWIPC;
    /* All signals wait, so that no handler of ours runs in the child. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    /* As fork(2); glibc's would run handlers that wait for locks of other threads. */
    pid_t child = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
    if (child == 0) {
        /* Out of the way of 0 to 3. */
        int terminal = fcntl(slave, F_DUPFD_CLOEXEC, 10), network = fcntl(namespace_fd, F_DUPFD_CLOEXEC, 10);
        int speaker = fcntl(report[1], F_DUPFD_CLOEXEC, 10);
        if (terminal >= 0 && network >= 0 && speaker >= 0 && dup3(speaker, 3, O_CLOEXEC) == 3)
            become(shell, network, terminal);
        int32_t cause = errno;
        _exit(write(3, &cause, sizeof cause) < 0 ? 126 : 127);
    }
    error = child < 0 ? -errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(slave);
    close(report[1]);
    if (error == 0) {
        int32_t cause = 0;
        ssize_t count;
        while ((count = read(report[0], &cause, sizeof cause)) < 0 && errno == EINTR) {}
        if (count == sizeof cause) {
            while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
            error = cause ? -cause : -EIO;
        }
    }
    close(report[0]);
    if (error < 0) {
        close(master);
        return error;
    }
    *pid = child;
    return master;
}

int chost_terminal_resize(int fd, uint16_t rows, uint16_t columns) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    return ioctl(fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

int chost_shell_end(pid_t pid, int patience_ms) {
    int status = 0;
    /* A shell that is on its way out by itself is given the time. */
    for (int waited = 0; waited <= patience_ms; waited += 10) {
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid) goto over;
        if (ended < 0 && errno != EINTR) return -errno;
        if (waited == 0) kill(-pid, SIGHUP);
        struct timespec pause = {0, 10 * 1000 * 1000};
        nanosleep(&pause, NULL);
    }
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) return -errno;
    }
over:
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int chost_serial_open(const char *path) {
    int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return -errno;
    struct termios form;
    if (tcgetattr(fd, &form) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    cfmakeraw(&form);
    form.c_cflag |= CLOCAL | CREAD;
    if (tcsetattr(fd, TCSANOW, &form) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

int chost_serial_break(int fd) { return tcsendbreak(fd, 0) < 0 ? -errno : 0; }
