/* rtnetlink messages, for link.c, address.c and route.c. Not part of the interface of chost. */
#ifndef CHOST_NETLINK_H
#define CHOST_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

/* One request: its own header, the fixed part of its type, attributes. 1 KiB holds every request that is made here. */
struct chost_message {
    struct nlmsghdr header;
    uint8_t bytes[1024];
};

/* A request of `type` with the fixed part `body`. */
struct chost_message chost_netlink_begin(uint16_t type, uint16_t flags, const void *body, size_t size);
struct rtattr *chost_netlink_put(struct chost_message *m, uint16_t type, const void *value, size_t length);

int chost_netlink_open(void);
/* Sends `m` and returns the kernel's answer: 0 or -errno. */
int chost_netlink_request(int fd, struct chost_message *m);
/* Opens a socket for the one request `m`. */
int chost_netlink_do(struct chost_message *m);
/* Sends the dump request `m` on a socket of its own and calls `take(context, answer)` for each answer of `type`. A
 * listing that changed under way (NLM_F_DUMP_INTR) is given as it came: who acts on it is told by the kernel where
 * it was wrong. */
int chost_netlink_dump(struct chost_message *m, uint16_t type, void (*take)(void *context, struct nlmsghdr *answer),
                       void *context);

/* The text of an attribute, cut to what fits and NUL-terminated. */
void chost_netlink_text(char *to, size_t size, const struct rtattr *a);

/* An IP address among 16 bytes, an IPv4 one in its mapped form ::ffff:a.b.c.d: as Wire.IPAddress has it. */
int chost_ip_is_v4(const uint8_t *ip);
/* The bytes that go on the wire, and how many they are. */
const uint8_t *chost_ip_bytes(const uint8_t *ip, size_t *length);
void chost_ip_take(uint8_t *ip, int family, const struct rtattr *a);
/* All zeros of `family`. */
void chost_ip_any(uint8_t *ip, int family);

#endif
