/* Opens TAP interfaces. With `virtio_header`, each frame has 12 bytes of virtio-net header in front, and the kernel may leave
 * checksums and segments to the other end: what makes TCP fast. */
#pragma once
#include <stdbool.h>

/* Makes the interface `name` and returns its descriptor, non-blocking. Ends the program when that is refused. */
int tap_open(const char *name, bool virtio_header);
