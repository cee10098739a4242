// One attempt by TCP or HTTP, in a process of its own: what answers may be anything, and the process has no rights. The
// daemon runs itself for it, in the server's network namespace:
//
//     toprackd ---probe tcp 10.0.1.2:80 DEVICE|- MILLISECONDS
//     toprackd ---probe http http://10.0.1.2/ DEVICE|- MILLISECONDS
//
// It prints one line, in words of its own, and ends with 0: connected, or an answer came; 1: not; 2: it could not try.
// A certificate is not verified: nothing is sent that is secret, and an address has none. Redirections are answers. Of
// the answer the head is read, which is bounded by the parser, and no body.

import Glibc
import Host
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

public enum ProbeClient {
  /// The first argument by which the daemon knows that it is meant.
  public static let word = "---probe"

  /// Does what the arguments behind the word ask, and returns the exit status.
  public static func run(_ arguments: [String]) -> Int32 {
    let (status, line) = attempt(arguments)
    print(line)
    return status
  }

  private static func attempt(_ words: [String]) -> (Int32, String) {
    guard words.count == 4, ["tcp", "http"].contains(words[0]), let milliseconds = Int(words[3]), milliseconds > 0
    else { return (2, "wrong usage: \(word) tcp|http PLACE DEVICE|- MILLISECONDS") }
    do {
      try Rights.giveUp()
      let url = words[0] == "http" ? try ProbeURL(reading: words[1]) : nil
      let place = try url?.place ?? ProbePort(reading: words[1])
      return ask(place, url, by: words[2] == "-" ? nil : words[2], .milliseconds(Int64(milliseconds)))
    } catch let fault as ProbeFault {
      return (2, fault.message)
    } catch {
      return (2, "the probe could not give up its rights: \(error)")
    }
  }

  private static func ask(_ place: ProbePort, _ url: ProbeURL?, by device: String?, _ time: TimeAmount) -> (
    Int32, String
  ) {
    let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let answer = loop.next().makePromise(of: String.self)
    loop.next().scheduleTask(in: time) { answer.fail(ChannelError.connectTimeout(time)) }
    let bootstrap = ClientBootstrap(group: loop).connectTimeout(time).channelInitializer { channel in
      bind(channel, to: device).flatMapThrowing {
        guard let url else { return }
        let pipeline = channel.pipeline.syncOperations
        if url.isSecure { try pipeline.addHandler(try tls()) }
        try pipeline.addHTTPClientHandlers()
        try pipeline.addHandler(Asker(url, answer))
      }
    }
    do {
      let address = try SocketAddress(ipAddress: place.address.description, port: place.port)
      bootstrap.connect(to: address).whenComplete { result in
        switch result {
        case .failure(let error): answer.fail(error)
        case .success: if url == nil { answer.succeed("connected") }
        }
      }
      return (0, try answer.futureResult.wait())
    } catch {
      return (1, words(error, time))
    }
  }

  /// Rejects nothing, since there is nobody to be taken for somebody else.
  private static func tls() throws -> NIOSSLClientHandler {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.certificateVerification = .none
    return try NIOSSLClientHandler(context: NIOSSLContext(configuration: configuration), serverHostname: nil)
  }

  /// SO_BINDTODEVICE, socket(7).
  private static func bind(_ channel: any Channel, to device: String?) -> EventLoopFuture<Void> {
    guard let device, let provider = channel as? any SocketOptionProvider else {
      return channel.eventLoop.makeSucceededVoidFuture()
    }
    typealias Name = (UInt64, UInt64)
    var name: Name = (0, 0)
    withUnsafeMutableBytes(of: &name) { bytes in
      for (index, byte) in device.utf8.prefix(15).enumerated() { bytes[index] = byte }
    }
    return provider.unsafeSetSocketOption(
      level: .socket, name: NIOBSDSocket.Option(rawValue: SO_BINDTODEVICE), value: name)
  }

  private static func words(_ error: any Error, _ time: TimeAmount) -> String {
    switch error {
    case let error as IOError:
      let text = String(cString: strerror(error.errnoCode))
      return text.prefix(1).lowercased() + text.dropFirst()
    case ChannelError.connectTimeout: return "no answer within \(time.nanoseconds / 1_000_000) ms"
    case is HTTPParserError: return "the answer is no HTTP"
    case is NIOSSLError, is BoringSSLError: return "no TLS came about"
    case ChannelError.inputClosed, ChannelError.eof: return "the connection was closed without an answer"
    default: return "no answer: \(type(of: error))"
    }
  }

  /// Sends the request, and keeps the status of the answer.
  private final class Asker: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let url: ProbeURL
    private let answer: EventLoopPromise<String>

    init(_ url: ProbeURL, _ answer: EventLoopPromise<String>) { (self.url, self.answer) = (url, answer) }

    func channelActive(context: ChannelHandlerContext) {
      let head = HTTPRequestHead(
        version: .http1_1, method: .GET, uri: url.target,
        headers: ["Host": "\(url.place)", "User-Agent": "toprack-check", "Accept": "*/*", "Connection": "close"])
      context.write(wrapOutboundOut(.head(head)), promise: nil)
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      guard case .head(let head) = unwrapInboundIn(data), head.status.code >= 200 else { return }
      // The standard's phrase, whatever the other end has written.
      let status = HTTPResponseStatus(statusCode: Int(head.status.code))
      answer.succeed(status.reasonPhrase.isEmpty ? "\(status.code)" : "\(status.code) \(status.reasonPhrase)")
      context.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      answer.fail(error)
      context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { answer.fail(ChannelError.eof) }
  }
}
