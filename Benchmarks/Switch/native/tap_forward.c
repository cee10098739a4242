/* The limit of a TAP switch in userspace: moves frames between pairs of TAPs and looks at nothing. No table, no counter, no tag;
 * whatever a switch costs above this is the switch.
 *
 *   tap-forward [--virtio] [--batch] TAP TAP [TAP TAP …]
 *
 * Plain: one read and one write a frame. --batch: epoll says who is ready, one io_uring submission reads up to 64 frames, one more
 * writes them. The batch doubles while it comes back full and halves when less than half of it is used; a batch of one is a plain
 * read and write, so that a lone frame is not delayed. Several pairs are served by the one thread. Says "ready" when the
 * interfaces exist; runs until it is killed. */
#define _GNU_SOURCE
#include "tap.h"

#include <err.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { frame_room = 70000, largest_batch = 64, most_taps = 64 };

struct forwarder {
    int taps[most_taps]; /* the partner of TAP n is n ^ 1 */
    int batch[most_taps];
    int count;
    int poller;
    struct io_uring ring;
    char *frames[largest_batch];
};

static int partner(int tap) { return tap ^ 1; }

/* A frame that cannot be written (interface down, queue full) is lost, as on any switch. */
static bool move_one(struct forwarder *f, int tap) {
    ssize_t length = read(f->taps[tap], f->frames[0], frame_room);
    if (length <= 0) return false;
    ssize_t written = write(f->taps[partner(tap)], f->frames[0], (size_t)length);
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
        struct io_uring_sqe *entry = io_uring_get_sqe(&f->ring);
        io_uring_prep_write(entry, partner(tap), f->frames[i], (unsigned)lengths[i], 0);
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
    bool virtio = false, batched = false;
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--virtio") == 0)
            virtio = true;
        else if (strcmp(words[i], "--batch") == 0)
            batched = true;
        else if (f.count < most_taps)
            f.taps[f.count++] = tap_open(words[i], virtio);
    }
    if (f.count < 2 || f.count % 2 != 0) errx(2, "usage: tap-forward [--virtio] [--batch] TAP TAP [TAP TAP …]");
    for (int i = 0; i < largest_batch; i++) {
        if ((f.frames[i] = malloc(frame_room)) == NULL) err(1, "memory");
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
