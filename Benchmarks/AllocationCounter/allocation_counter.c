#include "allocation_counter.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static uint64_t count;
/* Of the thread: 0 not looked at, 1 counted, 2 not counted. A thread that is named later is looked at again: a new one has its maker's. */
static __thread char kind;
static __thread unsigned looks;

static void note(void) {
    if (kind == 0 || (kind == 1 && looks < 64)) {
        char name[16] = "";
        looks++;
        prctl(PR_GET_NAME, name);
        kind = strcmp(name, "toprack-guard") == 0 ? 2 : 1;
    }
    if (kind == 1) __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
}

uint64_t allocation_count(void) { return __atomic_load_n(&count, __ATOMIC_RELAXED); }

void *malloc(size_t size) {
    note();
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
    note();
    return __libc_calloc(n, size);
}

void *realloc(void *block, size_t size) {
    note();
    return __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    note();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    note();
    *block = __libc_memalign(alignment, size);
    return *block ? 0 : ENOMEM;
}
