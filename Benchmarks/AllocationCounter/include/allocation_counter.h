/* Counts the heap allocations of the whole process by standing in for malloc and its kin (glibc only). For measuring
 * programs; nothing in Sources/ links it. */
#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H
#include <stdint.h>

/* Allocations since the start of the process, of all threads but the loop guard's, which forwards nothing. */
uint64_t allocation_count(void);

#endif
