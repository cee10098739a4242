// One session at a console: keys to the daemon, bytes to the screen, until one of the two ends.

import Foundation
import NIOCore
import NIOWebSocket
import Synchronization

/// Carries a console between the connection and standard input and output.
///
/// Escapes are the daemon's business: what is typed goes to it as it is. Without a terminal the end of standard input
/// leaves, once the console has said nothing for a moment: what was asked last has an answer.
struct ConsoleSession {
  let connection: ConsoleConnection
  let isTerminal: Bool

  /// Silence that ends a session whose input has ended, and the longest wait for it.
  private static let silence = Duration.milliseconds(500)
  private static let patience = Duration.seconds(10)
  /// Bytes that are read at once, and how many such pieces may wait for the daemon.
  private static let piece = 4096
  private static let piecesLimit = 64

  private enum Item: Sendable {
    case keys([UInt8])
    case resized
    case end
  }

  /// How it has ended.
  enum Ending: Equatable {
    case left
    case ended(String)
  }

  func run() async throws -> Ending {
    let (items, source) = AsyncStream.makeStream(of: Item.self)
    let signals = watchSignals(source)
    defer { for signal in signals { signal.cancel() } }
    // Made empty and filled: one that ends with less than it was made with ends the program.
    let room = DispatchSemaphore(value: 0)
    for _ in 0..<Self.piecesLimit { room.signal() }
    readKeys(source, room)
    let heard = LastWord()
    return try await connection.channel.executeThenClose { inbound, outbound in
      let sender = Task {
        for await item in items {
          switch item {
          case .keys(let keys):
            try await outbound.write(ConsoleConnection.frame(.binary, ByteBuffer(bytes: keys)))
            room.signal()
          case .resized: try await sendSize(outbound)
          case .end:
            if !isTerminal { try await waitForSilence(heard) }
            var code = ByteBuffer()
            code.write(webSocketErrorCode: .normalClosure)
            try await outbound.write(ConsoleConnection.frame(.connectionClose, code))
          }
        }
      }
      defer { sender.cancel() }
      for try await frame in inbound {
        switch frame.opcode {
        case .binary:
          heard.at.withLock { $0 = .now }
          Self.show(frame.data)
        case .ping: try await outbound.write(ConsoleConnection.frame(.pong, frame.data))
        case .connectionClose: return Self.ending(frame.data)
        default: break
        }
      }
      return .ended("the connection to toprackd was lost")
    }
  }

  private static func ending(_ data: ByteBuffer) -> Ending {
    var data = data
    guard let code = data.readWebSocketErrorCode(), code != .normalClosure else { return .left }
    let reason = data.readString(length: data.readableBytes) ?? ""
    return .ended(reason.isEmpty ? "the console has ended" : reason)
  }

  private static func show(_ data: ByteBuffer) {
    var bytes = data.readableBytesView[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if written > 0 {
        bytes = bytes.dropFirst(written)
      } else if errno == EAGAIN {
        var entry = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        poll(&entry, 1, -1)
      } else if errno != EINTR {
        // Nobody looks any more.
        exit(0)
      }
    }
  }

  private func sendSize(_ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>) async throws {
    guard let size = RawTerminal.size else { return }
    let text = #"{"rows": \#(size.rows), "cols": \#(size.columns)}"#
    try await outbound.write(ConsoleConnection.frame(.text, ByteBuffer(string: text)))
  }

  /// When the console has said something.
  private final class LastWord: Sendable { let at = Mutex(ContinuousClock.now) }

  private func waitForSilence(_ heard: LastWord) async throws {
    let begin = ContinuousClock.now
    while true {
      let last = max(begin, heard.at.withLock { $0 })
      let end = min(last + Self.silence, begin + Self.patience)
      if ContinuousClock.now >= end { return }
      try await Task.sleep(until: end, clock: .continuous)
    }
  }

  /// A thread of its own, since a read of standard input waits.
  private func readKeys(_ source: AsyncStream<Item>.Continuation, _ room: DispatchSemaphore) {
    Thread.detachNewThread {
      var buffer = [UInt8](repeating: 0, count: Self.piece)
      while true {
        room.wait()
        let count = read(STDIN_FILENO, &buffer, buffer.count)
        if count < 0, errno == EINTR {
          room.signal()
          continue
        }
        guard count > 0 else { break }
        source.yield(.keys(Array(buffer.prefix(count))))
      }
      source.yield(.end)
    }
  }

  /// The window's size follows it; what ends the program gives the terminal back first.
  private func watchSignals(_ source: AsyncStream<Item>.Continuation) -> [any DispatchSourceSignal] {
    TerminalSignals.watch {
      source.yield(.resized)
    } ended: {
      RawTerminal.restore()
      exit($0)
    }
  }
}
