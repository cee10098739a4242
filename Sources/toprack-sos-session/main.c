/* What Debian's sshd starts for the consoles of servers: a small program between a terminal and the daemon's
 * console.sock.
 *
 *   toprack-sos-session keys SOCKET LOGIN   prints the keys that open LOGIN's console (AuthorizedKeysCommand)
 *   toprack-sos-session console SOCKET      is the console (ForceCommand)
 *
 * How it works. sshd has decided who has which key, and says so in the environment: USER, SSH_CONNECTION, and the
 * file SSH_USER_AUTH (ExposeAuthInfo) with the key. All of that goes to the daemon in one line, then frames go both
 * ways; their form is in Machines/SOSLine.swift. The terminal is raw meanwhile. Without a terminal standard input
 * goes to the console, and half a second of silence after its end leaves.
 *
 * Exit status: 0 when the visitor has left, 1 when the console has ended or was refused, with the reason on the
 * terminal. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

enum { FRAME_DATA = 0, FRAME_WINDOW = 1, FRAME_END = 1, QUIET_MS = 500 };

static struct termios before;
static int is_raw;
static volatile sig_atomic_t has_resized;

static void restore(void) {
    if (is_raw) tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    is_raw = 0;
}

/* The last line, on a terminal that may stand in the middle of one: while it is raw, so that line ends go as they
 * are. */
static int leave(int status, const char *reason) {
    if (reason && *reason) printf("\r\n[%s]\r\n", reason);
    else if (is_raw) printf("\r\n");
    fflush(stdout);
    restore();
    return status;
}

static int write_all(int fd, const void *bytes, size_t length) {
    const char *next = bytes;
    while (length > 0) {
        ssize_t n = write(fd, next, length);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            poll(&p, 1, -1);
            continue;
        }
        if (n <= 0) return -1;
        next += n;
        length -= (size_t)n;
    }
    return 0;
}

static int connect_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) return -1;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A word of the line: nothing in it may end the word or the line. */
static const char *word(const char *text, const char *otherwise) {
    if (!text || !*text) return otherwise;
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 127) return otherwise;
    return text;
}

static int keys(const char *path, const char *login) {
    int fd = connect_to(path);
    if (fd < 0) {
        fprintf(stderr, "toprack-sos: toprackd does not answer at %s\n", path);
        return 1;
    }
    char bytes[65536];
    int length = snprintf(bytes, sizeof bytes, "keys %s\n", word(login, "-"));
    if (length >= (int)sizeof bytes || write_all(fd, bytes, (size_t)length) < 0) return 1;
    for (;;) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0;
        if (write_all(STDOUT_FILENO, bytes, (size_t)n) < 0) return 1;
    }
}

/* The key that sshd has let in: "publickey ssh-ed25519 AAAA…" in the file that SSH_USER_AUTH names. */
static int read_key(char kind[64], char base64[24576]) {
    const char *path = getenv("SSH_USER_AUTH");
    FILE *file = path ? fopen(path, "re") : NULL;
    if (!file) return -1;
    int found = fscanf(file, "publickey %63s %24575s", kind, base64);
    fclose(file);
    return found == 2 ? 0 : -1;
}

static void on_resize(int number) {
    (void)number;
    has_resized = 1;
}

static int send_window(int fd) {
    struct winsize size;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0) return 0;
    uint8_t frame[7] = {FRAME_WINDOW,           0, 4, (uint8_t)(size.ws_row >> 8), (uint8_t)size.ws_row,
                        (uint8_t)(size.ws_col >> 8), (uint8_t)size.ws_col};
    return write_all(fd, frame, sizeof frame);
}

static int send_keys(int fd, const uint8_t *bytes, size_t length) {
    uint8_t head[3] = {FRAME_DATA, (uint8_t)(length >> 8), (uint8_t)length};
    return write_all(fd, head, sizeof head) < 0 ? -1 : write_all(fd, bytes, length);
}

/* Frames from the daemon, which come in pieces. */
struct reader {
    uint8_t bytes[65536 + 3];
    size_t count;
};

/* Returns 0 to go on, 1 when the console has ended (`reason` is filled), -1 when the terminal is gone. */
static int take(struct reader *r, char reason[1025]) {
    size_t start = 0;
    while (r->count - start >= 3) {
        size_t length = (size_t)r->bytes[start + 1] << 8 | r->bytes[start + 2];
        if (r->count - start < 3 + length) break;
        uint8_t *payload = r->bytes + start + 3;
        if (r->bytes[start] == FRAME_END) {
            size_t shown = length < 1024 ? length : 1024;
            memcpy(reason, payload, shown);
            reason[shown] = 0;
            return 1;
        }
        if (write_all(STDOUT_FILENO, payload, length) < 0) return -1;
        start += 3 + length;
    }
    memmove(r->bytes, r->bytes + start, r->count - start);
    r->count -= start;
    return 0;
}

static int console(const char *path) {
    static char kind[64], base64[24576], line[32768];
    static struct reader reader;
    char reason[1025] = "";
    if (read_key(kind, base64) < 0) return leave(1, "sshd does not say which key this is: ExposeAuthInfo is off");
    int fd = connect_to(path);
    if (fd < 0) return leave(1, "toprackd is not running, and with it all consoles");

    char from[128] = "-";
    const char *connection = getenv("SSH_CONNECTION");
    if (connection) sscanf(connection, "%127s", from);
    struct winsize size = {0};
    int has_terminal = isatty(STDIN_FILENO);
    if (has_terminal) ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
    int length = snprintf(line, sizeof line, "console %s %s %s %s %u %u %s\n", word(getenv("USER"), "-"), kind, base64,
                          word(from, "-"), size.ws_row, size.ws_col, word(getenv("TERM"), "vt100"));
    if (length >= (int)sizeof line || write_all(fd, line, (size_t)length) < 0)
        return leave(1, "toprackd has closed the connection");

    if (has_terminal && tcgetattr(STDIN_FILENO, &before) == 0) {
        struct termios raw = before;
        cfmakeraw(&raw);
        tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
        is_raw = 1;
    }
    struct sigaction action = {.sa_handler = on_resize};
    sigaction(SIGWINCH, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* SIGWINCH comes only while ppoll waits, so that none is missed. */
    sigset_t blocked, waiting;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGWINCH);
    sigprocmask(SIG_BLOCK, &blocked, &waiting);

    int input = STDIN_FILENO;
    for (;;) {
        if (has_resized) {
            has_resized = 0;
            if (send_window(fd) < 0) return leave(1, "toprackd has closed the connection");
        }
        struct pollfd polled[2] = {{.fd = fd, .events = POLLIN}, {.fd = input, .events = POLLIN}};
        struct timespec quiet = {QUIET_MS / 1000, QUIET_MS % 1000 * 1000000L};
        int n = ppoll(polled, 2, input < 0 ? &quiet : NULL, &waiting);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) return leave(0, NULL);
        if (polled[0].revents) {
            ssize_t got = read(fd, reader.bytes + reader.count, sizeof reader.bytes - reader.count);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return leave(1, "toprackd has ended, and with it this session; come again when it is back");
            reader.count += (size_t)got;
            int taken = take(&reader, reason);
            if (taken < 0) return leave(1, NULL);
            if (taken > 0) return leave(reason[0] != 0, reason);
        }
        if (input >= 0 && polled[1].revents) {
            uint8_t bytes[4096];
            ssize_t got = read(input, bytes, sizeof bytes);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) {
                /* The window was closed, or the end of what was piped in. */
                if (has_terminal) return leave(0, NULL);
                input = -1;
            } else if (send_keys(fd, bytes, (size_t)got) < 0) {
                /* The reason is on its way. */
                input = -1;
            }
        }
    }
}

int main(int count, char **arguments) {
    if (count == 4 && strcmp(arguments[1], "keys") == 0) return keys(arguments[2], arguments[3]);
    if (count == 3 && strcmp(arguments[1], "console") == 0) return console(arguments[2]);
    fputs("usage: toprack-sos-session keys SOCKET LOGIN | toprack-sos-session console SOCKET\n"
          "sshd starts this; `ssh -p 2222 SERVER@HOST` is the way to a console, and toprack-sos starts that sshd\n",
          stderr);
    return 2;
}
