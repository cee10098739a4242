/* The limit of a TAP switch in userspace: moves frames between pairs of TAPs and looks at nothing. No table, no counter;
 * whatever a switch costs above this is the switch.
 *
 *   tap-forward [--virtio] [--batch] TAP TAP [TAP TAP …] [--tag VID TAP TAP …]
 *
 * Plain: one read and one write a frame. --batch: epoll says who is ready, one io_uring submission reads up to 64 frames, one more
 * writes them. The batch doubles while it comes back full and halves when less than half of it is used; a batch of one is a plain
 * read and write, so that a lone frame is not delayed. Several pairs are served by the one thread. Says "ready" when the
 * interfaces exist; runs until it is killed.
 *
 * Of the pairs that come after --tag the second TAP carries frames with an 802.1Q tag and the first one without: it goes in on the
 * way there and is taken out on the way back, unlooked at. That is what a tag costs in the kernel, and in moving 12 bytes. */
#define _GNU_SOURCE
#include "tap.h"

#include <arpa/inet.h>
#include <err.h>
#include <liburing.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { tag_bytes = 4, frame_room = 70000, largest_batch = 64, most_taps = 64 };

struct forwarder {
    int tag[most_taps]; /* VID, the same for both of a pair; 0: frames stay as they come */
    bool virtio;
    int taps[most_taps]; /* the partner of TAP n is n ^ 1 */
    int batch[most_taps];
    int count;
    int poller;
    struct io_uring ring;
    char *frames[largest_batch]; /* each with tag_bytes of room before it */
};

static int partner(int tap) { return tap ^ 1; }

/* Where the checksum starts moves with the tag. */
static void shift_offsets(char *frame, int bytes) {
    struct virtio_net_hdr *header = (void *)frame;
    if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) header->csum_start += bytes;
    if (header->gso_type != VIRTIO_NET_HDR_GSO_NONE) header->hdr_len += bytes;
}

/* The frame of `length` bytes in the form that the partner of `tap` has: where it begins now, and its new length. */
static char *converted(const struct forwarder *f, int tap, char *frame, int *length) {
    int addresses = 12 + (f->virtio ? (int)sizeof(struct virtio_net_hdr_mrg_rxbuf) : 0);
    if (f->tag[tap] == 0 || *length < addresses + tag_bytes) return frame;
    int bytes = tap % 2 == 0 ? tag_bytes : -tag_bytes;
    if (f->virtio) shift_offsets(frame, bytes);
    memmove(frame - bytes, frame, (size_t)addresses);
    frame -= bytes;
    *length += bytes;
    if (bytes > 0) {
        uint16_t tag[2] = {htons(0x8100), htons((uint16_t)f->tag[tap])};
        memcpy(frame + addresses, tag, sizeof tag);
    }
    return frame;
}

/* A frame that cannot be written (interface down, queue full) is lost, as on any switch. */
static bool move_one(struct forwarder *f, int tap) {
    ssize_t length = read(f->taps[tap], f->frames[0], frame_room);
    if (length <= 0) return false;
    int bytes = (int)length;
    char *frame = converted(f, tap, f->frames[0], &bytes);
    ssize_t written = write(f->taps[partner(tap)], frame, (size_t)bytes);
    (void)written;
    return true;
}

static void move_plainly(struct forwarder *f, int tap) {
    for (int moved = 0; moved < largest_batch && move_one(f, tap); moved++) {
    }
}

/* Submits, and leaves the result of each operation in `results`, by its user data. */
static void run_ring(struct forwarder *f, int operations, int *results) {
    io_uring_submit_and_wait(&f->ring, (unsigned)operations);
    struct io_uring_cqe *done;
    unsigned head, seen = 0;
    io_uring_for_each_cqe(&f->ring, head, done) {
        results[done->user_data] = done->res;
        seen++;
    }
    io_uring_cq_advance(&f->ring, seen);
}

static int move_batch(struct forwarder *f, int tap, int size) {
    int lengths[largest_batch], ignored[largest_batch], moved = 0;
    for (int i = 0; i < size; i++) {
        struct io_uring_sqe *entry = io_uring_get_sqe(&f->ring);
        io_uring_prep_read(entry, tap, f->frames[i], frame_room, 0);
        entry->rw_flags = RWF_NOWAIT; /* an empty queue is an answer, not a reason to wait */
        entry->flags |= IOSQE_FIXED_FILE;
        io_uring_sqe_set_data64(entry, (unsigned)i);
        lengths[i] = 0;
    }
    run_ring(f, size, lengths);
    for (int i = 0; i < size; i++) {
        if (lengths[i] <= 0) continue;
        char *frame = converted(f, tap, f->frames[i], &lengths[i]);
        struct io_uring_sqe *entry = io_uring_get_sqe(&f->ring);
        io_uring_prep_write(entry, partner(tap), frame, (unsigned)lengths[i], 0);
        entry->flags |= IOSQE_FIXED_FILE;
        io_uring_sqe_set_data64(entry, (unsigned)i);
        moved++;
    }
    if (moved > 0) run_ring(f, moved, ignored);
    return moved;
}

static void move_adaptively(struct forwarder *f, int tap) {
    int size = f->batch[tap];
    int moved = size == 1 ? move_one(f, tap) : move_batch(f, tap, size);
    if (moved == size && size < largest_batch)
        f->batch[tap] = size * 2;
    else if (moved < size / 2)
        f->batch[tap] = size / 2;
}

static void open_ring(struct forwarder *f) {
    struct io_uring_params wishes = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
    int refused = io_uring_queue_init_params(4 * largest_batch, &f->ring, &wishes);
    if (refused == 0) refused = io_uring_register_files(&f->ring, f->taps, (unsigned)f->count);
    if (refused < 0) errx(1, "io_uring: %s", strerror(-refused));
}

static void watch(struct forwarder *f) {
    f->poller = epoll_create1(EPOLL_CLOEXEC);
    for (int tap = 0; tap < f->count; tap++) {
        struct epoll_event readable = {.events = EPOLLIN, .data.u32 = (unsigned)tap};
        if (epoll_ctl(f->poller, EPOLL_CTL_ADD, f->taps[tap], &readable) < 0) err(1, "epoll");
    }
}

int main(int count, char **words) {
    static struct forwarder f;
    bool batched = false;
    int tag = 0;
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--virtio") == 0)
            f.virtio = true;
        else if (strcmp(words[i], "--batch") == 0)
            batched = true;
        else if (strcmp(words[i], "--tag") == 0 && i + 1 < count)
            tag = atoi(words[++i]);
        else if (f.count < most_taps) {
            f.tag[f.count] = tag;
            f.taps[f.count++] = tap_open(words[i], f.virtio);
        }
    }
    if (f.count < 2 || f.count % 2 != 0)
        errx(2, "usage: tap-forward [--virtio] [--batch] TAP TAP [TAP TAP …] [--tag VID TAP TAP …]");
    for (int i = 0; i < largest_batch; i++) {
        char *room = malloc(tag_bytes + frame_room);
        if (room == NULL) err(1, "memory");
        f.frames[i] = room + tag_bytes;
    }
    for (int tap = 0; tap < f.count; tap++) f.batch[tap] = 1;
    if (batched) open_ring(&f);
    watch(&f);
    puts("ready");
    fflush(stdout);

    for (;;) {
        struct epoll_event ready[most_taps];
        int found = epoll_wait(f.poller, ready, f.count, -1);
        for (int i = 0; i < found; i++) {
            if (batched)
                move_adaptively(&f, (int)ready[i].data.u32);
            else
                move_plainly(&f, (int)ready[i].data.u32);
        }
    }
}
