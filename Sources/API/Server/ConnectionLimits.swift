// What one client can take of the daemon before it has said anything worth an answer.

public import NIOCore

/// Limits of each connection, and of their number at one listener.
public struct ConnectionLimits: Sendable {
  /// Open connections of one listener, shared out among callers (`ConnectionShares`): a listener for TCP by address,
  /// the Unix socket by user. Each listener has its own, so the Unix socket has room whatever happens at the others.
  public var connections = 1024
  /// From the first byte of a request, or from the connection, to the last byte of its body.
  public var request = TimeAmount.seconds(30)
  /// For the client to take what it has been sent.
  public var reading = TimeAmount.seconds(60)
  /// Between an answer and the next request.
  public var idle = TimeAmount.seconds(120)
  /// Bytes of a request's body.
  public var body = Arguments.bodyLimit
  /// Bytes of a request's line and headers: of one header, of all, and their number.
  public var header = 16 * 1024
  public var headers = 64 * 1024
  public var headerCount = 128
  /// Bytes before the end of the headers has been seen; the parser itself takes a request line of any length.
  public var head = 256 * 1024

  public init() {}
}
