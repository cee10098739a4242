#pragma once

/* What a program says when it crashes: one line, and the calls that led there, on standard error; then it is gone, by the
 * signal that ended it. Nothing is asked of another process, so it takes milliseconds, however many threads and
 * descriptors there are.
 *
 * `program`: what the line begins with; must live as long as the process. `is_journal`: standard error goes to the
 * journal, which takes a priority at the beginning of a line, sd-daemon(3).
 *
 * Call it once, before there are other threads. Takes the place of the handlers that Swift's runtime has installed. */
void crash_install(const char *program, int is_journal);
