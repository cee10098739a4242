#define _GNU_SOURCE
#include "tap.h"

#include <err.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>

/* Younger than some systems' headers; the kernel refuses them when it is older still. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

static void ask_for_offloads(int fd) {
    int header_bytes = 12;
    if (ioctl(fd, TUNSETVNETHDRSZ, &header_bytes) < 0) err(1, "TUNSETVNETHDRSZ");
    unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    unsigned all = tcp | TUN_F_USO4 | TUN_F_USO6;
    if (ioctl(fd, TUNSETOFFLOAD, all) < 0 && ioctl(fd, TUNSETOFFLOAD, tcp) < 0) err(1, "TUNSETOFFLOAD");
}

int tap_open(const char *name, bool virtio_header) {
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) err(1, "/dev/net/tun");
    struct ifreq request = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | (virtio_header ? IFF_VNET_HDR : 0))};
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (ioctl(fd, TUNSETIFF, &request) < 0) err(1, "interface %s", name);
    if (virtio_header) ask_for_offloads(fd);
    return fd;
}
