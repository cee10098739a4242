/* Hears the stamped frames of an interface, and prints as JSON how many came and how long they took, when it gets SIGTERM or
 * SIGINT. Says "ready" when it hears.
 *
 * The time of arrival is the kernel's own stamp, taken while the switch writes the frame: not when this program comes to run. So
 * the latency is that of the path from the sender's system call to the receiver's interface. Frames that this program is too slow
 * for are counted as missed by the socket; they are not the switch's loss. */
#define _GNU_SOURCE
#include "test_frame.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { batch = 64, most_samples = 1 << 22 };

struct sink {
    int socket;
    uint64_t received, missed;
    uint32_t *latencies; /* nanoseconds, most_samples of them */
    uint64_t samples;
};

static volatile sig_atomic_t stopped;
static void stop(int signal) { (void)signal, stopped = 1; }

static void open_socket(struct sink *s, const char *interface) {
    s->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (s->socket < 0) err(1, "AF_PACKET");
    int on = 1, room = 1 << 23;
    if (setsockopt(s->socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0) err(1, "SO_TIMESTAMPNS");
    setsockopt(s->socket, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    /* A signal that comes just before the wait begins is seen when the wait times out. */
    struct timeval patience = {.tv_usec = 100000};
    setsockopt(s->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    struct sockaddr_ll place = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(stamped_ethertype),
        .sll_ifindex = (int)if_nametoindex(interface),
    };
    if (bind(s->socket, (void *)&place, sizeof place) < 0) err(1, "interface %s", interface);
}

static uint64_t arrival(struct msghdr *message) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
        struct timespec time;
        memcpy(&time, CMSG_DATA(c), sizeof time);
        return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
    }
    return 0;
}

/* The kernel takes an outer tag out of the frame, so the stamp is always at the same place. */
static void take(struct sink *s, const uint8_t *frame, size_t length, struct msghdr *message) {
    struct stamp stamp;
    if (length < 14 + sizeof stamp) return;
    memcpy(&stamp, frame + 14, sizeof stamp);
    uint64_t arrived = arrival(message);
    s->received++;
    if (arrived < stamp.nanoseconds || s->samples == most_samples) return;
    uint64_t latency = arrived - stamp.nanoseconds;
    s->latencies[s->samples++] = latency < UINT32_MAX ? (uint32_t)latency : UINT32_MAX;
}

static void receive(struct sink *s) {
    static uint8_t frames[batch][64];
    static char control[batch][CMSG_SPACE(sizeof(struct timespec))];
    struct mmsghdr messages[batch];
    struct iovec pieces[batch];
    for (int i = 0; i < batch; i++) {
        pieces[i] = (struct iovec){frames[i], sizeof frames[i]};
        messages[i] = (struct mmsghdr){
            .msg_hdr = {.msg_iov = &pieces[i], .msg_iovlen = 1, .msg_control = control[i], .msg_controllen = sizeof control[i]}};
    }
    int count = recvmmsg(s->socket, messages, batch, MSG_WAITFORONE, NULL);
    if (count < 0 && errno != EINTR && errno != EAGAIN && errno != ENETDOWN) err(1, "receiving");
    for (int i = 0; i < count; i++) take(s, frames[i], messages[i].msg_len, &messages[i].msg_hdr);
}

static int ascending(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

static double microseconds(const struct sink *s, double fraction) {
    if (s->samples == 0) return 0;
    return s->latencies[(uint64_t)(fraction * (double)(s->samples - 1))] / 1e3;
}

static void report(struct sink *s) {
    struct tpacket_stats counters = {0};
    socklen_t size = sizeof counters;
    getsockopt(s->socket, SOL_PACKET, PACKET_STATISTICS, &counters, &size);
    qsort(s->latencies, s->samples, sizeof *s->latencies, ascending);
    printf("{\"received\": %lu, \"missed\": %u, \"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}\n", s->received,
           counters.tp_drops, microseconds(s, 0.5), microseconds(s, 0.99), microseconds(s, 1));
}

int main(int count, char **words) {
    static struct sink s;
    if (count != 2) errx(2, "usage: frame-sink INTERFACE");
    if ((s.latencies = malloc(most_samples * sizeof *s.latencies)) == NULL) err(1, "memory");
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    open_socket(&s, words[1]);
    puts("ready");
    fflush(stdout);
    while (!stopped) receive(&s);
    report(&s);
}
