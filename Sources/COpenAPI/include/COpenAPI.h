/// The description of the API, as the bytes of Sources/API/openapi.yaml. They are part of the program, so that it needs no
/// other file where it is installed; and they come in by C, because Swift takes half a minute for an array of that length.

#pragma once

#include <stddef.h>

/// Never NULL, and there as long as the program.
const unsigned char *_Nonnull toprack_openapi(void);
size_t toprack_openapi_size(void);
