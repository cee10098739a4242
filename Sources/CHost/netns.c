#define _GNU_SOURCE
#include "chost.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

int chost_netns_run(int namespace_fd, int (*body)(void *), void *context) {
    if (namespace_fd < 0) return body(context);
    int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (home < 0) return -errno;
    if (setns(namespace_fd, CLONE_NEWNET) < 0) {
        int error = -errno;
        close(home);
        return error;
    }
    int result = body(context);
    if (setns(home, CLONE_NEWNET) < 0) abort();
    close(home);
    return result;
}

/* Making or removing a binding happens on a thread of its own, which gives up its share of the process's file-system
 * state to be allowed into another mount namespace, and ends afterwards. */
struct binding {
    const char *directory, *path, *mark;
    int make, result;
    int namespace_fd; /* what is bound; -1: a new one */
};

/* Enters the mount namespace of process 1 when it is another than ours (a service with ProtectSystem= has its own, and
 * mounts made there would stay there). Not being allowed to look is not an error: then ours is the one to use. */
static int enter_host_mounts(void) {
    struct stat own, host;
    if (stat("/proc/self/ns/mnt", &own) < 0 || stat("/proc/1/ns/mnt", &host) < 0) return 0;
    if (own.st_ino == host.st_ino && own.st_dev == host.st_dev) return 0;
    int fd = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    int error = 0;
    if (unshare(CLONE_FS) < 0 || setns(fd, CLONE_NEWNS) < 0) error = -errno;
    close(fd);
    return error;
}

static int share_directory(const char *directory) {
    if (mkdir(directory, 0755) < 0 && errno != EEXIST) return -errno;
    if (mount("", directory, "none", MS_SHARED | MS_REC, NULL) == 0) return 0;
    if (errno != EINVAL) return -errno;
    /* Not a mount point yet: bind it to itself, then share. As ip-netns(8). */
    if (mount(directory, directory, "none", MS_BIND | MS_REC, NULL) < 0) return -errno;
    return mount("", directory, "none", MS_SHARED | MS_REC, NULL) < 0 ? -errno : 0;
}

/* Makes the file `path` with `text` in it: there as a whole or not at all. */
static int place(const char *directory, const char *path, const char *text) {
    int fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0444);
    if (fd < 0) return -errno;
    char link[64];
    snprintf(link, sizeof link, "/proc/thread-self/fd/%d", fd);
    ssize_t length = (ssize_t)strlen(text);
    int error = 0;
    if (write(fd, text, (size_t)length) != length || linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0)
        error = errno ? -errno : -EIO;
    close(fd);
    return error;
}

static int make(const char *directory, const char *path, const char *mark) {
    int error = share_directory(directory);
    if (error < 0) return error;
    if (unshare(CLONE_NEWNET) < 0) return -errno;
    error = chost_link_set(-1, "lo", NULL, 0, 0, mark, NULL);
    if (error < 0) return error;
    error = place(directory, path, mark);
    if (error < 0) return error;
    if (mount("/proc/thread-self/ns/net", path, "none", MS_BIND, NULL) < 0) {
        error = -errno;
        unlink(path);
        return error;
    }
    return 0;
}

static int bind_old(int namespace_fd, const char *directory, const char *path, const char *mark) {
    char source[64];
    snprintf(source, sizeof source, "/proc/thread-self/fd/%d", namespace_fd);
    int error = share_directory(directory);
    if (error == 0) error = place(directory, path, mark);
    if (error < 0) return error;
    if (mount(source, path, "none", MS_BIND, NULL) == 0) return 0;
    error = -errno;
    unlink(path);
    return error;
}

static int take_away(const char *path) {
    if (umount2(path, MNT_DETACH) < 0 && errno != EINVAL) return -errno;
    return unlink(path) < 0 ? -errno : 0;
}

static void *binding_thread(void *argument) {
    struct binding *b = argument;
    b->result = enter_host_mounts();
    if (b->result < 0) return NULL;
    if (!b->make)
        b->result = take_away(b->path);
    else if (b->namespace_fd >= 0)
        b->result = bind_old(b->namespace_fd, b->directory, b->path, b->mark);
    else
        b->result = make(b->directory, b->path, b->mark);
    return NULL;
}

static int on_own_thread(struct binding *b) {
    pthread_t thread;
    int error = pthread_create(&thread, NULL, binding_thread, b);
    if (error) return -error;
    pthread_join(thread, NULL);
    return b->result;
}

int chost_netns_make(const char *directory, const char *path, const char *mark) {
    struct binding b = {.directory = directory, .path = path, .mark = mark, .make = 1, .namespace_fd = -1};
    return on_own_thread(&b);
}

int chost_netns_bind(int namespace_fd, const char *directory, const char *path, const char *mark) {
    struct binding b = {.directory = directory, .path = path, .mark = mark, .make = 1, .namespace_fd = namespace_fd};
    return on_own_thread(&b);
}

/* Linux 5.14; absent from older headers. */
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static int cookie_here(void *context) {
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    socklen_t size = sizeof(uint64_t);
    if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, context, &size) < 0) *(uint64_t *)context = 0;
    close(fd);
    return 0;
}

int chost_netns_identify(int namespace_fd, struct chost_netns_identity *identity) {
    struct stat file;
    if ((namespace_fd < 0 ? stat("/proc/thread-self/ns/net", &file) : fstat(namespace_fd, &file)) < 0) return -errno;
    *identity = (struct chost_netns_identity){file.st_dev, file.st_ino, 0};
    return chost_netns_run(namespace_fd, cookie_here, &identity->cookie);
}

int chost_netns_abandoned(const char *path, char *mark, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0) return -errno;
    struct statfs system;
    struct stat file;
    int result = -EINVAL;
    if (fstatfs(fd, &system) < 0 || fstat(fd, &file) < 0) {
        result = -errno;
    } else if (system.f_type == 0x6e736673 /* NSFS_MAGIC, linux/magic.h */) {
        result = 0;
    } else if (S_ISREG(file.st_mode)) {
        ssize_t length = read(fd, mark, size - 1);
        result = length < 0 ? -errno : 1;
        mark[length < 0 ? 0 : length] = 0;
    }
    close(fd);
    return result;
}

int chost_netns_remove(const char *path) {
    struct binding b = {.path = path};
    return on_own_thread(&b);
}

/* The thread that unshares ends at once; the descriptor keeps the namespace. */
static void *unshare_thread(void *result) {
    int fd = unshare(CLONE_NEWNET) < 0 ? -errno : open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    *(int *)result = fd == -1 ? -errno : fd;
    return NULL;
}

int chost_netns_private(void) {
    pthread_t thread;
    int result = -EAGAIN;
    int error = pthread_create(&thread, NULL, unshare_thread, &result);
    if (error) return -error;
    pthread_join(thread, NULL);
    return result;
}
