// The way to a machine: a terminal's master, a serial device or a Unix socket, as one channel.

import Glibc
import Machines
import NIOCore
import NIOPosix
import Host
import Ports

/// How a source is reached, as a value that can go to another thread.
struct ConsoleRoute: Sendable {
  var source: ConsoleServer.Source
  var hostname: String
  var user: UInt32
  var size: TerminalSize
  var terminal: String
  var rights: Shell.Rights
  var hidden: [String]

  /// Opens it, and calls `begin` on `loop` with the line before its first byte. Fails with what to tell people.
  func open(
    on loop: any EventLoop, _ begin: @escaping @Sendable (any Channel, ConsoleLine.End) throws -> Void
  ) -> EventLoopFuture<Void> {
    if case .serial(let path) = source {
      var status = stat()
      // Tried ten times a second, and mostly answered here.
      guard stat(path, &status) == 0 else {
        return loop.makeFailedFuture(
          PortsFault(errno: errno, message: "\(path): \(String(cString: strerror(errno)))"))
      }
      if status.st_mode & S_IFMT == S_IFSOCK { return Self.connect(to: path, on: loop, begin) }
    }
    return NIOThreadPool.singleton.runIfActive(eventLoop: loop) { try openEnd() }.flatMap { end in
      NIOPipeBootstrap(group: loop)
        .channelInitializer { channel in channel.eventLoop.makeCompletedFuture { try begin(channel, end) } }
        .takingOwnershipOfDescriptor(inputOutput: end.descriptor).map { _ in }
        .flatMapErrorThrowing { error in
          // It is still ours.
          close(end.descriptor)
          if let shell = end.shell { ConsoleLine.await(shell) }
          throw error
        }
    }
  }

  /// Blocks.
  private func openEnd() throws -> ConsoleLine.End {
    switch source {
    case .shell(let namespace):
      let shell = try Shell.start(
        in: namespace, hostname: hostname, user: user, rows: size.rows, columns: size.columns, terminal: terminal,
        rights: rights,
        hiding: hidden)
      return ConsoleLine.End(descriptor: shell.master, shell: shell)
    case .serial(let path):
      return ConsoleLine.End(descriptor: try SerialDevice.open(path))
    }
  }

  private static func connect(
    to path: String, on loop: any EventLoop,
    _ begin: @escaping @Sendable (any Channel, ConsoleLine.End) throws -> Void
  ) -> EventLoopFuture<Void> {
    ClientBootstrap(group: loop)
      .connectTimeout(.seconds(5))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try begin(channel, ConsoleLine.End()) }
      }
      .connect(unixDomainSocketPath: path).map { _ in }
  }
}

/// An open way to a machine. Belongs to its event loop; after `close` it is nobody's.
final class ConsoleLine {
  /// What is known of the other end.
  struct End: Sendable {
    /// −1 for a socket. The channel's, which closes it.
    var descriptor: Int32 = -1
    var shell: Shell?

    var canBreak: Bool { descriptor >= 0 && shell == nil }
  }

  private let channel: any Channel
  private let end: End

  init(_ channel: any Channel, _ end: End) { (self.channel, self.end) = (channel, end) }

  /// `taken`: called on the loop when the machine has taken the bytes, or is gone.
  func write(_ bytes: [UInt8], taken: @escaping @Sendable () -> Void) {
    channel.writeAndFlush(ByteBuffer(bytes: bytes)).whenComplete { _ in taken() }
  }

  func resize(_ size: TerminalSize) {
    if end.shell != nil { Shell.resize(end.descriptor, rows: size.rows, columns: size.columns) }
  }

  func sendBreak() {
    guard end.canBreak else { return }
    // Another one, since it is used on another thread, for as long as a break lasts.
    let copy = fcntl(end.descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { return }
    NIOThreadPool.singleton.submit { _ in
      SerialDevice.sendBreak(copy)
      Glibc.close(copy)
    }
  }

  /// Hangs up, or follows one who has.
  func close() {
    channel.close(promise: nil)
    if let shell = end.shell { Self.await(shell) }
  }

  /// A shell that was hung up ends; somebody has to be told, and kills it when it does not.
  static func await(_ shell: Shell) { NIOThreadPool.singleton.submit { _ in shell.end() } }
}
