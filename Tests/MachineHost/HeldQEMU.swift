import Foundation
import Glibc
import Host

/// A QEMU without a guest, NICs and rights, held by `-S`, in the background as those of the daemon are. It ends with the
/// test.
final class HeldQEMU {
  let folder: String
  var file: String { "\(folder)/pid" }
  var monitor: String { "\(folder)/qmp.sock" }
  var console: String { "\(folder)/console.sock" }

  struct Failed: Error {
    let said: String
  }

  init() throws {
    folder = FileManager.default.temporaryDirectory.path + "/held-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    guard let qemu = SystemProgram(named: "qemu-system-x86_64") else { throw Failed(said: "there is no QEMU") }
    let result = try qemu.run([
      "-machine", "pc,accel=tcg", "-m", "16", "-nodefaults", "-display", "none", "-S", "-daemonize", "-pidfile", file,
      "-chardev", "socket,id=console,path=\(console),server=on,wait=off", "-serial", "chardev:console",
      "-chardev", "socket,id=monitor,path=\(monitor),server=on,wait=off", "-mon", "chardev=monitor,mode=control",
    ])
    guard result.status == 0 else { throw Failed(said: result.output) }
  }

  /// `nil`: it has ended, and taken its file away.
  var number: Int32? {
    (try? String(contentsOfFile: file, encoding: .utf8)).flatMap { Int32($0.filter(\.isNumber)) }
  }

  deinit {
    if let number { kill(number, SIGKILL) }
    try? FileManager.default.removeItem(atPath: folder)
  }
}
