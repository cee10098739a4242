#define _GNU_SOURCE
#include "cport.h"
#include "netlink.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct listing {
    struct cport_link *links;
    int capacity, count;
};

static void take_link(void *context, struct nlmsghdr *h) {
    struct listing *l = context;
    struct ifinfomsg *info = NLMSG_DATA(h);
    struct cport_link link;
    memset(&link, 0, sizeof link);
    link.index = info->ifi_index;
    link.is_up = (info->ifi_flags & IFF_UP) != 0;
    int length = (int)IFLA_PAYLOAD(h);
    for (struct rtattr *a = IFLA_RTA(info); RTA_OK(a, length); a = RTA_NEXT(a, length)) {
        switch (a->rta_type & NLA_TYPE_MASK) {
        case IFLA_IFNAME: cport_netlink_text(link.name, sizeof link.name, a); break;
        case IFLA_IFALIAS: cport_netlink_text(link.alias, sizeof link.alias, a); break;
        case IFLA_MTU: memcpy(&link.mtu, RTA_DATA(a), 4); break;
        case IFLA_TXQLEN: memcpy(&link.queue_length, RTA_DATA(a), 4); break;
        case IFLA_MASTER: link.has_master = 1; break;
        case IFLA_CARRIER: link.has_carrier = *(uint8_t *)RTA_DATA(a) != 0; break;
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
                if (b->rta_type == IFLA_ALT_IFNAME && !link.altname[0]) cport_netlink_text(link.altname, sizeof link.altname, b);
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
    struct cport_message m = cport_netlink_begin(RTM_GETLINK, 0, &body, sizeof body);
    int result = cport_netlink_dump(&m, RTM_NEWLINK, take_link, l);
    return result < 0 ? result : l->count;
}

int cport_link_list(int namespace_fd, struct cport_link *links, int capacity) {
    struct listing l = {links, capacity, 0};
    return cport_netns_run(namespace_fd, list_here, &l);
}

struct setting {
    const char *name;
    const uint8_t *mac;
    uint32_t mtu, queue_length;
    const char *alias, *altname;
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
    int fd = cport_netlink_open();
    if (fd < 0) return fd;
    struct cport_message m = cport_netlink_begin(RTM_SETLINK, 0, &body, sizeof body);
    cport_netlink_put(&m, IFLA_IFNAME, s->name, strlen(s->name) + 1);
    if (s->mac) cport_netlink_put(&m, IFLA_ADDRESS, s->mac, 6);
    if (s->mtu) cport_netlink_put(&m, IFLA_MTU, &s->mtu, 4);
    if (s->queue_length) cport_netlink_put(&m, IFLA_TXQLEN, &s->queue_length, 4);
    if (s->alias) cport_netlink_put(&m, IFLA_IFALIAS, s->alias, strlen(s->alias));
    if (s->target_fd >= 0) cport_netlink_put(&m, IFLA_NET_NS_FD, &s->target_fd, 4);
    int result = cport_netlink_request(fd, &m);
    if (result == 0 && s->altname) {
        body = (struct ifinfomsg){.ifi_family = AF_UNSPEC};
        struct cport_message p =
            cport_netlink_begin(RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, &body, sizeof body);
        cport_netlink_put(&p, IFLA_IFNAME, s->name, strlen(s->name) + 1);
        struct rtattr *list = cport_netlink_put(&p, IFLA_PROP_LIST | NLA_F_NESTED, NULL, 0);
        cport_netlink_put(&p, IFLA_ALT_IFNAME, s->altname, strlen(s->altname) + 1);
        list->rta_len = (uint16_t)((uint8_t *)&p + p.header.nlmsg_len - (uint8_t *)list);
        result = cport_netlink_request(fd, &p);
    }
    close(fd);
    return result;
}

int cport_link_set(int namespace_fd, const char *name, const uint8_t *mac, uint32_t mtu, uint32_t queue_length,
                   const char *alias, const char *altname) {
    if (strlen(name) >= IFNAMSIZ || (alias && strlen(alias) > 255) || (altname && strlen(altname) > 127))
        return -ENAMETOOLONG;
    struct setting s = {name, mac, mtu, queue_length, alias, altname, .target_fd = -1, .up = -1};
    return cport_netns_run(namespace_fd, set_here, &s);
}

int cport_link_move(int namespace_fd, const char *name, int target_fd) {
    if (strlen(name) >= IFNAMSIZ) return -ENAMETOOLONG;
    struct setting s = {.name = name, .target_fd = target_fd, .up = -1};
    return cport_netns_run(namespace_fd, set_here, &s);
}

int cport_link_set_up(int namespace_fd, const char *name, int up) {
    if (strlen(name) >= IFNAMSIZ) return -ENAMETOOLONG;
    struct setting s = {.name = name, .target_fd = -1, .up = up != 0};
    return cport_netns_run(namespace_fd, set_here, &s);
}
