// A capture on its way from the daemon to a file, a pipe or a terminal.

import AsyncHTTPClient
import Foundation
import NIOCore
import Synchronization

/// Runs a capture until it is over, or somebody ends it: SIGINT, SIGTERM or SIGHUP, or the reader of what is written
/// goes. All of these are a good end.
enum CaptureSession {
  /// The reader of a pipe has gone.
  struct ReaderGone: Error {}

  static func run(_ body: @escaping @Sendable () async throws -> Void) async throws {
    let isEnded = Mutex(false)
    let task = Task { try await body() }
    let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        isEnded.withLock { $0 = true }
        task.cancel()
      }
      source.resume()
      return source
    }
    defer { for source in sources { source.cancel() } }
    do { try await task.value } catch is ReaderGone {
    } catch  where isEnded.withLock({ $0 }) {}
  }
}

/// Where a file goes.
final class CaptureSink: Sendable {
  private let descriptor: Int32
  private let name: String

  /// `-`: standard output, which must not be a terminal.
  init(_ file: String) throws {
    name = file
    if file == "-" {
      guard isatty(STDOUT_FILENO) == 0 else {
        throw Failure.usage("-w - writes a file to standard output, which is a terminal; give it a pipe or a file")
      }
      descriptor = STDOUT_FILENO
    } else {
      // Frames have passwords in them.
      descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else {
        throw Failure.refused("\(file) cannot be written: \(String(cString: strerror(errno)))")
      }
    }
  }

  deinit { if descriptor != STDOUT_FILENO { close(descriptor) } }

  func write(_ bytes: ArraySlice<UInt8>) throws {
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno == EPIPE {
        throw CaptureSession.ReaderGone()
      } else if errno != EINTR {
        throw Failure.refused("\(name) cannot be written: \(String(cString: strerror(errno)))")
      }
    }
  }
}

/// Passes whole blocks of a pcapng file on, so that what is written can be read wherever it ends.
final class BlockCutter: Sendable {
  private struct State {
    var rest: [UInt8] = []
    var frames = 0
  }
  private let state = Mutex(State())
  private static let packetType = 6

  /// Blocks with a frame in them.
  var frames: Int { state.withLock { $0.frames } }

  func take(_ bytes: ArraySlice<UInt8>, _ pass: (ArraySlice<UInt8>) throws -> Void) throws {
    try state.withLock { state in
      state.rest += bytes
      var end = 0
      while end + 12 <= state.rest.count {
        let length = Self.number(state.rest, end + 4)
        guard length >= 12, length <= 1 << 24 else { throw Failure.refused("what came is no pcapng file") }
        guard end + length <= state.rest.count else { break }
        if Self.number(state.rest, end) == Self.packetType { state.frames += 1 }
        end += length
      }
      guard end > 0 else { return }
      try pass(state.rest[..<end])
      state.rest.removeFirst(end)
    }
  }

  private static func number(_ bytes: [UInt8], _ at: Int) -> Int {
    (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
  }
}

/// Passes whole lines on, without their ends; empty ones are signs of life.
final class LineCutter: Sendable {
  private let rest = Mutex<[UInt8]>([])

  func take(_ bytes: ArraySlice<UInt8>, _ pass: ([UInt8]) throws -> Void) throws {
    try rest.withLock { rest in
      rest += bytes
      while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        let line = Array(rest[..<end])
        rest.removeFirst(end + 1)
        if !line.isEmpty { try pass(line) }
      }
    }
  }
}

extension Client {
  /// Reads an answer that lasts, and hands out its bytes as they come, until it ends.
  func follow(_ path: String, _ take: @escaping @Sendable (ArraySlice<UInt8>) throws -> Void) async throws {
    for try await chunk in try await stream(path, accepting: "*/*") { try take(ArraySlice(chunk.readableBytesView)) }
  }
}
