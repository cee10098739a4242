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
}
