/// A command was allowed, and the operating system or the disk did not let it be done. Nothing has changed.
public struct Unavailable: Error, Hashable, Sendable, CustomStringConvertible {
  /// One line: what was tried on which interface, namespace or file, and why it failed.
  public let message: String
  public var description: String { message }

  public init(message: String) { self.message = message }

  /// What a caller is told about `error`: a refusal stays one, whatever else it was is that something is not available.
  public static func orRefusal(_ error: any Error) -> any Error {
    error is Refusal || error is Unavailable ? error : Unavailable(message: "\(error)")
  }
}
