// The way from the parser of HTTP to those who answer: what is no request, or a longer one than is read, is answered
// here with what is wrong with it, and then nothing more of the connection is read.

import HTTPTypes
import NIOCore
import NIOHTTP1
import Synchronization

/// What the gate says of each request, in their order: nothing, or what it is answered with.
final class GateVerdicts: Sendable {
  private let verdicts = Mutex<[APIError?]>([])

  fileprivate func append(_ verdict: APIError?) { verdicts.withLock { $0.append(verdict) } }

  /// Of the next request. Call once for each.
  func next() -> APIError? { verdicts.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
}

/// Judges each request before anybody reads its body.
///
/// ## How it works
/// A head that breaks a rule (`HeadRules`), or bytes that the parser cannot read, become a request without a body whose
/// verdict is the fault. So the answer comes in its turn, behind those of the requests before. From then on what
/// arrives is thrown away, and some time after the last answer has been taken the connection is closed: a client that
/// is still sending can read the answer meanwhile. One that takes nothing is `ReadingDeadline`'s.
///
///     head ──passes──▶ body ──end──▶ head        head ──fault, last request──▶ nothing        body ──too long, fault──▶ nothing
///
/// ## Threads
/// Belongs to the channel's event loop; `verdicts` is read by who answers.
final class RequestGate: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  /// What the client may send, and the connection is for.
  private enum Reading {
    case head
    /// So many bytes of the body may come.
    case body(left: Int)
    case nothing
  }

  /// A request that has not been answered.
  private struct Pending {
    let version: HTTPVersion
    let isHead: Bool
    var isLast: Bool
  }

  /// Between the last answer and the end.
  static let linger = TimeAmount.seconds(2)

  let verdicts = GateVerdicts()
  private let bodyLimit: Int
  private let wantsHost: Bool
  private let noteWaiting: (any Channel, Bool) -> Void
  private var reading = Reading.head
  private var pending: [Pending] = []
  /// Answers that the socket has not taken to their end.
  private var untaken = 0
  /// Of the request whose body comes.
  private var isLastRequest = false
  private var owesContinue = false
  private var deadline: RequestDeadline?

  /// - Parameters:
  ///   - bodyLimit: bytes of a body.
  ///   - wantsHost: as `HeadRules` has it.
  ///   - noteWaiting: told when a request has come whole (false), and when all answers have been taken (true).
  init(bodyLimit: Int, wantsHost: Bool = true, noteWaiting: @escaping (any Channel, Bool) -> Void) {
    (self.bodyLimit, self.wantsHost, self.noteWaiting) = (bodyLimit, wantsHost, noteWaiting)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    deadline = try? context.pipeline.syncOperations.handler(type: RequestDeadline.self)
  }

  // MARK: Requests

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch (unwrapInboundIn(data), reading) {
    case (_, .nothing): break
    case (.head(let head), _): judge(head, context)
    case (.body(let bytes), .body(let left)):
      reading = .body(left: left - bytes.readableBytes)
      if left >= bytes.readableBytes {
        context.fireChannelRead(data)
      } else {
        breakOff()
        context.fireErrorCaught(NIOTooManyBytesError(maxBytes: bodyLimit))
      }
    case (.body, .head): break
    case (.end, _):
      reading = .head
      if isLastRequest { stopReading() }
      context.fireChannelRead(data)
      // One that was answered before its end waits again.
      if !restIfAnswered(context.channel) { noteWaiting(context.channel, false) }
    }
  }

  private func judge(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    do throws(APIError) {
      let passed = try HeadRules.pass(head, bodyLimit: bodyLimit, wantsHost: wantsHost)
      pending.append(
        Pending(version: head.version, isHead: head.method == .HEAD, isLast: HeadRules.isLast(head)))
      verdicts.append(nil)
      (reading, isLastRequest) = (.body(left: bodyLimit), HeadRules.isLast(head))
      context.fireChannelRead(wrapInboundOut(.head(passed)))
      if HeadRules.expectsContinue(head) {
        owesContinue = true
        sayContinue(context)
      }
    } catch {
      refuse(error, isHead: head.method == .HEAD, context)
    }
  }

  /// What the parser cannot read. In the middle of a body it is for whoever reads that.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let fault = error as? HTTPParserError else { return context.fireErrorCaught(error) }
    switch reading {
    case .nothing: break
    case .head: refuse(.unreadable(fault), isHead: false, context)
    case .body:
      breakOff()
      context.fireErrorCaught(error)
    }
  }

  private func refuse(_ fault: APIError, isHead: Bool, _ context: ChannelHandlerContext) {
    stopReading()
    pending.append(Pending(version: .http1_1, isHead: isHead, isLast: true))
    verdicts.append(fault)
    noteWaiting(context.channel, false)
    let head = HTTPRequestHead(
      version: .http1_1, method: isHead ? .HEAD : .GET, uri: "/", headers: ["Host": "", "Connection": "close"])
    context.fireChannelRead(wrapInboundOut(.head(head)))
    context.fireChannelRead(wrapInboundOut(.end(nil)))
    // The parser may say nothing more, and so not that this was all for now.
    context.fireChannelReadComplete()
  }

  /// In the middle of a body, which its reader is told. The request may have been answered already.
  private func breakOff() {
    if let last = pending.indices.last { pending[last].isLast = true }
    stopReading()
  }

  private func stopReading() {
    reading = .nothing
    deadline?.expectNothing()
  }

  // MARK: Answers

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch unwrapOutboundIn(data) {
    case .head(var head):
      if let request = pending.first {
        if request.isLast { head.headers.replaceOrAdd(name: "Connection", value: "close") }
        // An answer without a length has chunks in HTTP/1.1 alone, and one to HEAD has none.
        let hasEnd = head.headers.contains(name: "Content-Length") || !head.status.mayHaveResponseBody
        if request.version == .http1_0 || request.isHead && !hasEnd { head.version = .http1_0 }
      }
      context.write(wrapOutboundOut(.head(head)), promise: promise)
    case .body: context.write(data, promise: promise)
    case .end:
      if !pending.isEmpty { pending.removeFirst() }
      untaken += 1
      let (channel, taken) = (context.channel, promise ?? context.eventLoop.makePromise())
      taken.futureResult.assumeIsolated().whenComplete { _ in
        self.untaken -= 1
        self.restIfAnswered(channel)
      }
      context.write(data, promise: taken)
      sayContinue(context)
    }
  }

  private func sayContinue(_ context: ChannelHandlerContext) {
    guard owesContinue, pending.count == 1 else { return }
    owesContinue = false
    guard case .body = reading else { return }
    context.writeAndFlush(
      wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
  }

  /// When every request has been answered, and every answer taken; else false.
  @discardableResult
  private func restIfAnswered(_ channel: any Channel) -> Bool {
    guard pending.isEmpty, untaken == 0 else { return false }
    noteWaiting(channel, true)
    guard case .nothing = reading else { return true }
    let end = channel.eventLoop.scheduleTask(in: Self.linger) { channel.close(promise: nil) }
    channel.closeFuture.whenComplete { _ in end.cancel() }
    return true
  }
}

extension HTTPRequestDecoder {
  /// Where the gate stands in a pipeline of HTTP.
  static func position(in pipeline: ChannelPipeline.SynchronousOperations) throws
    -> ChannelPipeline.SynchronousOperations.Position
  {
    .after(try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self))
  }
}
