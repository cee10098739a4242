// Root's first password as a machine takes it: what stands in shadow(5), so that nobody in it who may ask the metadata
// service learns the password itself.

import CCrypt
import Rack

enum CryptedPassword {
  /// The password of a server by crypt(5), SHA-512, the same at each call. The password has 80 random bits, which no
  /// number of rounds has to protect: the least will do. `nil`: the library does not do it.
  static func of(_ password: String, for server: ServerID) -> String? {
    let salt = server.description.filter { $0 != "-" }.prefix(16)
    let workspace = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
    defer { workspace.deallocate() }
    workspace.initializeMemory(as: UInt8.self, repeating: 0, count: size)
    guard let text = crypt_rn(password, "$6$rounds=1000$\(salt)$", workspace, Int32(size)) else { return nil }
    return String(cString: text)
  }

  /// Of `struct crypt_data`, crypt(3).
  private static let size = 32_768
}
