// The token that a new rack begins with, so that there is one before anybody has asked for it.

public import Control
import FoundationEssentials
import Glibc
import Rack

/// `token` in the state directory: the text of a token named `first`, which opens the whole rack.
public struct FirstToken {
  static let name = "first"

  /// Why there is none.
  public struct Fault: Error, Hashable, Sendable {
    public let message: String
  }

  public let path: String

  public init(in directory: String) { path = directory + "/token" }

  /// Makes it in a rack in which nothing has happened yet; later there have been tokens, or somebody who could make
  /// one, and one that was revoked does not come back. False: this is no new rack.
  ///
  /// The file comes first. One that is there is never written over: a start that broke off in between has left it, or
  /// somebody who wants a token of his own choice, so it is that token that opens the rack. Throws when it has none.
  public func make(in control: Control) async throws -> Bool { try await make(in: control as any RackKeeper) }

  func make(in keeper: any RackKeeper) async throws -> Bool {
    guard await keeper.rack.tokens.isEmpty,
      try await keeper.events(of: nil, server: nil, offset: 0, limit: 1).total == 0
    else { return false }
    let text = try textThere() ?? newText()
    let request = TokenRequest(name: Self.name, digest: TokenText.digest(text), project: nil, isReadOnly: false)
    _ = try await keeper.perform(.createToken(request), by: "toprackd")
    return true
  }

  private func newText() throws(Fault) -> String {
    let text = TokenText.make()
    do { try StateFile(path: path).write(Array((text + "\n").utf8), mode: 0o600) } catch {
      throw Fault(message: error.message)
    }
    return text
  }

  /// The token in the file; `nil`: there is no file.
  private func textThere() throws(Fault) -> String? {
    let bytes: [UInt8]
    do { bytes = try StateFile(path: path).read() } catch {
      if error.number == ENOENT { return nil }
      throw Fault(message: error.message)
    }
    let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
    guard TokenText.isWellFormed(text) else {
      throw Fault(
        message: "\(path) is there and has no token in it, and it is not written over: move it away; "
          + "'toprack token create' makes a token as well")
    }
    return text
  }
}
