#define _GNU_SOURCE
#include "chost.h"
#include "netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

struct listing {
    struct chost_route *routes;
    int capacity, count;
};

/* RTA_VIA: a gateway of another family than the route, struct rtvia. */
static void take_via(struct chost_route *route, const struct rtattr *a) {
    const struct rtvia *via = RTA_DATA(a);
    if (RTA_PAYLOAD(a) < sizeof *via) return;
    size_t size = via->rtvia_family == AF_INET ? 4 : 16;
    if (RTA_PAYLOAD(a) < sizeof *via + size) return;
    chost_ip_any(route->gateway, via->rtvia_family);
    memcpy(route->gateway + 16 - size, via->rtvia_addr, size);
    route->has_gateway = 1;
}

static void take_next_hop(struct chost_route *route, int family, const struct rtattr *a) {
    switch (a->rta_type) {
    case RTA_OIF: memcpy(&route->interface, RTA_DATA(a), 4); break;
    case RTA_GATEWAY:
        chost_ip_take(route->gateway, family, a);
        route->has_gateway = 1;
        break;
    case RTA_VIA: take_via(route, a); break;
    default: break;
    }
}

/* Of several next hops the first. */
static void take_multipath(struct chost_route *route, int family, const struct rtattr *a) {
    const struct rtnexthop *hop = RTA_DATA(a);
    if (RTA_PAYLOAD(a) < sizeof *hop || hop->rtnh_len < sizeof *hop || hop->rtnh_len > RTA_PAYLOAD(a)) return;
    route->interface = hop->rtnh_ifindex;
    int length = (int)(hop->rtnh_len - sizeof *hop);
    for (struct rtattr *b = RTNH_DATA(hop); RTA_OK(b, length); b = RTA_NEXT(b, length)) take_next_hop(route, family, b);
}

static void take_route(void *context, struct nlmsghdr *h) {
    struct listing *l = context;
    struct rtmsg *body = NLMSG_DATA(h);
    int family = body->rtm_family;
    if ((family != AF_INET && family != AF_INET6) || body->rtm_flags & RTM_F_CLONED) return;
    struct chost_route route;
    memset(&route, 0, sizeof route);
    chost_ip_any(route.destination, family);
    route.length = (uint8_t)(body->rtm_dst_len + (family == AF_INET ? 96 : 0));
    route.protocol = body->rtm_protocol;
    route.type = body->rtm_type;
    route.table = body->rtm_table;
    int length = (int)RTM_PAYLOAD(h);
    for (struct rtattr *a = RTM_RTA(body); RTA_OK(a, length); a = RTA_NEXT(a, length)) {
        switch (a->rta_type) {
        case RTA_DST: chost_ip_take(route.destination, family, a); break;
        case RTA_TABLE: memcpy(&route.table, RTA_DATA(a), 4); break;
        case RTA_PRIORITY: memcpy(&route.metric, RTA_DATA(a), 4); break;
        case RTA_MULTIPATH: take_multipath(&route, family, a); break;
        case RTA_PREFSRC:
            chost_ip_take(route.source, family, a);
            route.has_source = 1;
            break;
        default: take_next_hop(&route, family, a); break;
        }
    }
    if (route.table != RT_TABLE_MAIN && route.table != RT_TABLE_LOCAL) return;
    if (l->count < l->capacity) l->routes[l->count] = route;
    l->count++;
}

static int list_here(void *context) {
    struct listing *l = context;
    struct rtmsg body = {.rtm_family = AF_UNSPEC};
    struct chost_message m = chost_netlink_begin(RTM_GETROUTE, 0, &body, sizeof body);
    int result = chost_netlink_dump(&m, RTM_NEWROUTE, take_route, l);
    return result < 0 ? result : l->count;
}

int chost_route_list(int namespace_fd, struct chost_route *routes, int capacity) {
    struct listing l = {routes, capacity, 0};
    return chost_netns_run(namespace_fd, list_here, &l);
}

static int do_here(void *context) { return chost_netlink_do(context); }

int chost_route_change(int namespace_fd, enum chost_route_verb verb, const struct chost_route *route) {
    size_t size, gateway_size = 0;
    const uint8_t *bytes = chost_ip_bytes(route->destination, &size);
    /* Of ::/0 and other short IPv6 prefixes the base is not mapped; 0.0.0.0/0 is ::ffff:0.0.0.0/96. */
    int v4 = size == 4 && route->length >= 96;
    if (!v4) bytes = route->destination, size = 16;
    const uint8_t *gateway = route->has_gateway ? chost_ip_bytes(route->gateway, &gateway_size) : NULL;
    if (gateway && gateway_size != size) return -EAFNOSUPPORT;
    struct rtmsg body = {
        .rtm_family = v4 ? AF_INET : AF_INET6,
        .rtm_dst_len = (uint8_t)(v4 ? route->length - 96 : route->length),
        .rtm_table = RT_TABLE_MAIN,
        .rtm_protocol = route->protocol,
        .rtm_scope = v4 && !gateway ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
        .rtm_type = RTN_UNICAST,
        .rtm_flags = gateway && route->is_onlink ? RTNH_F_ONLINK : 0,
    };
    uint16_t type = RTM_NEWROUTE, flags = NLM_F_CREATE | NLM_F_EXCL;
    if (verb == CHOST_ROUTE_REPLACE) flags = NLM_F_CREATE | NLM_F_REPLACE;
    if (verb == CHOST_ROUTE_REMOVE) type = RTM_DELROUTE, flags = 0;
    struct chost_message m = chost_netlink_begin(type, flags, &body, sizeof body);
    chost_netlink_put(&m, RTA_DST, bytes, size);
    chost_netlink_put(&m, RTA_OIF, &route->interface, 4);
    if (gateway) chost_netlink_put(&m, RTA_GATEWAY, gateway, gateway_size);
    if (route->metric) chost_netlink_put(&m, RTA_PRIORITY, &route->metric, 4);
    if (route->has_source && verb != CHOST_ROUTE_REMOVE) {
        size_t source_size;
        const uint8_t *source = chost_ip_bytes(route->source, &source_size);
        if (source_size != size) return -EAFNOSUPPORT;
        chost_netlink_put(&m, RTA_PREFSRC, source, source_size);
    }
    return chost_netns_run(namespace_fd, do_here, &m);
}
