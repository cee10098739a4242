#define _GNU_SOURCE
#include "chost.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct endpoint {
    uint32_t address;
    uint16_t port;
    int backlog;
};

static int listen_here(void *context) {
    struct endpoint *e = context;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(e->port), .sin_addr.s_addr = htonl(e->address)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, e->backlog) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

int chost_listen(int namespace_fd, uint32_t address, uint16_t port, int backlog) {
    struct endpoint e = {address, port, backlog};
    return chost_netns_run(namespace_fd, listen_here, &e);
}
