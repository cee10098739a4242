// QEMU's monitor, by which it says what becomes of the guest and is told what to do.

import FoundationEssentials
import Machines
import NIOCore
import NIOPosix

/// A connection to QEMU's monitor, in the QEMU Machine Protocol: a JSON value a line.
///
/// QEMU takes one client; while we are there nobody else is. Belongs to its event loop.
final class MonitorLine {
  /// What QEMU says that we listen to.
  enum Word: Sendable {
    /// The guest is over. `guest`: by its own will. `reason`: `guest-shutdown`, `host-signal`, …
    case shutDown(guest: Bool, reason: String)
    /// It answers, and its guest is so: `running`, `prelaunch` for one that is held.
    case status(String)
    /// Whether somebody is at the serial port.
    case console(isThere: Bool)
    case other
  }

  /// Of the guest that `-S` holds, query-status(QMP).
  static let held = "prelaunch"

  enum Command: String {
    /// Nothing else is answered before.
    case begin = "qmp_capabilities"
    case askStatus = "query-status"
    case askConsole = "query-chardev"
    case go = "cont"
    case pressButton = "system_powerdown"
    case reset = "system_reset"
    case quit
  }

  private let channel: any Channel

  private init(_ channel: any Channel) { self.channel = channel }

  /// `heard` and `ended` are called on the loop; `ended` once.
  static func open(
    _ path: String, on loop: any EventLoop, heard: @escaping @Sendable (Word) -> Void,
    ended: @escaping @Sendable () -> Void
  ) -> EventLoopFuture<NIOLoopBound<MonitorLine>> {
    ClientBootstrap(group: loop)
      .connectTimeout(.seconds(5))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(MonitorReader(heard: heard, ended: ended))
        }
      }
      .connect(unixDomainSocketPath: path)
      .map { channel in
        let line = MonitorLine(channel)
        line.send(.begin)
        line.send(.askStatus)
        return NIOLoopBound(line, eventLoop: loop)
      }
  }

  /// The command is its answer's name as well.
  func send(_ command: Command) {
    let word = command.rawValue
    channel.writeAndFlush(ByteBuffer(string: "{\"execute\":\"\(word)\",\"id\":\"\(word)\"}\r\n"), promise: nil)
  }

  func close() { channel.close(promise: nil) }
}

/// Bytes to lines, and lines to words. Belongs to the channel's event loop.
private final class MonitorReader: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  /// What one line may have; QEMU's own are a few hundred.
  private static let lineLimit = 1 << 20

  private struct Message: Decodable {
    struct Details: Decodable {
      var guest: Bool?
      var reason: String?
    }
    var event: String?
    var data: Details?
    /// Of the command that is answered.
    var id: String?
  }

  private struct Status: Decodable {
    struct Value: Decodable { var status: String }
    var `return`: Value
  }

  private struct Lines: Decodable {
    struct Line: Decodable {
      var label: String
      /// `disconnected:` and where it listens, while nobody is there.
      var filename: String
    }
    var `return`: [Line]
  }

  private let heard: @Sendable (MonitorLine.Word) -> Void
  private let ended: @Sendable () -> Void
  private var rest: [UInt8] = []

  init(heard: @escaping @Sendable (MonitorLine.Word) -> Void, ended: @escaping @Sendable () -> Void) {
    (self.heard, self.ended) = (heard, ended)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    rest += unwrapInboundIn(data).readableBytesView
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      heard(Self.word(rest[..<end]))
      rest.removeFirst(end + 1)
    }
    if rest.count > Self.lineLimit { context.close(promise: nil) }
  }

  private static func word(_ line: ArraySlice<UInt8>) -> MonitorLine.Word {
    let data = Data(line)
    guard let message = try? JSONDecoder().decode(Message.self, from: data) else { return .other }
    if message.event == "SHUTDOWN" {
      return .shutDown(guest: message.data?.guest ?? false, reason: message.data?.reason ?? "")
    }
    switch message.id.flatMap(MonitorLine.Command.init) {
    case .askStatus:
      guard let answer = try? JSONDecoder().decode(Status.self, from: data) else { return .other }
      return .status(answer.return.status)
    case .askConsole:
      guard let answer = try? JSONDecoder().decode(Lines.self, from: data) else { return .other }
      let console = answer.return.first { $0.label == QEMUArguments.consoleID }
      return .console(isThere: console.map { !$0.filename.hasPrefix("disconnected:") } ?? false)
    default: return .other
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    ended()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
