/// The portal's templates, style and script, as the bytes of the files in Sources/API/Portal/Assets. They are part of the
/// program, so that it needs no other file where it is installed; they come in by C for the reason that COpenAPI gives.

#pragma once

#include <stddef.h>

struct toprack_asset {
  const char *_Nonnull name;
  const unsigned char *_Nonnull bytes;
  size_t size;
};

/// There as long as the program.
const struct toprack_asset *_Nonnull toprack_portal_assets(void);
size_t toprack_portal_asset_count(void);
