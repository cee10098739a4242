#define _GNU_SOURCE
#include "cport.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct sysctl {
    const char *path;
    const char *value;
};

static int write_here(void *context) {
    struct sysctl *s = context;
    int fd = open(s->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    ssize_t length = (ssize_t)strlen(s->value);
    int result = write(fd, s->value, (size_t)length) == length ? 0 : -errno;
    close(fd);
    return result;
}

int cport_sysctl_interface(int namespace_fd, const char *family, const char *name, const char *key, const char *value) {
    char path[160];
    if (strlen(name) >= IFNAMSIZ) return -ENAMETOOLONG;
    if (strchr(name, '/')) return -EINVAL;
    int n = snprintf(path, sizeof path, "/proc/sys/net/%s/conf/%s/%s", family, name, key);
    if (n < 0 || (size_t)n >= sizeof path) return -ENAMETOOLONG;
    struct sysctl s = {path, value};
    return cport_netns_run(namespace_fd, write_here, &s);
}
