import NIOCore
import NIOEmbedded
import NIOHTTP1
import Synchronization
import Testing

@testable import API

/// In the event loop's own time, which a test moves.
@Suite("Deadlines of connections") struct DeadlineTests {
  private func channel(_ handlers: any ChannelHandler...) throws -> EmbeddedChannel {
    let channel = EmbeddedChannel(handlers: handlers)
    try channel.connect(to: SocketAddress(unixDomainSocketPath: "/test")).wait()
    return channel
  }

  private var limits: ConnectionLimits {
    var limits = ConnectionLimits()
    limits.request = .seconds(30)
    limits.head = 1000
    return limits
  }

  @Test("a request that does not come is waited for as long as it may take, and bytes that trickle in buy no time")
  func trickle() throws {
    let channel = try channel(RequestDeadline(limits))
    for _ in 0..<29 {
      channel.embeddedEventLoop.advanceTime(by: .seconds(1))
      try channel.writeInbound(ByteBuffer(string: "a: b\r\n"))
    }
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(999))
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
    #expect(!channel.isActive)
  }

  @Test("a connection whose request has come may wait as long as it likes, until bytes of the next one come")
  func idle() throws {
    let deadline = RequestDeadline(limits)
    let channel = try channel(deadline)
    try channel.writeInbound(ByteBuffer(string: "GET"))
    deadline.requestHasCome()
    channel.embeddedEventLoop.advanceTime(by: .hours(10))
    #expect(channel.isActive)
    try channel.writeInbound(ByteBuffer(string: "GET"))
    channel.embeddedEventLoop.advanceTime(by: .seconds(29))
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
  }

  @Test("a head that has no end is not read to it")
  func endlessHead() throws {
    let channel = try channel(RequestDeadline(limits))
    try channel.writeInbound(ByteBuffer(string: String(repeating: "x", count: 999)))
    #expect(channel.isActive)
    try channel.writeInbound(ByteBuffer(string: "x"))
    #expect(!channel.isActive)
  }

  @Test("after the last request nothing is counted")
  func nothing() throws {
    let deadline = RequestDeadline(limits)
    let channel = try channel(deadline)
    deadline.expectNothing()
    try channel.writeInbound(ByteBuffer(string: String(repeating: "x", count: 5000)))
    channel.embeddedEventLoop.advanceTime(by: .hours(10))
    #expect(channel.isActive)
    try channel.close().wait()
  }

  @Test("an answer that is not taken is waited for as long as it may take since the last bytes of it were")
  func reading() throws {
    let channel = try channel(ReadingDeadline(.seconds(60)))
    channel.write(ByteBuffer(string: "never flushed"), promise: nil)
    channel.embeddedEventLoop.advanceTime(by: .seconds(59))
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
  }

  @Test("the last answer of a connection is waited for until it has been taken, and the connection is at rest then")
  func last() throws {
    let notes = Mutex<[Bool]>([])
    let channel = try channel(RequestGate(bodyLimit: 100) { _, isWaiting in notes.withLock { $0.append(isWaiting) } })
    let head = HTTPRequestHead(
      version: .http1_1, method: .GET, uri: "/", headers: ["Host": "rack", "Connection": "close"])
    try channel.writeInbound(HTTPServerRequestPart.head(head))
    try channel.writeInbound(HTTPServerRequestPart.end(nil))
    channel.write(HTTPServerResponsePart.head(HTTPResponseHead(version: .http1_1, status: .ok)), promise: nil)
    channel.write(HTTPServerResponsePart.end(nil), promise: nil)
    channel.embeddedEventLoop.advanceTime(by: .seconds(50))
    #expect(channel.isActive, "closing it would cut the answer off")
    #expect(notes.withLock { $0 } == [false])
    channel.flush()
    #expect(channel.isActive)
    #expect(notes.withLock { $0 } == [false, true])
    channel.embeddedEventLoop.advanceTime(by: RequestGate.linger)
    #expect(!channel.isActive)
  }

  @Test("an answer that was taken keeps no clock running")
  func taken() throws {
    let channel = try channel(ReadingDeadline(.seconds(60)))
    channel.writeAndFlush(ByteBuffer(string: "taken"), promise: nil)
    channel.embeddedEventLoop.advanceTime(by: .hours(10))
    #expect(channel.isActive)
    channel.write(ByteBuffer(string: "not taken"), promise: nil)
    channel.embeddedEventLoop.advanceTime(by: .seconds(61))
    #expect(!channel.isActive)
  }

  /// A socket that takes what it is told to.
  private final class SlowSocket: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    private(set) var waiting: [(size: Int, promise: EventLoopPromise<Void>?)] = []

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
      waiting.append((unwrapOutboundIn(data).readableBytes, promise))
    }

    /// Takes whole writes, at most `size` bytes, and one at least.
    func take(_ size: Int) {
      var left = size
      repeat {
        guard let next = waiting.first else { return }
        waiting.removeFirst()
        left -= next.size
        next.promise?.succeed()
      } while left >= waiting.first?.size ?? .max
    }
  }

  @Test("an answer of which a few bytes are taken now and then is not waited for; one that is taken at a pace is")
  func pace() throws {
    for (size, isKept) in [(4096, false), (10_000, false), (90_000, true)] {
      let socket = SlowSocket()
      let channel = try channel(socket, ReadingDeadline(.seconds(60)))
      for _ in 0..<400 { channel.write(ByteBuffer(repeating: 0, count: 2048), promise: nil) }
      for _ in 0..<40 where channel.isActive {
        channel.embeddedEventLoop.advanceTime(by: .seconds(10))
        if channel.isActive { socket.take(size / 6) }
      }
      #expect(channel.isActive == isKept, "\(size) bytes a minute")
    }
  }

  @Test("a large write is seen to be taken bit by bit")
  func largeWrite() throws {
    let socket = SlowSocket()
    let channel = try channel(socket, ReadingDeadline(.seconds(60)))
    let done = channel.eventLoop.makePromise(of: Void.self)
    channel.write(ByteBuffer(repeating: 0, count: 1 << 20), promise: done)
    for _ in 0..<3 {
      channel.embeddedEventLoop.advanceTime(by: .seconds(59))
      socket.take(100_000)
    }
    #expect(channel.isActive)
    socket.take(1 << 20)
    try done.futureResult.wait()
    channel.embeddedEventLoop.advanceTime(by: .hours(10))
    #expect(channel.isActive, "nothing waits")
  }

  @Test("a stream that says little is left alone, as long as that is taken")
  func quietStream() throws {
    let socket = SlowSocket()
    let channel = try channel(socket, ReadingDeadline(.seconds(60)))
    for _ in 0..<100 {
      channel.write(ByteBuffer(string: ": still here\n\n"), promise: nil)
      channel.embeddedEventLoop.advanceTime(by: .seconds(15))
      socket.take(1)
    }
    #expect(channel.isActive)
    // Two at a time, the second always waiting for a moment when a minute is over.
    for _ in 0..<100 {
      channel.write(ByteBuffer(string: ": still here\n\n"), promise: nil)
      channel.embeddedEventLoop.advanceTime(by: .seconds(1))
      socket.take(1)
      channel.embeddedEventLoop.advanceTime(by: .seconds(28))
    }
    #expect(channel.isActive)
  }
}
