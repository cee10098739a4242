/* What one frame of a stream looks like before the fields that change from frame to frame are filled in. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame_wish {
    uint8_t destination[6], source[6];
    size_t length;             /* without FCS, tag included */
    int vlan;                  /* 0: no tag */
    const char *from, *to;     /* IPv4 addresses of a UDP packet; NULL: a frame of local experiments */
    size_t segment;            /* payload bytes of a TCP segment in a super-frame; 0: no super-frame */
};

/* The virtio-net header of 10 bytes that AF_PACKET takes before a frame with PACKET_VNET_HDR. */
struct offload_header {
    uint8_t flags, type;
    uint16_t header_length, segment_size, checksum_start, checksum_offset;
} __attribute__((packed));

/* Where things are in the frame that was built. */
struct frame_layout {
    size_t payload; /* behind the EtherType */
    bool stamped;
    struct offload_header offload;
};

/* Builds the frame in `frame`, which has room for `wish->length`. */
struct frame_layout frame_build(const struct frame_wish *wish, uint8_t *frame);
