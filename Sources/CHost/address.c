#define _GNU_SOURCE
#include "chost.h"
#include "netlink.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <string.h>
#include <sys/socket.h>

struct listing {
    struct chost_address *addresses;
    int capacity, count;
};

static void take_address(void *context, struct nlmsghdr *h) {
    struct listing *l = context;
    struct ifaddrmsg *body = NLMSG_DATA(h);
    if (body->ifa_family != AF_INET && body->ifa_family != AF_INET6) return;
    struct chost_address address;
    memset(&address, 0, sizeof address);
    address.interface = (int32_t)body->ifa_index;
    address.length = (uint8_t)(body->ifa_prefixlen + (body->ifa_family == AF_INET ? 96 : 0));
    address.is_link_local = body->ifa_scope == RT_SCOPE_LINK;
    int length = (int)IFA_PAYLOAD(h), has_local = 0;
    for (struct rtattr *a = IFA_RTA(body); RTA_OK(a, length); a = RTA_NEXT(a, length)) {
        if (a->rta_type == IFA_LOCAL) {
            chost_ip_take(address.local, body->ifa_family, a);
            has_local = 1;
        }
        if (a->rta_type == IFA_ADDRESS) chost_ip_take(address.peer, body->ifa_family, a);
    }
    if (!has_local) memcpy(address.local, address.peer, sizeof address.local);
    if (l->count < l->capacity) l->addresses[l->count] = address;
    l->count++;
}

static int list_here(void *context) {
    struct listing *l = context;
    struct ifaddrmsg body = {.ifa_family = AF_UNSPEC};
    struct chost_message m = chost_netlink_begin(RTM_GETADDR, 0, &body, sizeof body);
    int result = chost_netlink_dump(&m, RTM_NEWADDR, take_address, l);
    return result < 0 ? result : l->count;
}

int chost_address_list(int namespace_fd, struct chost_address *addresses, int capacity) {
    struct listing l = {addresses, capacity, 0};
    return chost_netns_run(namespace_fd, list_here, &l);
}

static int do_here(void *context) { return chost_netlink_do(context); }

static int change(int namespace_fd, uint16_t type, uint16_t flags, int interface, const uint8_t *ip, int length) {
    size_t size;
    const uint8_t *bytes = chost_ip_bytes(ip, &size);
    struct ifaddrmsg body = {
        .ifa_family = size == 4 ? AF_INET : AF_INET6,
        .ifa_prefixlen = (uint8_t)(size == 4 ? length - 96 : length),
        .ifa_flags = size == 4 ? 0 : IFA_F_NODAD,
        .ifa_scope = RT_SCOPE_UNIVERSE,
        .ifa_index = (uint32_t)interface,
    };
    struct chost_message m = chost_netlink_begin(type, flags, &body, sizeof body);
    chost_netlink_put(&m, IFA_LOCAL, bytes, size);
    chost_netlink_put(&m, IFA_ADDRESS, bytes, size);
    return chost_netns_run(namespace_fd, do_here, &m);
}

int chost_address_set(int namespace_fd, int interface, const uint8_t *ip, int length) {
    return change(namespace_fd, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, interface, ip, length);
}

int chost_address_remove(int namespace_fd, int interface, const uint8_t *ip, int length) {
    return change(namespace_fd, RTM_DELADDR, 0, interface, ip, length);
}
