// `GET /toprack/backup`: the database as one file, while the daemon works.

import Control
import HummingbirdCore
import NIOCore

struct ToprackBackupRoutes {
  static let mediaType = "application/vnd.sqlite3"
  private static let piece = 1 << 16

  func register(on routes: inout Routes) {
    routes.get("/toprack/backup") { call in
      let file = try await call.backup()
      return .stream(Self.mediaType) { writer in
        var offset = 0
        while true {
          let bytes = try file.read(from: offset, count: Self.piece)
          if bytes.isEmpty { break }
          try await writer.write(ByteBuffer(bytes: bytes))
          offset += bytes.count
        }
        try await writer.finish(nil)
      }
    }
  }
}
