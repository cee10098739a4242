/* Cache lines that will be read soon: inline, because a worker asks for those of each batch. */
#ifndef CPORT_PREFETCH_H
#define CPORT_PREFETCH_H

#include <stddef.h>

/* Begins to load the cache line of each address into the nearest cache. Any address will do, also one that is
 * nobody's. */
static inline void cport_prefetch(const void *const *addresses, size_t count) {
    for (size_t i = 0; i < count; i++) __builtin_prefetch(addresses[i], 0, 3);
}

#endif
