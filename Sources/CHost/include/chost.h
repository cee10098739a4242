/* chost: the C of administration: interfaces, addresses, routes, namespaces, programs. One function per system-call
 * sequence that Swift cannot express well; no policy, no state of its own, no allocation that outlives a call. Every
 * function returns a value >= 0, or -errno: `errno` itself is not part of the contract, because Swift may overwrite
 * it before reading it.
 *
 *   netns.c   doing something inside another network namespace; making and removing named ones
 *   tap.c     making TAP interfaces, and where they are
 *   link.c    rtnetlink: list interfaces, set alias, MAC address, MTU, alternative name, up and down
 *   address.c rtnetlink: IP addresses of interfaces
 *   route.c   rtnetlink: routes
 *   sysctl.c  settings of one interface below /proc/sys/net
 *   listen.c  a listening TCP socket inside a namespace
 *   run.c     a program of the system, run to its end; a process without rights
 *   pty.c     a shell on a terminal of its own inside a namespace; serial devices
 *
 * Descriptors that a function returns belong to the caller. All are close-on-exec. Frames are cport's. */
#ifndef CHOST_H
#define CHOST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- netns.c ---------------------------------------------------------------------------------------------------- */

/* Runs `body(context)` with the calling thread inside the network namespace `namespace_fd` (-1: where it is already)
 * and returns its result. The thread is back in its own namespace afterwards; where that fails the process aborts,
 * because a thread in the wrong namespace would do later work there unseen. Needs CAP_SYS_ADMIN. */
int chost_netns_run(int namespace_fd, int (*body)(void *context), void *context);

/* Makes a network namespace and binds it to `path` (its directory must be a shared mount, as ip-netns(8) leaves it;
 * it is made one when it is not). Works from within a service whose mount namespace is private: the mount is made in
 * that of process 1 when the two differ. -EEXIST when the name is taken.
 *
 * `mark` (at most 255 bytes) becomes the alias of its `lo` before it has a name, and the text of the file that it is
 * bound over: whenever the process is killed, in here or in chost_netns_remove, what is left under `path` carries
 * the mark. */
int chost_netns_make(const char *directory, const char *path, const char *mark);

/* Whether `path` is only the file that a namespace was, or was to be, bound over: then 1, and its text is put into
 * `mark`. 0 when a namespace is there. */
int chost_netns_abandoned(const char *path, char *mark, size_t size);

/* Takes the binding `path` away. The namespace itself ends when nothing lives in it any more. */
int chost_netns_remove(const char *path);

/* Binds the namespace `namespace_fd` to `path`, as chost_netns_make does a new one; `mark` becomes the text of the
 * file that it is bound over. -EEXIST when the name is taken. */
int chost_netns_bind(int namespace_fd, const char *directory, const char *path, const char *mark);

/* What tells a network namespace from every other. `device` and `inode` of its file are used again when it has
 * ended; the cookie (Linux 5.14; 0 where there is none) is not while the machine runs. */
struct chost_netns_identity {
    uint64_t device, inode, cookie;
};

/* Of `namespace_fd`; -1: the calling thread's. */
int chost_netns_identify(int namespace_fd, struct chost_netns_identity *identity);

/* Makes a network namespace that has no name: a descriptor of it. It ends with the last descriptor, socket and TAP
 * of it. */
int chost_netns_private(void);

/* ---- tap.c ------------------------------------------------------------------------------------------------------ */

/* What the kernel may leave to the switch: returned by chost_tap_open in `offloads`. */
enum {
    CHOST_OFFLOAD_CHECKSUM = 1, /* frames may come with a checksum to finish */
    CHOST_OFFLOAD_TSO = 2,      /* TCP super-frames, IPv4 and IPv6, with ECN */
    CHOST_OFFLOAD_USO = 4,      /* UDP super-frames (Linux 6.2) */
};

/* Creates the TAP `name` inside `namespace_fd` (-1: here), or attaches to the persistent one of that name:
 * non-blocking, no packet-information prefix, a 12-byte virtio-net header before each frame, all offloads that the
 * kernel takes. `name` is at most 15 bytes: longer is -ENAMETOOLONG, because the kernel would cut it silently
 * (TUNSETIFF). `carrier`: whether its cable is plugged from then on; on Linux before 6.3 it is plugged for a moment
 * in any case. -EBUSY: another descriptor holds it. -EINVAL: an interface of that name exists and is no TAP. */
int chost_tap_open(int namespace_fd, const char *name, int carrier, unsigned *offloads);

/* What the interface is called now, at most 15 bytes and NUL; whoever has renamed it. -EBADFD when it is gone. */
int chost_tap_name(int fd, char name[16]);

/* A descriptor of the network namespace in which the interface is now, wherever somebody has moved it. -EBADFD when
 * it is gone. Needs CAP_NET_ADMIN there. */
int chost_tap_namespace(int fd);

/* A descriptor of the network namespace in which `fd` was opened, which it keeps alive; also when the interface is
 * gone. */
int chost_tap_home(int fd);

/* ---- link.c ----------------------------------------------------------------------------------------------------- */

struct chost_link {
    int32_t index;
    uint32_t mtu;
    uint32_t queue_length;
    uint8_t mac[6];
    uint8_t is_up;
    uint8_t is_tap;
    uint8_t has_carrier;
    uint8_t has_master;
    uint8_t is_persistent; /* of a TAP: it outlives whoever opened it */
    char name[16];      /* NUL-terminated, as are the others */
    char alias[256];
    char altname[128];  /* the first one */
};

/* Lists the interfaces of `namespace_fd`. Writes up to `capacity` of them and returns how many there are; call again
 * with more room when that is greater. */
int chost_link_list(int namespace_fd, struct chost_link *links, int capacity);

/* Sets what is given of the interface `name`: `mac` (6 bytes), `mtu`, `queue_length` (0: leave), `alias`, `altname`
 * (NULL: leave). */
int chost_link_set(int namespace_fd, const char *name, const uint8_t *mac, uint32_t mtu, uint32_t queue_length,
                   const char *alias, const char *altname);

/* The one interface `name` of `namespace_fd`. -ENODEV when there is none. */
int chost_link_find(int namespace_fd, const char *name, struct chost_link *link);

/* Moves the interface `name` from `namespace_fd` into `target_fd` and calls it `new_name` there. Its descriptor goes on
 * working. The two may be one: then it is renamed, which fails with EBUSY while it is up on older kernels. */
int chost_link_move(int namespace_fd, const char *name, int target_fd, const char *new_name);

/* A socket that becomes readable when an interface of `namespace_fd` is made, changed or removed: non-blocking. It
 * keeps the namespace alive. */
int chost_link_watch(int namespace_fd);

/* Takes what `chost_link_watch` has to say: the indexes of interfaces that something has happened to, one after
 * another and some of them more than once. Returns how many were written, 0 when there is nothing more for now.
 * -ENOBUFS: messages were lost, so anything may have happened. */
int chost_link_watch_read(int fd, int32_t *indexes, int capacity);

/* Sets the interface `name` up (1) or down (0). */
int chost_link_set_up(int namespace_fd, const char *name, int up);

/* ---- address.c -------------------------------------------------------------------------------------------------- */

/* IP addresses are 16 bytes as they go on the wire, an IPv4 one in its mapped form ::ffff:a.b.c.d, and the length of a
 * prefix counts bits of that: an IPv4 /31 has length 127. */
struct chost_address {
    int32_t interface;  /* its index */
    uint8_t length;
    uint8_t is_link_local; /* scope link */
    uint8_t local[16];
    uint8_t peer[16];   /* the other end of a point-to-point interface; elsewhere as `local` */
};

/* Lists the addresses of all interfaces of `namespace_fd`; capacity and result as with chost_link_list. */
int chost_address_list(int namespace_fd, struct chost_address *addresses, int capacity);

/* Gives `interface` an address with its prefix; it may have it already. An IPv6 one is usable at once: no duplicate
 * address detection. */
int chost_address_set(int namespace_fd, int interface, const uint8_t *ip, int length);
int chost_address_remove(int namespace_fd, int interface, const uint8_t *ip, int length);

/* ---- route.c ---------------------------------------------------------------------------------------------------- */

struct chost_route {
    int32_t interface;  /* its index; 0 when it has none */
    uint32_t table;     /* 254 main, 255 local */
    uint32_t metric;    /* 0: the kernel's default */
    uint8_t protocol;   /* who made it: RTPROT_… of linux/rtnetlink.h, or a number of one's own */
    uint8_t type;       /* RTN_…: 1 unicast, 2 local, 6 blackhole, … */
    uint8_t length;
    uint8_t has_gateway, has_source;
    uint8_t is_onlink;  /* the gateway need not be in a prefix of the interface; not listed */
    uint8_t destination[16];
    uint8_t gateway[16];
    uint8_t source[16]; /* preferred */
};

/* Lists the routes of the tables main and local; capacity and result as with chost_link_list. Of a route with
 * several next hops the first is shown. */
int chost_route_list(int namespace_fd, struct chost_route *routes, int capacity);

enum chost_route_verb {
    CHOST_ROUTE_ADD,     /* -EEXIST when there is one with that destination and metric */
    CHOST_ROUTE_REPLACE,
    CHOST_ROUTE_REMOVE,  /* the one that agrees with everything but the source */
};

/* Changes the table main; only unicast routes. */
int chost_route_change(int namespace_fd, enum chost_route_verb verb, const struct chost_route *route);

/* ---- sysctl.c --------------------------------------------------------------------------------------------------- */

/* Writes `value` to /proc/sys/net/`family`/conf/`name`/`key` of `namespace_fd`. `family`: "ipv4" or "ipv6". */
int chost_sysctl_interface(int namespace_fd, const char *family, const char *name, const char *key, const char *value);

/* Reads /proc/sys/net/`path` of `namespace_fd` into `value`, NUL-terminated, and returns its length. */
int chost_sysctl_read(int namespace_fd, const char *path, char *value, size_t size);

/* ---- listen.c --------------------------------------------------------------------------------------------------- */

/* Opens a TCP socket that listens at the IPv4 `address` (a number) inside `namespace_fd`, non-blocking. It stays in
 * there, and so do the connections that it accepts, whoever uses them. */
int chost_listen(int namespace_fd, uint32_t address, uint16_t port, int backlog);

/* ---- run.c ------------------------------------------------------------------------------------------------------ */

/* Runs the program arguments[0] (a path) inside `namespace_fd` with `input` (at most 60 000 bytes) on its standard
 * input, and returns its exit status, or 128 and the signal that ended it. What it says on standard output and error
 * goes to `output`, cut to what fits and NUL-terminated. -ETIMEDOUT: it said nothing for `timeout_ms`, and was
 * killed. */
int chost_run(int namespace_fd, char *const *arguments, const char *input, char *output, size_t capacity, int timeout_ms);

/* Makes the calling process nobody's (65534), without capabilities and without a way to any. For one that has no other
 * threads yet. */
int chost_give_up_rights(void);

/* ---- pty.c ------------------------------------------------------------------------------------------------------ */

/* A shell on a terminal of its own, in a server's network namespace. Pointers are borrowed for the call. */
struct chost_shell {
    const char *path;
    char *const *arguments;   /* NULL at the end, as of execve(2) */
    char *const *environment;
    const char *hostname;     /* what it takes its host's name to be */
    /* Not 0: it is not root, but this user, who owns nothing, may configure the namespace (CAP_NET_ADMIN, CAP_NET_RAW,
     * CAP_NET_BIND_SERVICE), sees none of the host's processes and sockets, and can write to /tmp alone. */
    uint32_t confined_to;
    const char *users;         /* what a confined one finds as /etc/passwd */
    const char *const *hidden; /* directories that a confined one finds empty; NULL at the end */
};

/* Starts it. Returns the terminal's master, non-blocking, and its process. It is a session of its own: what is typed as
 * Ctrl-C ends what it runs. Closing the master ends it (SIGHUP); chost_shell_end must follow. */
int chost_shell_start(const struct chost_shell *shell, int namespace_fd, uint16_t rows, uint16_t columns, pid_t *pid);
int chost_terminal_resize(int fd, uint16_t rows, uint16_t columns);

/* Waits for it, up to `patience_ms`, then kills it. Returns its exit status, or 128 and the signal that ended it. */
int chost_shell_end(pid_t pid, int patience_ms);

/* Opens a serial device, non-blocking, raw, with the speed that it has. -ENOTTY: it is none. */
int chost_serial_open(const char *path);
/* A break of a quarter of a second or more; blocks as long. */
int chost_serial_break(int fd);

#endif
