/* cport: the C of frames: TAPs that are open, rings, polling; chost has the C of administration. One function per
 * system-call sequence that Swift cannot express well; no policy, no state of its own, no allocation that outlives a
 * call. Every function returns a value >= 0, or -errno: `errno` itself is not part of the contract, because Swift
 * may overwrite it before reading it.
 *
 *   tap.c     an open TAP: its cable, whether it is up, what is gone
 *   ring.h    io_uring: batched reads and writes; inline, because a worker calls it per frame
 *   prefetch.h  cache lines that a batch of frames will read
 *   packet.c  sending to any interface of the daemon's own
 *   poll.c    epoll with an integer token per descriptor
 *
 * Descriptors that a function returns belong to the caller. All are close-on-exec. */
#ifndef CPORT_H
#define CPORT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "cport_prefetch.h"
#include "cport_ring.h"

/* ---- tap.c ------------------------------------------------------------------------------------------------------ */

/* Keeps the interface when the descriptor is closed (1), or lets it go with the descriptor (0). */
int cport_tap_set_persistent(int fd, int on);

/* Plugs (1) or pulls (0) the cable. */
int cport_tap_set_carrier(int fd, int on);

/* 1 when the interface is up on the server's side, 0 when it is down, -EBADFD when it is gone. */
int cport_tap_is_up(int fd);

/* Puts 1 into `gone[i]` when the interface of `fds[i]` is gone, else 0. One system call, which takes no lock of the
 * kernel's network. At most 16384. */
int cport_tap_find_gone(const int *fds, uint8_t *gone, int count);

/* Raises the soft limit of open files to the hard one and returns the result. */
int64_t cport_raise_file_limit(void);

/* ---- packet.c --------------------------------------------------------------------------------------------------- */

/* Opens a socket that sends frames to the Ethernet interface `device` of the caller's namespace, and receives none.
 * -ENODEV: there is none of that name; -EMEDIUMTYPE: it is no Ethernet interface. */
int cport_packet_open(const char *device);
/* Sends a frame behind its virtio header of 12 bytes: checksum and segments are left to the interface. Never waits. */
ssize_t cport_packet_write(int fd, const void *frame, size_t length);
/* Whether what a packet socket sends comes out of the TAP `tap`. */
int cport_packet_leads_to(int fd, int tap);

/* ---- poll.c ----------------------------------------------------------------------------------------------------- */

enum { CPORT_READABLE = 1, CPORT_WRITABLE = 2, CPORT_FAILED = 4 };

struct cport_event {
    uint32_t token;
    uint32_t ready; /* CPORT_READABLE, … */
};

int cport_poll_open(void);
/* Watches `fd` for `interest` (level-triggered; CPORT_FAILED always comes), or changes what it is watched for. */
int cport_poll_set(int poll_fd, int fd, uint32_t token, uint32_t interest);
int cport_poll_remove(int poll_fd, int fd);
/* Waits up to `timeout_ns` (-1: for ever). Returns the number of events, 0 also when a signal came. At most 64. A wait
 * that is no whole number of milliseconds is one where the kernel is older than 5.11. */
int cport_poll_wait(int poll_fd, struct cport_event *events, int capacity, int64_t timeout_ns);

/* An event counter that wakes a poller: open, signal from any thread, clear by the owner. */
int cport_wake_open(void);
void cport_wake_signal(int fd);
void cport_wake_clear(int fd);

/* ---- plain input and output ------------------------------------------------------------------------------------- */

ssize_t cport_read(int fd, void *buffer, size_t length);
ssize_t cport_write(int fd, const void *buffer, size_t length);
ssize_t cport_writev(int fd, const struct iovec *parts, int count);
int cport_close(int fd);

/* Names the calling thread, for ps and debuggers; at most 15 bytes. */
void cport_name_thread(const char *name);

/* Milliseconds and nanoseconds of CLOCK_MONOTONIC. */
uint64_t cport_monotonic_ms(void);
uint64_t cport_monotonic_ns(void);

/* Nanoseconds of processor time that the calling thread has used: a system call. */
uint64_t cport_thread_ns(void);

#endif
