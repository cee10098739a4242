#define _GNU_SOURCE
#include "netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct chost_message chost_netlink_begin(uint16_t type, uint16_t flags, const void *body, size_t size) {
    struct chost_message m;
    memset(&m, 0, sizeof m);
    m.header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
    m.header.nlmsg_type = type;
    m.header.nlmsg_flags = NLM_F_REQUEST | flags;
    memcpy(NLMSG_DATA(&m.header), body, size);
    return m;
}

struct rtattr *chost_netlink_put(struct chost_message *m, uint16_t type, const void *value, size_t length) {
    struct rtattr *a = (struct rtattr *)((uint8_t *)m + NLMSG_ALIGN(m->header.nlmsg_len));
    a->rta_type = type;
    a->rta_len = (uint16_t)RTA_LENGTH(length);
    if (length) memcpy(RTA_DATA(a), value, length);
    m->header.nlmsg_len = NLMSG_ALIGN(m->header.nlmsg_len) + RTA_ALIGN(a->rta_len);
    return a;
}

int chost_netlink_open(void) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    return fd < 0 ? -errno : fd;
}

int chost_netlink_request(int fd, struct chost_message *m) {
    uint8_t answer[sizeof *m + 128]; /* an error quotes the request */
    m->header.nlmsg_flags |= NLM_F_ACK;
    if (send(fd, m, m->header.nlmsg_len, 0) < 0) return -errno;
    ssize_t n = recv(fd, answer, sizeof answer, 0);
    if (n < 0) return -errno;
    struct nlmsghdr *h = (struct nlmsghdr *)answer;
    if (n < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) || h->nlmsg_type != NLMSG_ERROR) return -EPROTO;
    return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
}

int chost_netlink_do(struct chost_message *m) {
    int fd = chost_netlink_open();
    if (fd < 0) return fd;
    int result = chost_netlink_request(fd, m);
    close(fd);
    return result;
}

int chost_netlink_dump(struct chost_message *m, uint16_t type, void (*take)(void *, struct nlmsghdr *), void *context) {
    static _Thread_local uint8_t answer[65536];
    int fd = chost_netlink_open();
    if (fd < 0) return fd;
    m->header.nlmsg_flags |= NLM_F_DUMP;
    int result = send(fd, m, m->header.nlmsg_len, 0) < 0 ? -errno : 0;
    for (int done = result < 0; !done;) {
        ssize_t n = recv(fd, answer, sizeof answer, 0);
        if (n < 0) {
            if (errno == EINTR) continue;
            result = -errno;
            break;
        }
        for (struct nlmsghdr *h = (struct nlmsghdr *)answer; NLMSG_OK(h, (size_t)n); h = NLMSG_NEXT(h, n)) {
            if (h->nlmsg_type == type) take(context, h);
            if (h->nlmsg_type == NLMSG_ERROR) result = ((struct nlmsgerr *)NLMSG_DATA(h))->error;
            if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) done = 1;
        }
    }
    close(fd);
    return result;
}

void chost_netlink_text(char *to, size_t size, const struct rtattr *a) {
    size_t n = RTA_PAYLOAD(a);
    if (n >= size) n = size - 1;
    memcpy(to, RTA_DATA(a), n);
    to[n] = 0;
}

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

int chost_ip_is_v4(const uint8_t *ip) { return memcmp(ip, mapped, sizeof mapped) == 0; }

const uint8_t *chost_ip_bytes(const uint8_t *ip, size_t *length) {
    int v4 = chost_ip_is_v4(ip);
    *length = v4 ? 4 : 16;
    return v4 ? ip + 12 : ip;
}

void chost_ip_take(uint8_t *ip, int family, const struct rtattr *a) {
    size_t length = family == AF_INET ? 4 : 16;
    if (RTA_PAYLOAD(a) != length) return;
    chost_ip_any(ip, family);
    memcpy(ip + 16 - length, RTA_DATA(a), length);
}

void chost_ip_any(uint8_t *ip, int family) {
    memset(ip, 0, 16);
    if (family == AF_INET) memcpy(ip, mapped, sizeof mapped);
}
