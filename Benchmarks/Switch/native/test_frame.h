/* The frames that the generator sends and the sink understands: local experiments (EtherType 88B5 and 88B6), so that no
 * kernel answers them. A stamped frame (88B5) carries when it was sent; the others (88B6) only make load. */
#pragma once
#include <stdint.h>

enum { stamped_ethertype = 0x88B5, filler_ethertype = 0x88B6, shortest_frame = 60, longest_frame = 65550 };

/* Behind the EtherType of a stamped frame, in the byte order of the machine: both ends are on it. */
struct stamp {
    uint64_t sequence;
    uint64_t nanoseconds; /* CLOCK_REALTIME, the clock of the kernel's receive time stamps */
} __attribute__((packed));
