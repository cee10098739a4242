#include "frame_template.h"
#include "test_frame.h"

#include <arpa/inet.h>
#include <err.h>
#include <string.h>

enum { ethertype_vlan = 0x8100, ethertype_ipv4 = 0x0800, protocol_tcp = 6, protocol_udp = 17 };
enum { ip_bytes = 20, tcp_bytes = 20, udp_bytes = 8, discard_port = 9 };
enum { needs_checksum = 1, segments_tcp4 = 1 };

static void put16(uint8_t *place, size_t value) {
    place[0] = (uint8_t)(value >> 8);
    place[1] = (uint8_t)value;
}

static uint32_t sum16(const uint8_t *bytes, size_t length, uint32_t sum) {
    for (size_t i = 0; i + 1 < length; i += 2) sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
    return sum;
}
static uint16_t folded(uint32_t sum) {
    while (sum >> 16) sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)sum;
}

static void put_ipv4(uint8_t *ip, const struct frame_wish *wish, size_t length, uint8_t protocol) {
    ip[0] = 0x45;
    put16(ip + 2, length);
    put16(ip + 6, 0x4000); /* don't fragment */
    ip[8] = 64;
    ip[9] = protocol;
    if (inet_pton(AF_INET, wish->from, ip + 12) != 1 || inet_pton(AF_INET, wish->to, ip + 16) != 1)
        errx(2, "%s, %s: not IPv4 addresses", wish->from, wish->to);
    put16(ip + 10, (uint16_t)~folded(sum16(ip, ip_bytes, 0)));
}

static void put_udp(uint8_t *udp, size_t length) {
    put16(udp, discard_port);
    put16(udp + 2, discard_port);
    put16(udp + 4, length); /* the checksum stays 0: none */
}

/* A TCP segment whose checksum is left to offload: the field holds the sum of the pseudo header alone. */
static void put_tcp(uint8_t *ip, uint8_t *tcp, size_t length) {
    put16(tcp, discard_port);
    put16(tcp + 2, discard_port);
    tcp[12] = tcp_bytes / 4 << 4;
    tcp[13] = 0x10; /* ACK */
    put16(tcp + 14, 65535);
    put16(tcp + 16, folded(sum16(ip + 12, 8, protocol_tcp + (uint32_t)length)));
}

struct frame_layout frame_build(const struct frame_wish *wish, uint8_t *frame) {
    struct frame_layout layout = {0};
    memset(frame, 0, wish->length);
    memcpy(frame, wish->destination, 6);
    memcpy(frame + 6, wish->source, 6);
    size_t place = 12;
    if (wish->vlan != 0) {
        put16(frame + place, ethertype_vlan);
        put16(frame + place + 2, (size_t)wish->vlan);
        place += 4;
    }
    bool is_packet = wish->from != NULL && wish->to != NULL;
    put16(frame + place, is_packet ? ethertype_ipv4 : filler_ethertype);
    layout.payload = place + 2;
    layout.stamped = !is_packet;
    if (!is_packet) return layout;

    uint8_t *ip = frame + layout.payload;
    size_t length = wish->length - layout.payload, body = length - ip_bytes;
    if (wish->segment == 0) {
        put_ipv4(ip, wish, length, protocol_udp);
        put_udp(ip + ip_bytes, body);
        return layout;
    }
    if (length > 65535) errx(2, "a super-frame has at most 65535 bytes of IP");
    put_ipv4(ip, wish, length, protocol_tcp);
    put_tcp(ip, ip + ip_bytes, body);
    layout.offload = (struct offload_header){
        .flags = needs_checksum,
        .type = segments_tcp4,
        .header_length = (uint16_t)(layout.payload + ip_bytes + tcp_bytes),
        .segment_size = (uint16_t)wish->segment,
        .checksum_start = (uint16_t)(layout.payload + ip_bytes),
        .checksum_offset = 16,
    };
    return layout;
}
