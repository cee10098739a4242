#define _GNU_SOURCE
#include "chost.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Linux 6.2; absent from older headers. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

/* Linux 6.3. */
#ifndef IFF_NO_CARRIER
#define IFF_NO_CARRIER 0x0040
#endif

/* Linux 5.2 and 4.20. */
#ifndef TUNGETDEVNETNS
#define TUNGETDEVNETNS _IO('T', 227)
#endif
#ifndef SIOCGSKNS
#define SIOCGSKNS 0x894C
#endif

struct request {
    const char *name;
    int carrier;
    unsigned *offloads;
};

static int open_here(void *context) {
    struct request *r = context;
    struct ifreq interface;
    int header = 12; /* struct virtio_net_hdr_mrg_rxbuf: 10 bytes and num_buffers */
    memset(&interface, 0, sizeof interface);
    strncpy(interface.ifr_name, r->name, IFNAMSIZ - 1);
    interface.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (r->carrier ? 0 : IFF_NO_CARRIER);
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return -errno;
    unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    *r->offloads = 0;
    if (ioctl(fd, TUNSETIFF, &interface) < 0 || ioctl(fd, TUNSETVNETHDRSZ, &header) < 0 ||
        (!r->carrier && ioctl(fd, TUNSETCARRIER, &r->carrier) < 0)) {
        int error = -errno;
        close(fd);
        return error;
    }
    if (ioctl(fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) == 0) {
        *r->offloads = CHOST_OFFLOAD_CHECKSUM | CHOST_OFFLOAD_TSO | CHOST_OFFLOAD_USO;
    } else if (ioctl(fd, TUNSETOFFLOAD, tcp) == 0) {
        *r->offloads = CHOST_OFFLOAD_CHECKSUM | CHOST_OFFLOAD_TSO;
    }
    return fd;
}

int chost_tap_open(int namespace_fd, const char *name, int carrier, unsigned *offloads) {
    size_t length = strlen(name);
    if (length == 0) return -EINVAL;
    if (length >= IFNAMSIZ) return -ENAMETOOLONG;
    struct request r = {name, carrier, offloads};
    return chost_netns_run(namespace_fd, open_here, &r);
}

int chost_tap_name(int fd, char name[16]) {
    struct ifreq interface;
    memset(&interface, 0, sizeof interface);
    if (ioctl(fd, TUNGETIFF, &interface) < 0) return -errno;
    memcpy(name, interface.ifr_name, IFNAMSIZ);
    name[IFNAMSIZ - 1] = 0;
    return 0;
}

int chost_tap_namespace(int fd) {
    int result = ioctl(fd, TUNGETDEVNETNS);
    return result < 0 ? -errno : result;
}

int chost_tap_home(int fd) {
    int result = ioctl(fd, SIOCGSKNS);
    return result < 0 ? -errno : result;
}
