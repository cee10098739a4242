#define _GNU_SOURCE
#include "CCrash.h"

#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT};
static const char *const names[] = {"SIGSEGV", "SIGBUS", "SIGILL", "SIGTRAP", "SIGFPE", "SIGABRT"};

enum {
    frame_limit = 64,
    /* For all that is said. A crash inside of the loader or the allocator may hold a lock that backtrace(3) wants. */
    patience_us = 200000,
};

static const char *program = "", *priority = "";
static atomic_int speaker; /* the thread that crashed first */

/* A line in the making; text that does not fit is left out. */
struct line {
    char text[256];
    size_t length;
};

static void add(struct line *line, const char *text) {
    size_t length = strlen(text), room = sizeof line->text - line->length;
    if (length > room) length = room;
    memcpy(line->text + line->length, text, length);
    line->length += length;
}

static void add_hex(struct line *line, unsigned long value) {
    char digits[2 * sizeof value + 1];
    char *at = digits + sizeof digits - 1;
    *at = 0;
    do { *--at = "0123456789abcdef"[value & 15]; } while (value >>= 4);
    add(line, "0x");
    add(line, at);
}

static void end_by(int number) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    struct rlimit core;
    /* A limit of 0 says that no core is wanted; one that goes to a program would be written all the same, core(5), and
     * until then nobody else could have our interfaces. */
    if (getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0) prctl(PR_SET_DUMPABLE, 0);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, number);
    sigaction(number, &action, NULL);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
    raise(number);
    _exit(128 + number);
}

static void stop_the_clock_at_the_end(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    struct itimerval limit = {.it_value.tv_usec = patience_us};
    sigset_t alarm_only;
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    sigaction(SIGALRM, &action, NULL);
    pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
    setitimer(ITIMER_REAL, &limit, NULL);
}

static void crashed(int number, siginfo_t *info, void *context) {
    (void)context;
    int nobody = 0, self = (int)syscall(SYS_gettid);
    if (!atomic_compare_exchange_strong(&speaker, &nobody, self)) {
        if (nobody == self) end_by(number); /* what we do here has crashed as well */
        for (;;) pause();                   /* another thread speaks; the end is near */
    }
    stop_the_clock_at_the_end();

    const char *name = "a signal";
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (signals[i] == number) name = names[i];
    }
    char thread[16] = "";
    prctl(PR_GET_NAME, thread);
    struct line line = {.length = 0};
    add(&line, priority);
    add(&line, program);
    add(&line, " crashed: ");
    add(&line, name);
    add(&line, " in thread ");
    add(&line, thread);
    if (info->si_code > 0) { /* the processor's; a signal that somebody sent has no address */
        add(&line, " at ");
        add_hex(&line, (unsigned long)info->si_addr);
    }
    add(&line, "; it came from:\n");
    if (write(STDERR_FILENO, line.text, line.length) < 0) { /* nobody reads */ }

    void *frames[frame_limit];
    backtrace_symbols_fd(frames, backtrace(frames, frame_limit), STDERR_FILENO);
    end_by(number);
}

void crash_install(const char *name, int is_journal) {
    program = name;
    priority = is_journal ? "<2>" : "";
    void *frame;
    backtrace(&frame, 1); /* the first call loads a library, which the handler must not */
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction action = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
        sigemptyset(&action.sa_mask);
        sigaction(signals[i], &action, NULL);
    }
}
