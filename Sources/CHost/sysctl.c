#define _GNU_SOURCE
#include "chost.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct writing {
    const char *path;
    const char *value;
};

static int write_here(void *context) {
    struct writing *s = context;
    int fd = open(s->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    ssize_t length = (ssize_t)strlen(s->value);
    int result = write(fd, s->value, (size_t)length) == length ? 0 : -errno;
    close(fd);
    return result;
}

struct reading {
    const char *path;
    char *value;
    size_t size;
};

static int read_here(void *context) {
    struct reading *r = context;
    int fd = open(r->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    ssize_t length = read(fd, r->value, r->size - 1);
    int result = length < 0 ? -errno : (int)length;
    r->value[length < 0 ? 0 : length] = 0;
    close(fd);
    return result;
}

int chost_sysctl_read(int namespace_fd, const char *name, char *value, size_t size) {
    char path[160];
    int n = snprintf(path, sizeof path, "/proc/sys/net/%s", name);
    if (n < 0 || (size_t)n >= sizeof path) return -ENAMETOOLONG;
    struct reading r = {path, value, size};
    return chost_netns_run(namespace_fd, read_here, &r);
}

int chost_sysctl_interface(int namespace_fd, const char *family, const char *name, const char *key, const char *value) {
    char path[160];
    if (strlen(name) >= IFNAMSIZ) return -ENAMETOOLONG;
    if (strchr(name, '/')) return -EINVAL;
    int n = snprintf(path, sizeof path, "/proc/sys/net/%s/conf/%s/%s", family, name, key);
    if (n < 0 || (size_t)n >= sizeof path) return -ENAMETOOLONG;
    struct writing s = {path, value};
    return chost_netns_run(namespace_fd, write_here, &s);
}
