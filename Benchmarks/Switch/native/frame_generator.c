/* Sends frames on an interface from an AF_PACKET socket that goes past the queueing discipline, and prints as JSON what it did.
 *
 * Without --rate: as fast as they are taken; what the interface's full queue refuses is sent again. With --rate: at that many a
 * second, evenly, and what is refused is lost, as on a wire. Frames that are due together go in one sendmmsg of up to 64.
 *
 * --sources N, --destinations N: the last three bytes of the address count through N values, one step a frame. --stamp-every N:
 * each Nth frame has the EtherType that the sink listens for, with its number and time; the others pass the sink by. */
#define _GNU_SOURCE
#include "frame_template.h"
#include "test_frame.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { largest_batch = 64 };

struct wish {
    struct frame_wish frame;
    const char *interface;
    double seconds, rate;
    uint64_t count, stamp_every;
    uint32_t sources, destinations;
    bool lossy; /* what is refused is lost even without a rate */
};

struct generator {
    struct wish wish;
    struct frame_layout layout;
    int socket;
    uint64_t offered, taken, stamped; /* offered: taken and lost */
    uint8_t *frames[largest_batch];
    struct mmsghdr messages[largest_batch];
    struct iovec pieces[largest_batch][2];
};

static volatile sig_atomic_t stopped;
static void stop(int signal) { (void)signal, stopped = 1; }

static uint64_t now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void read_mac(const char *text, uint8_t *mac) {
    if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 6)
        errx(2, "%s is not a MAC address", text);
}

static struct wish read_options(int count, char **words) {
    struct wish wish = {.frame = {.length = shortest_frame}, .sources = 1, .destinations = 1};
    static const struct option known[] = {
        {"interface", 1, 0, 'i'}, {"destination", 1, 0, 'd'}, {"source", 1, 0, 's'},       {"length", 1, 0, 'l'},
        {"seconds", 1, 0, 't'},   {"count", 1, 0, 'n'},       {"rate", 1, 0, 'r'},         {"vlan", 1, 0, 'v'},
        {"sources", 1, 0, 'S'},   {"destinations", 1, 0, 'D'}, {"stamp-every", 1, 0, 'e'}, {"from", 1, 0, 'f'},
        {"to", 1, 0, 'o'},        {"segment", 1, 0, 'g'},     {"lossy", 0, 0, 'L'},        {0},
    };
    for (int option; (option = getopt_long(count, words, "", known, NULL)) != -1;) {
        switch (option) {
        case 'i': wish.interface = optarg; break;
        case 'd': read_mac(optarg, wish.frame.destination); break;
        case 's': read_mac(optarg, wish.frame.source); break;
        case 'l': wish.frame.length = strtoul(optarg, NULL, 10); break;
        case 't': wish.seconds = atof(optarg); break;
        case 'n': wish.count = strtoull(optarg, NULL, 10); break;
        case 'r': wish.rate = atof(optarg); break;
        case 'v': wish.frame.vlan = atoi(optarg); break;
        case 'S': wish.sources = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'D': wish.destinations = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'e': wish.stamp_every = strtoull(optarg, NULL, 10); break;
        case 'f': wish.frame.from = optarg; break;
        case 'o': wish.frame.to = optarg; break;
        case 'g': wish.frame.segment = strtoul(optarg, NULL, 10); break;
        case 'L': wish.lossy = true; break;
        default: exit(2);
        }
    }
    if (wish.interface == NULL) errx(2, "--interface is missing");
    if (wish.seconds <= 0 && wish.count == 0) errx(2, "--seconds or --count has to say when to stop");
    if (wish.frame.length < shortest_frame || wish.frame.length > longest_frame) errx(2, "--length is 60 to 65550");
    if (wish.sources < 1 || wish.destinations < 1) errx(2, "--sources and --destinations are 1 at least");
    return wish;
}

static void open_socket(struct generator *g) {
    g->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (g->socket < 0) err(1, "AF_PACKET");
    int on = 1;
    if (setsockopt(g->socket, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) < 0) err(1, "PACKET_QDISC_BYPASS");
    if (g->wish.frame.segment != 0 && setsockopt(g->socket, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) < 0)
        err(1, "PACKET_VNET_HDR");
    struct sockaddr_ll place = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(g->wish.interface)};
    if (bind(g->socket, (void *)&place, sizeof place) < 0) err(1, "interface %s", g->wish.interface);
}

static void make_frames(struct generator *g) {
    for (int i = 0; i < largest_batch; i++) {
        if ((g->frames[i] = malloc(g->wish.frame.length)) == NULL) err(1, "memory");
        g->layout = frame_build(&g->wish.frame, g->frames[i]);
        g->pieces[i][0] = (struct iovec){&g->layout.offload, sizeof g->layout.offload};
        g->pieces[i][1] = (struct iovec){g->frames[i], g->wish.frame.length};
        bool has_header = g->wish.frame.segment != 0;
        g->messages[i].msg_hdr.msg_iov = &g->pieces[i][has_header ? 0 : 1];
        g->messages[i].msg_hdr.msg_iovlen = has_header ? 2 : 1;
    }
}

static void put_number(uint8_t *mac, const uint8_t *base, uint32_t number) {
    uint32_t low = ((uint32_t)base[3] << 16 | (uint32_t)base[4] << 8 | base[5]) + number;
    mac[3] = (uint8_t)(low >> 16);
    mac[4] = (uint8_t)(low >> 8);
    mac[5] = (uint8_t)low;
}

/* Fills in what is different in frame `number` of the stream. */
static void fill(struct generator *g, uint8_t *frame, uint64_t number) {
    const struct wish *wish = &g->wish;
    if (wish->destinations > 1) put_number(frame, wish->frame.destination, (uint32_t)(number % wish->destinations));
    if (wish->sources > 1) put_number(frame + 6, wish->frame.source, (uint32_t)(number % wish->sources));
    if (wish->stamp_every == 0 || !g->layout.stamped) return;
    bool stamped = number % wish->stamp_every == 0;
    uint8_t *type = frame + g->layout.payload - 2;
    type[1] = (uint8_t)(stamped ? stamped_ethertype : filler_ethertype);
    if (!stamped) return;
    struct stamp stamp = {number, now(CLOCK_REALTIME)};
    memcpy(frame + g->layout.payload, &stamp, sizeof stamp);
}

/* Sends the next `due` frames of the stream. Those that are refused are lost, or left to the next call. */
static void send_due(struct generator *g, unsigned due, bool lossy) {
    for (unsigned i = 0; i < due; i++) fill(g, g->frames[i], g->offered + i);
    for (unsigned done = 0; done < due;) {
        int taken = sendmmsg(g->socket, g->messages + done, due - done, 0);
        if (taken > 0) {
            g->taken += (unsigned)taken;
            done += (unsigned)taken;
        } else if (errno == ENOBUFS || errno == EAGAIN) {
            if (!lossy) {
                g->offered += done;
                return;
            }
            done++;
        } else if (errno != EINTR) {
            err(1, "sending on %s", g->wish.interface);
        }
        if (stopped) due = done;
    }
    g->offered += due;
}

static void wait_until(uint64_t time) {
    const uint64_t worth_sleeping = 60000;
    uint64_t current = now(CLOCK_MONOTONIC);
    if (current + worth_sleeping >= time) return;
    time -= worth_sleeping / 2;
    struct timespec until = {(time_t)(time / 1000000000u), (long)(time % 1000000000u)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* How many frames are due now, 0 while the next one's time has not come. */
static unsigned due_now(const struct generator *g, uint64_t began) {
    uint64_t due = largest_batch;
    if (g->wish.rate > 0) {
        uint64_t passed = now(CLOCK_MONOTONIC) - began;
        uint64_t target = (uint64_t)((double)passed / 1e9 * g->wish.rate) + 1;
        due = target > g->offered ? target - g->offered : 0;
    }
    if (g->wish.count != 0 && due > g->wish.count - g->offered) due = g->wish.count - g->offered;
    return due < largest_batch ? (unsigned)due : largest_batch;
}

static double run(struct generator *g) {
    const struct wish *wish = &g->wish;
    bool lossy = wish->lossy || wish->rate > 0;
    uint64_t began = now(CLOCK_MONOTONIC), passed = 0;
    while (!stopped && (wish->count == 0 || g->offered < wish->count)) {
        unsigned due = due_now(g, began);
        if (due > 0)
            send_due(g, due, lossy);
        else
            wait_until(began + (uint64_t)((double)g->offered / wish->rate * 1e9));
        passed = now(CLOCK_MONOTONIC) - began;
        if (wish->seconds > 0 && (double)passed >= wish->seconds * 1e9) break;
    }
    return (double)passed / 1e9;
}

/* Nanoseconds in which this program could have run and had no core. */
static uint64_t waited(void) {
    uint64_t ran, waited = 0;
    FILE *schedule = fopen("/proc/self/schedstat", "r");
    if (schedule == NULL) return 0;
    if (fscanf(schedule, "%lu %lu", &ran, &waited) != 2) waited = 0;
    fclose(schedule);
    return waited;
}

int main(int count, char **words) {
    static struct generator g;
    g.wish = read_options(count, words);
    open_socket(&g);
    make_frames(&g);
    prctl(PR_SET_TIMERSLACK, 1ul);
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    double seconds = run(&g);
    printf("{\"offered\": %lu, \"taken\": %lu, \"seconds\": %.6f, \"waited\": %.6f}\n", g.offered, g.taken, seconds,
           (double)waited() / 1e9);
}
