/* One io_uring for one thread: reads and writes of a batch go to the kernel in one call.
 *
 * How it works. The submission queue is filled by cport_ring_read/write/writev; cport_ring_submit hands the queued
 * entries over and waits until all of them are done, which for a TAP is at once (non-blocking files complete
 * inline); cport_ring_next takes the results. So a ring is empty between two batches, and buffers are ours again.
 *
 * Files are registered: `slot` is an index into the ring's own table, not a descriptor. So is the batch memory,
 * where the kernel lets us lock it: then it is not looked up for each frame.
 *
 * Threads: one. The ring must be opened by the thread that uses it (IORING_SETUP_SINGLE_ISSUER). Index words are
 * shared with the kernel: acquire and release come in pairs, io_uring(7). */
#ifndef CPORT_RING_H
#define CPORT_RING_H

#include <linux/io_uring.h>
#include <stdint.h>
#include <sys/uio.h>

struct cport_ring {
    int fd;
    uint32_t entries;   /* of the submission queue */
    uint32_t queued;    /* filled since the last submit */
    uint32_t tail;      /* ours, published by submit */
    uint32_t sq_mask, cq_mask;
    uint8_t read_opcode, write_opcode; /* the fixed ones while a buffer is registered */
    const char *buffer;                /* that buffer */
    size_t buffer_size;
    uint32_t *sq_tail, *cq_head, *cq_tail;
    struct io_uring_sqe *sqes;
    struct io_uring_cqe *cqes;
    void *sq_memory, *cq_memory;
    size_t sq_size, cq_size, sqe_size;
};

/* Opens a ring of `entries` (a power of two) with a file table of `files` empty slots. -ENOSYS, -EPERM, -EINVAL: not
 * to be had. */
int cport_ring_open(struct cport_ring *ring, unsigned entries, unsigned files);
void cport_ring_close(struct cport_ring *ring);
/* Puts `fd` into `slot`; -1 empties it. */
int cport_ring_set_file(struct cport_ring *ring, unsigned slot, int fd);
/* Makes `memory` the buffer in which all reads and plain writes lie from now on; it is locked until the ring is
 * closed. -ENOMEM: RLIMIT_MEMLOCK is too low for it, and nothing has changed. */
int cport_ring_register_buffer(struct cport_ring *ring, void *memory, size_t size);
/* Submits what is queued and waits for all of it. Returns the number submitted, or -errno. */
int cport_ring_submit(struct cport_ring *ring);

/* Whether one more entry can be queued before a submit. */
static inline int cport_ring_has_room(const struct cport_ring *ring) { return ring->queued < ring->entries; }

static inline struct io_uring_sqe *cport_ring_entry(struct cport_ring *ring, uint8_t opcode, unsigned slot,
                                                    const void *address, uint32_t length, uint64_t user) {
    struct io_uring_sqe *entry = &ring->sqes[ring->tail & ring->sq_mask];
    ring->tail++;
    ring->queued++;
    *entry = (struct io_uring_sqe){
        .opcode = opcode, .flags = IOSQE_FIXED_FILE, .fd = (int32_t)slot, .off = 0, .addr = (uint64_t)(uintptr_t)address,
        .len = length, .user_data = user};
    return entry;
}

/* Queues a read that does not wait: -EAGAIN when there is no frame. */
static inline void cport_ring_read(struct cport_ring *ring, unsigned slot, void *buffer, uint32_t length, uint64_t user) {
    cport_ring_entry(ring, ring->read_opcode, slot, buffer, length, user)->rw_flags = 8 /* RWF_NOWAIT */;
}

static inline void cport_ring_write(struct cport_ring *ring, unsigned slot, const void *buffer, uint32_t length,
                                    uint64_t user) {
    /* What lies elsewhere, such as a frame that has waited, is written the plain way. */
    int is_fixed = (uintptr_t)buffer - (uintptr_t)ring->buffer < ring->buffer_size;
    cport_ring_entry(ring, is_fixed ? ring->write_opcode : IORING_OP_WRITE, slot, buffer, length, user);
}

/* `parts` must stay until the entry is done. */
static inline void cport_ring_writev(struct cport_ring *ring, unsigned slot, const struct iovec *parts, uint32_t count,
                                     uint64_t user) {
    cport_ring_entry(ring, IORING_OP_WRITEV, slot, parts, count, user);
}

/* Takes the next result: 1 with `user` and `result` (bytes or -errno), 0 when there is none. */
static inline int cport_ring_next(struct cport_ring *ring, uint64_t *user, int32_t *result) {
    uint32_t head = *ring->cq_head;
    if (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE)) return 0;
    const struct io_uring_cqe *done = &ring->cqes[head & ring->cq_mask];
    *user = done->user_data;
    *result = done->res;
    __atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
    return 1;
}

#endif
