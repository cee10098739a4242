#define _GNU_SOURCE
#include "cport.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int enter(int fd, unsigned submit, unsigned wait) {
    return (int)syscall(SYS_io_uring_enter, fd, submit, wait, wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
}

int cport_ring_open(struct cport_ring *ring, unsigned entries, unsigned files) {
    struct io_uring_params p;
    memset(ring, 0, sizeof *ring);
    ring->fd = -1;
    ring->read_opcode = IORING_OP_READ;
    ring->write_opcode = IORING_OP_WRITE;
    /* DEFER_TASKRUN came with 6.1; an older kernel gets the same behaviour without the hint. */
    unsigned hints[] = {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, 0};
    int fd = -1;
    for (int i = 0; i < 2 && fd < 0; i++) {
        memset(&p, 0, sizeof p);
        p.flags = hints[i];
        fd = (int)syscall(SYS_io_uring_setup, entries, &p);
        if (fd < 0 && errno != EINVAL) return -errno;
    }
    if (fd < 0) return -EINVAL;
    ring->fd = fd;
    ring->entries = p.sq_entries;
    ring->sq_size = p.sq_off.array + p.sq_entries * sizeof(uint32_t);
    ring->cq_size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
    ring->sqe_size = p.sq_entries * sizeof(struct io_uring_sqe);
    int flags = MAP_SHARED | MAP_POPULATE, protection = PROT_READ | PROT_WRITE;
    uint8_t *sq = mmap(NULL, ring->sq_size, protection, flags, fd, IORING_OFF_SQ_RING);
    uint8_t *cq = mmap(NULL, ring->cq_size, protection, flags, fd, IORING_OFF_CQ_RING);
    void *sqes = mmap(NULL, ring->sqe_size, protection, flags, fd, IORING_OFF_SQES);
    ring->sq_memory = sq == MAP_FAILED ? NULL : sq;
    ring->cq_memory = cq == MAP_FAILED ? NULL : cq;
    ring->sqes = sqes == MAP_FAILED ? NULL : sqes;
    if (!ring->sq_memory || !ring->cq_memory || !ring->sqes) {
        cport_ring_close(ring);
        return -ENOMEM;
    }
    ring->sq_tail = (uint32_t *)(sq + p.sq_off.tail);
    ring->sq_mask = *(uint32_t *)(sq + p.sq_off.ring_mask);
    ring->cq_head = (uint32_t *)(cq + p.cq_off.head);
    ring->cq_tail = (uint32_t *)(cq + p.cq_off.tail);
    ring->cq_mask = *(uint32_t *)(cq + p.cq_off.ring_mask);
    ring->cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
    uint32_t *array = (uint32_t *)(sq + p.sq_off.array);
    for (uint32_t i = 0; i < p.sq_entries; i++) array[i] = i; /* entry i is always at place i */
    ring->tail = *ring->sq_tail;

    struct io_uring_rsrc_register table;
    memset(&table, 0, sizeof table);
    table.nr = files;
    table.flags = IORING_RSRC_REGISTER_SPARSE;
    if (syscall(SYS_io_uring_register, fd, IORING_REGISTER_FILES2, &table, sizeof table) < 0) {
        int error = -errno;
        cport_ring_close(ring);
        return error;
    }
    return 0;
}

void cport_ring_close(struct cport_ring *ring) {
    if (ring->sq_memory) munmap(ring->sq_memory, ring->sq_size);
    if (ring->cq_memory) munmap(ring->cq_memory, ring->cq_size);
    if (ring->sqes) munmap(ring->sqes, ring->sqe_size);
    if (ring->fd >= 0) close(ring->fd);
    memset(ring, 0, sizeof *ring);
    ring->fd = -1;
}

int cport_ring_set_file(struct cport_ring *ring, unsigned slot, int fd) {
    int32_t value = fd;
    struct io_uring_files_update update;
    memset(&update, 0, sizeof update);
    update.offset = slot;
    update.fds = (uint64_t)(uintptr_t)&value;
    return syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_FILES_UPDATE, &update, 1) < 0 ? -errno : 0;
}

int cport_ring_register_buffer(struct cport_ring *ring, void *memory, size_t size) {
    struct iovec buffer = {memory, size};
    if (syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_BUFFERS, &buffer, 1) < 0) return -errno;
    ring->read_opcode = IORING_OP_READ_FIXED; /* buffer 0, which an entry names unless it says otherwise */
    ring->write_opcode = IORING_OP_WRITE_FIXED;
    ring->buffer = memory;
    ring->buffer_size = size;
    return 0;
}

int cport_ring_submit(struct cport_ring *ring) {
    unsigned queued = ring->queued;
    ring->queued = 0;
    if (queued == 0) return 0;
    __atomic_store_n(ring->sq_tail, ring->tail, __ATOMIC_RELEASE);
    unsigned submitted = 0;
    while (submitted < queued) {
        int n = enter(ring->fd, queued - submitted, queued - submitted);
        if (n < 0) {
            if (errno == EINTR || errno == EAGAIN) continue;
            return -errno;
        }
        submitted += (unsigned)n;
    }
    /* An interrupted wait can return early: everything submitted must be done before the buffers are used again. */
    while (__atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE) - *ring->cq_head < queued) {
        if (enter(ring->fd, 0, queued) < 0 && errno != EINTR) return -errno;
    }
    return (int)queued;
}
