#define _GNU_SOURCE
#include "cport.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

int cport_tap_set_persistent(int fd, int on) { return ioctl(fd, TUNSETPERSIST, (unsigned long)on) < 0 ? -errno : 0; }

int cport_tap_set_carrier(int fd, int on) { return ioctl(fd, TUNSETCARRIER, &on) < 0 ? -errno : 0; }

int cport_tap_is_up(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int n = poll(&p, 1, 0);
    if (n < 0) return -errno;
    if (p.revents & (POLLERR | POLLNVAL)) return -EBADFD;
    return (p.revents & POLLOUT) != 0;
}

int cport_tap_find_gone(const int *fds, uint8_t *gone, int count) {
    enum { LIMIT = 16384 };
    static _Thread_local struct pollfd polled[LIMIT];
    if (count > LIMIT) return -EINVAL;
    for (int i = 0; i < count; i++) polled[i] = (struct pollfd){.fd = fds[i]};
    if (poll(polled, (nfds_t)count, 0) < 0) return -errno;
    for (int i = 0; i < count; i++) gone[i] = (polled[i].revents & POLLERR) != 0;
    return 0;
}

int64_t cport_raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    return (int64_t)limit.rlim_cur;
}

ssize_t cport_read(int fd, void *buffer, size_t length) {
    ssize_t n = read(fd, buffer, length);
    return n < 0 ? -errno : n;
}

ssize_t cport_write(int fd, const void *buffer, size_t length) {
    ssize_t n = write(fd, buffer, length);
    return n < 0 ? -errno : n;
}

ssize_t cport_writev(int fd, const struct iovec *parts, int count) {
    ssize_t n = writev(fd, parts, count);
    return n < 0 ? -errno : n;
}

int cport_close(int fd) { return close(fd) < 0 ? -errno : 0; }
