#define _GNU_SOURCE
#include "chost.h"
#include "netlink.h"

#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct listing {
    struct chost_link *links;
    int capacity, count;
};

static void take_link(void *context, struct nlmsghdr *h) {
    struct listing *l = context;
    struct ifinfomsg *info = NLMSG_DATA(h);
    struct chost_link link;
    memset(&link, 0, sizeof link);
    link.index = info->ifi_index;
    link.is_up = (info->ifi_flags & IFF_UP) != 0;
    int length = (int)IFLA_PAYLOAD(h);
    for (struct rtattr *a = IFLA_RTA(info); RTA_OK(a, length); a = RTA_NEXT(a, length)) {
        switch (a->rta_type & NLA_TYPE_MASK) {
        case IFLA_IFNAME: chost_netlink_text(link.name, sizeof link.name, a); break;
        case IFLA_IFALIAS: chost_netlink_text(link.alias, sizeof link.alias, a); break;
        case IFLA_MTU: memcpy(&link.mtu, RTA_DATA(a), 4); break;
        case IFLA_TXQLEN: memcpy(&link.queue_length, RTA_DATA(a), 4); break;
        case IFLA_MASTER: link.has_master = 1; break;
        case IFLA_CARRIER: link.has_carrier = *(uint8_t *)RTA_DATA(a) != 0; break;
        case IFLA_ADDRESS:
            if (RTA_PAYLOAD(a) == 6) memcpy(link.mac, RTA_DATA(a), 6);
            break;
        case IFLA_LINKINFO: {
            int n = (int)RTA_PAYLOAD(a);
            for (struct rtattr *b = RTA_DATA(a); RTA_OK(b, n); b = RTA_NEXT(b, n)) {
                if (b->rta_type == IFLA_INFO_KIND && strncmp(RTA_DATA(b), "tun", 4) == 0) link.is_tap = 1;
                if ((b->rta_type & NLA_TYPE_MASK) != IFLA_INFO_DATA || !link.is_tap) continue;
                int m = (int)RTA_PAYLOAD(b);
                for (struct rtattr *c = RTA_DATA(b); RTA_OK(c, m); c = RTA_NEXT(c, m))
                    if (c->rta_type == IFLA_TUN_PERSIST) link.is_persistent = *(uint8_t *)RTA_DATA(c) != 0;
            }
            break;
        }
        case IFLA_PROP_LIST: {
            int n = (int)RTA_PAYLOAD(a);
            for (struct rtattr *b = RTA_DATA(a); RTA_OK(b, n); b = RTA_NEXT(b, n))
                if (b->rta_type == IFLA_ALT_IFNAME && !link.altname[0]) chost_netlink_text(link.altname, sizeof link.altname, b);
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
    struct ifinfomsg body = {.ifi_family = AF_UNSPEC};
    struct chost_message m = chost_netlink_begin(RTM_GETLINK, 0, &body, sizeof body);
    int result = chost_netlink_dump(&m, RTM_NEWLINK, take_link, l);
    return result < 0 ? result : l->count;
}

int chost_link_list(int namespace_fd, struct chost_link *links, int capacity) {
    struct listing l = {links, capacity, 0};
    return chost_netns_run(namespace_fd, list_here, &l);
}

struct finding {
    const char *name;
    struct listing listing;
};

static int find_here(void *context) {
    struct finding *f = context;
    static _Thread_local uint8_t answer[32768];
    struct ifinfomsg body = {.ifi_family = AF_UNSPEC};
    int fd = chost_netlink_open();
    if (fd < 0) return fd;
    struct chost_message m = chost_netlink_begin(RTM_GETLINK, 0, &body, sizeof body);
    chost_netlink_put(&m, IFLA_IFNAME, f->name, strlen(f->name) + 1);
    ssize_t n = send(fd, &m, m.header.nlmsg_len, 0);
    if (n >= 0) n = recv(fd, answer, sizeof answer, 0);
    int result = n < 0 ? -errno : -EPROTO;
    close(fd);
    struct nlmsghdr *h = (struct nlmsghdr *)answer;
    if (n < 0 || !NLMSG_OK(h, (size_t)n)) return result;
    if (h->nlmsg_type == NLMSG_ERROR) return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
    if (h->nlmsg_type != RTM_NEWLINK) return result;
    take_link(&f->listing, h);
    return 0;
}

int chost_link_find(int namespace_fd, const char *name, struct chost_link *link) {
    if (strlen(name) >= IFNAMSIZ) return -ENAMETOOLONG;
    struct finding f = {name, {link, 1, 0}};
    return chost_netns_run(namespace_fd, find_here, &f);
}

static int watch_here(void *context) {
    (void)context;
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd < 0) return -errno;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    int error = -errno;
    close(fd);
    return error;
}

int chost_link_watch(int namespace_fd) { return chost_netns_run(namespace_fd, watch_here, NULL); }

int chost_link_watch_read(int fd, int32_t *indexes, int capacity) {
    static _Thread_local uint8_t message[32768];
    int count = 0;
    while (count < capacity) {
        struct sockaddr_nl from = {0};
        struct iovec part = {message, sizeof message};
        struct msghdr head = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1};
        ssize_t n = recvmsg(fd, &head, 0);
        if (n < 0) {
            if (errno == EINTR) continue;
            return errno == EAGAIN ? count : -errno;
        }
        if (from.nl_pid != 0) continue; /* not the kernel's */
        for (struct nlmsghdr *h = (struct nlmsghdr *)message; NLMSG_OK(h, (size_t)n) && count < capacity; h = NLMSG_NEXT(h, n))
            if (h->nlmsg_type == RTM_NEWLINK || h->nlmsg_type == RTM_DELLINK)
                indexes[count++] = ((struct ifinfomsg *)NLMSG_DATA(h))->ifi_index;
    }
    return count;
}

struct setting {
    const char *name;
    const uint8_t *mac;
    uint32_t mtu, queue_length;
    const char *alias, *altname, *new_name;
    int target_fd;
    int up; /* 1 up, 0 down, -1 leave */
};

static int set_here(void *context) {
    struct setting *s = context;
    struct ifinfomsg body = {.ifi_family = AF_UNSPEC};
    if (s->up >= 0) {
        body.ifi_change = IFF_UP;
        body.ifi_flags = s->up ? IFF_UP : 0;
    }
    int fd = chost_netlink_open();
    if (fd < 0) return fd;
    struct chost_message m = chost_netlink_begin(RTM_SETLINK, 0, &body, sizeof body);
    if (s->new_name) {
        /* The attribute is the new name then, so the index says which one is meant. */
        body.ifi_index = (int)if_nametoindex(s->name);
        if (body.ifi_index == 0) {
            int error = -errno;
            close(fd);
            return error;
        }
        m = chost_netlink_begin(RTM_SETLINK, 0, &body, sizeof body);
    }
    const char *name = s->new_name ? s->new_name : s->name;
    chost_netlink_put(&m, IFLA_IFNAME, name, strlen(name) + 1);
    if (s->mac) chost_netlink_put(&m, IFLA_ADDRESS, s->mac, 6);
    if (s->mtu) chost_netlink_put(&m, IFLA_MTU, &s->mtu, 4);
    if (s->queue_length) chost_netlink_put(&m, IFLA_TXQLEN, &s->queue_length, 4);
    if (s->alias) chost_netlink_put(&m, IFLA_IFALIAS, s->alias, strlen(s->alias));
    if (s->target_fd >= 0) chost_netlink_put(&m, IFLA_NET_NS_FD, &s->target_fd, 4);
    int result = chost_netlink_request(fd, &m);
    if (result == 0 && s->altname) {
        body = (struct ifinfomsg){.ifi_family = AF_UNSPEC};
        struct chost_message p =
            chost_netlink_begin(RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, &body, sizeof body);
        chost_netlink_put(&p, IFLA_IFNAME, s->name, strlen(s->name) + 1);
        struct rtattr *list = chost_netlink_put(&p, IFLA_PROP_LIST | NLA_F_NESTED, NULL, 0);
        chost_netlink_put(&p, IFLA_ALT_IFNAME, s->altname, strlen(s->altname) + 1);
        list->rta_len = (uint16_t)((uint8_t *)&p + p.header.nlmsg_len - (uint8_t *)list);
        result = chost_netlink_request(fd, &p);
    }
    close(fd);
    return result;
}

int chost_link_set(int namespace_fd, const char *name, const uint8_t *mac, uint32_t mtu, uint32_t queue_length,
                   const char *alias, const char *altname) {
    if (strlen(name) >= IFNAMSIZ || (alias && strlen(alias) > 255) || (altname && strlen(altname) > 127))
        return -ENAMETOOLONG;
    struct setting s = {name, mac, mtu, queue_length, alias, altname, .target_fd = -1, .up = -1};
    return chost_netns_run(namespace_fd, set_here, &s);
}

int chost_link_move(int namespace_fd, const char *name, int target_fd, const char *new_name) {
    if (strlen(name) >= IFNAMSIZ || strlen(new_name) >= IFNAMSIZ) return -ENAMETOOLONG;
    struct setting s = {.name = name, .new_name = new_name, .target_fd = target_fd, .up = -1};
    return chost_netns_run(namespace_fd, set_here, &s);
}

int chost_link_set_up(int namespace_fd, const char *name, int up) {
    if (strlen(name) >= IFNAMSIZ) return -ENAMETOOLONG;
    struct setting s = {.name = name, .target_fd = -1, .up = up != 0};
    return chost_netns_run(namespace_fd, set_here, &s);
}
