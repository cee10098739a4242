// Small files that are read and written whole.

import FoundationEssentials
import Glibc

/// A file of a few kilobytes.
struct StateFile {
  /// What the system said.
  struct Fault: Error, Hashable, Sendable {
    let message: String
    let number: Int32
  }

  /// Longer files are none of ours.
  static let sizeLimit = 1 << 20

  let path: String

  func read() throws(Fault) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw fault("read") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      guard count >= 0 else { throw fault("read") }
      if count == 0 { return bytes }
      bytes += buffer[..<count]
      guard bytes.count <= Self.sizeLimit else {
        throw Fault(message: "\(path) cannot be read: it has more than \(Self.sizeLimit) bytes", number: EFBIG)
      }
    }
  }

  /// Writes a new file beside the old one and puts it in its place, so that there is never half a file. Nobody but those
  /// whom `mode` lets can read it at any moment.
  func write(_ bytes: [UInt8], mode: mode_t) throws(Fault) {
    let new = path + ".new"
    unlink(new)
    let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw fault("written") }
    defer { close(descriptor) }
    // The process's mask may have taken away more than is meant.
    guard fchmod(descriptor, mode) == 0, Glibc.write(descriptor, bytes, bytes.count) == bytes.count,
      fsync(descriptor) == 0, rename(new, path) == 0
    else { throw fault("written") }
  }

  private func fault(_ what: String) -> Fault {
    let number = errno
    return Fault(message: "\(path) cannot be \(what): \(String(cString: strerror(number)))", number: number)
  }
}
