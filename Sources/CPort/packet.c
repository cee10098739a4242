#define _GNU_SOURCE
#include "cport.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef TUNGETDEVNETNS
#define TUNGETDEVNETNS _IO('T', 227)
#endif

/* What PACKET_VNET_HDR takes: the header without the number of buffers. */
enum { SHORT_HEADER = 10, HEADER = 12 };

int cport_packet_open(const char *device) {
    struct ifreq request = {0};
    if (strlen(device) >= IFNAMSIZ) return -ENODEV;
    strcpy(request.ifr_name, device);
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    int on = 1, room = 4 << 20;
    struct sockaddr_ll place = {.sll_family = AF_PACKET};
    int fault = 0;
    if (ioctl(fd, SIOCGIFHWADDR, &request) < 0) {
        fault = errno;
    } else if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
        fault = EMEDIUMTYPE;
    } else if (ioctl(fd, SIOCGIFINDEX, &request) < 0) {
        fault = errno;
    } else if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) < 0) {
        fault = errno;
    } else {
        place.sll_ifindex = request.ifr_ifindex;
        if (bind(fd, (struct sockaddr *)&place, sizeof place) < 0) fault = errno;
    }
    if (fault) {
        close(fd);
        return -fault;
    }
    /* More room is welcome and not needed. */
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    return fd;
}

ssize_t cport_packet_write(int fd, const void *frame, size_t length) {
    if (length < HEADER) return -EINVAL;
    struct iovec parts[2] = {{.iov_base = (void *)frame, .iov_len = SHORT_HEADER},
                             {.iov_base = (char *)frame + HEADER, .iov_len = length - HEADER}};
    ssize_t n = writev(fd, parts, 2);
    return n < 0 ? -errno : n;
}

/* Whether two descriptors of namespaces are of the same one; closes both. One that is not to be had may be any. */
static int is_same(int one, int two) {
    struct stat a, b;
    int same = one < 0 || two < 0 || fstat(one, &a) < 0 || fstat(two, &b) < 0 ||
               (a.st_dev == b.st_dev && a.st_ino == b.st_ino);
    if (one >= 0) close(one);
    if (two >= 0) close(two);
    return same;
}

int cport_packet_leads_to(int fd, int tap) {
    struct sockaddr_ll place;
    socklen_t size = sizeof place;
    struct ifreq device = {0}, own = {0};
    if (getsockname(fd, (struct sockaddr *)&place, &size) < 0) return 0;
    device.ifr_ifindex = place.sll_ifindex;
    if (ioctl(fd, SIOCGIFNAME, &device) < 0 || ioctl(tap, TUNGETIFF, &own) < 0) return 0;
    if (strncmp(device.ifr_name, own.ifr_name, IFNAMSIZ) != 0) return 0;
    return is_same(ioctl(tap, TUNGETDEVNETNS, 0), ioctl(fd, SIOCGSKNS, 0));
}
