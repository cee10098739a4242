#include "COpenAPI.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char text[] = {
#embed "../API/openapi.yaml"
};

const unsigned char *_Nonnull toprack_openapi(void) { return text; }
size_t toprack_openapi_size(void) { return sizeof text; }
