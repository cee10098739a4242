#define _GNU_SOURCE
#include "cport.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int cport_poll_open(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int cport_poll_set(int poll_fd, int fd, uint32_t token, uint32_t interest) {
    struct epoll_event e = {.data.u32 = token};
    e.events = (interest & CPORT_READABLE ? EPOLLIN : 0u) | (interest & CPORT_WRITABLE ? EPOLLOUT : 0u);
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &e) == 0) return 0;
    if (errno != EEXIST) return -errno;
    return epoll_ctl(poll_fd, EPOLL_CTL_MOD, fd, &e) < 0 ? -errno : 0;
}

int cport_poll_remove(int poll_fd, int fd) {
    return epoll_ctl(poll_fd, EPOLL_CTL_DEL, fd, NULL) < 0 ? -errno : 0;
}

int cport_poll_wait(int poll_fd, struct cport_event *events, int capacity, int64_t timeout_ns) {
    struct epoll_event ready[64];
    int most = capacity < 64 ? capacity : 64;
    int n = -1;
    errno = ENOSYS;
    if (timeout_ns > 0 && timeout_ns % 1000000 != 0) {
        struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
        n = epoll_pwait2(poll_fd, ready, most, &timeout, NULL); /* Linux 5.11 */
    }
    if (n < 0 && errno == ENOSYS) {
        int64_t ms = timeout_ns < 0 ? -1 : (timeout_ns + 999999) / 1000000;
        n = epoll_wait(poll_fd, ready, most, ms > INT_MAX ? INT_MAX : (int)ms);
    }
    if (n < 0) return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < n; i++) {
        uint32_t e = ready[i].events;
        events[i].token = ready[i].data.u32;
        events[i].ready = (e & EPOLLIN ? CPORT_READABLE : 0u) | (e & EPOLLOUT ? CPORT_WRITABLE : 0u) |
                          (e & (EPOLLERR | EPOLLHUP) ? CPORT_FAILED : 0u);
    }
    return n;
}

int cport_wake_open(void) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

void cport_wake_signal(int fd) {
    uint64_t one = 1;
    (void)!write(fd, &one, sizeof one); /* full means that the poller has not looked yet: it will */
}

void cport_wake_clear(int fd) {
    uint64_t count;
    (void)!read(fd, &count, sizeof count);
}

void cport_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

uint64_t cport_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t cport_thread_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t cport_monotonic_ms(void) { return cport_monotonic_ns() / 1000000; }
