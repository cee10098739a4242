#define _GNU_SOURCE
#include "cport.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One request with attributes; 1 KiB holds every request that is made here. */
struct message {
    struct nlmsghdr header;
    struct ifinfomsg body;
    uint8_t attributes[1024];
};

static struct message begin(uint16_t type, uint16_t flags) {
    struct message m;
    memset(&m, 0, sizeof m);
    m.header.nlmsg_len = NLMSG_LENGTH(sizeof m.body);
    m.header.nlmsg_type = type;
    m.header.nlmsg_flags = NLM_F_REQUEST | flags;
    m.body.ifi_family = AF_UNSPEC;
    return m;
}

static struct rtattr *put(struct message *m, uint16_t type, const void *value, size_t length) {
    struct rtattr *a = (struct rtattr *)((uint8_t *)m + NLMSG_ALIGN(m->header.nlmsg_len));
    a->rta_type = type;
    a->rta_len = (uint16_t)RTA_LENGTH(length);
    if (length) memcpy(RTA_DATA(a), value, length);
    m->header.nlmsg_len = NLMSG_ALIGN(m->header.nlmsg_len) + RTA_ALIGN(a->rta_len);
    return a;
}

static int netlink_open(void) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    return fd < 0 ? -errno : fd;
}

/* Sends `m` and returns the kernel's answer. */
static int request(int fd, struct message *m) {
    uint8_t answer[1024];
    m->header.nlmsg_flags |= NLM_F_ACK;
    if (send(fd, m, m->header.nlmsg_len, 0) < 0) return -errno;
    ssize_t n = recv(fd, answer, sizeof answer, 0);
    if (n < 0) return -errno;
    struct nlmsghdr *h = (struct nlmsghdr *)answer;
    if (n < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) || h->nlmsg_type != NLMSG_ERROR) return -EPROTO;
    return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
}

struct listing {
    struct cport_link *links;
    int capacity, count;
};

static void copy_text(char *to, size_t size, const struct rtattr *a) {
    size_t n = RTA_PAYLOAD(a);
    if (n >= size) n = size - 1;
    memcpy(to, RTA_DATA(a), n);
    to[n] = 0;
}

static void take_link(struct listing *l, struct nlmsghdr *h) {
    struct ifinfomsg *info = NLMSG_DATA(h);
    struct cport_link link;
    memset(&link, 0, sizeof link);
    link.index = info->ifi_index;
    link.is_up = (info->ifi_flags & IFF_UP) != 0;
    int length = (int)IFLA_PAYLOAD(h);
    for (struct rtattr *a = IFLA_RTA(info); RTA_OK(a, length); a = RTA_NEXT(a, length)) {
        switch (a->rta_type & NLA_TYPE_MASK) {
        case IFLA_IFNAME: copy_text(link.name, sizeof link.name, a); break;
        case IFLA_IFALIAS: copy_text(link.alias, sizeof link.alias, a); break;
        case IFLA_MTU: memcpy(&link.mtu, RTA_DATA(a), 4); break;
        case IFLA_ADDRESS:
            if (RTA_PAYLOAD(a) == 6) memcpy(link.mac, RTA_DATA(a), 6);
            break;
        case IFLA_LINKINFO: {
            int n = (int)RTA_PAYLOAD(a);
            for (struct rtattr *b = RTA_DATA(a); RTA_OK(b, n); b = RTA_NEXT(b, n))
                if (b->rta_type == IFLA_INFO_KIND && strncmp(RTA_DATA(b), "tun", 4) == 0) link.is_tap = 1;
            break;
        }
        case IFLA_PROP_LIST: {
            int n = (int)RTA_PAYLOAD(a);
            for (struct rtattr *b = RTA_DATA(a); RTA_OK(b, n); b = RTA_NEXT(b, n))
                if (b->rta_type == IFLA_ALT_IFNAME && !link.altname[0]) copy_text(link.altname, sizeof link.altname, b);
            break;
        }
        default: break;
        }
    }
    if (l->count < l->capacity) l->links[l->count] = link;
    l->count++;
}

static int list_here(void *context) {
    struct listing *l = context;
    static _Thread_local uint8_t answer[65536];
    int fd = netlink_open();
    if (fd < 0) return fd;
    struct message m = begin(RTM_GETLINK, NLM_F_DUMP);
    int result = send(fd, &m, m.header.nlmsg_len, 0) < 0 ? -errno : 0;
    for (int done = result < 0; !done;) {
        ssize_t n = recv(fd, answer, sizeof answer, 0);
        if (n < 0) {
            if (errno == EINTR) continue;
            result = -errno;
            break;
        }
        for (struct nlmsghdr *h = (struct nlmsghdr *)answer; NLMSG_OK(h, (size_t)n); h = NLMSG_NEXT(h, n)) {
            if (h->nlmsg_type == RTM_NEWLINK) take_link(l, h);
            if (h->nlmsg_type == NLMSG_ERROR) result = ((struct nlmsgerr *)NLMSG_DATA(h))->error;
            if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) done = 1;
        }
    }
    close(fd);
    return result < 0 ? result : l->count;
}

int cport_link_list(int namespace_fd, struct cport_link *links, int capacity) {
    struct listing l = {links, capacity, 0};
    return cport_netns_run(namespace_fd, list_here, &l);
}

struct setting {
    const char *name;
    const uint8_t *mac;
    uint32_t mtu;
    const char *alias, *altname;
    int target_fd;
};

static int set_here(void *context) {
    struct setting *s = context;
    int fd = netlink_open();
    if (fd < 0) return fd;
    struct message m = begin(RTM_SETLINK, 0);
    put(&m, IFLA_IFNAME, s->name, strlen(s->name) + 1);
    if (s->mac) put(&m, IFLA_ADDRESS, s->mac, 6);
    if (s->mtu) put(&m, IFLA_MTU, &s->mtu, 4);
    if (s->alias) put(&m, IFLA_IFALIAS, s->alias, strlen(s->alias));
    if (s->target_fd >= 0) put(&m, IFLA_NET_NS_FD, &s->target_fd, 4);
    int result = request(fd, &m);
    if (result == 0 && s->altname) {
        struct message p = begin(RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND);
        put(&p, IFLA_IFNAME, s->name, strlen(s->name) + 1);
        struct rtattr *list = put(&p, IFLA_PROP_LIST | NLA_F_NESTED, NULL, 0);
        put(&p, IFLA_ALT_IFNAME, s->altname, strlen(s->altname) + 1);
        list->rta_len = (uint16_t)((uint8_t *)&p + p.header.nlmsg_len - (uint8_t *)list);
        result = request(fd, &p);
    }
    close(fd);
    return result;
}

int cport_link_set(int namespace_fd, const char *name, const uint8_t *mac, uint32_t mtu, const char *alias,
                   const char *altname) {
    if (strlen(name) >= IFNAMSIZ || (alias && strlen(alias) > 255) || (altname && strlen(altname) > 127))
        return -ENAMETOOLONG;
    struct setting s = {name, mac, mtu, alias, altname, -1};
    return cport_netns_run(namespace_fd, set_here, &s);
}

int cport_link_move(int namespace_fd, const char *name, int target_fd) {
    if (strlen(name) >= IFNAMSIZ) return -ENAMETOOLONG;
    struct setting s = {.name = name, .target_fd = target_fd};
    return cport_netns_run(namespace_fd, set_here, &s);
}
