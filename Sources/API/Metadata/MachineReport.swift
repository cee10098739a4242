// What a machine tells of itself by the metadata service: that it is up (`phone_home_url`), and how far its owner's own
// work has come (`user_state_url`). Each becomes an event of the device.

import HTTPTypes
import Rack

/// A report that can be an event.
struct MachineReport: Hashable, Sendable {
  let type: String
  /// One sentence.
  let body: String
  /// The machine says that it is up.
  var saysUp: Bool { type == Self.phoneHome }

  private static let phoneHome = "device.phone_home"
  /// The longest body of a report, in bytes.
  static let bodyLimit = 16 << 10
  /// Characters of a message that are kept.
  static let messageLimit = 1000
  static let states = ["running", "succeeded", "failed"]
  static let codes = 1000...1099

  /// Installers send many things, or nothing: all of it says that the machine is up.
  init(phoneHomeOf server: Server) { (type, body) = (Self.phoneHome, "\(server.hostname) phoned home") }

  /// `{"state": "running", "code": 1007, "message": "…"}`; `code` and `message` may be absent. Throws 400 or 422.
  init(userState bytes: [UInt8], of server: Server) throws(APIError) {
    let arguments: Arguments
    do { arguments = try Arguments(body: bytes, query: [:]) } catch { throw APIError(error) }
    let rule = "valid are \(Self.states.joined(separator: ", "))"
    guard let state = try arguments.string("state") else { throw .invalid("state is missing; \(rule)") }
    guard Self.states.contains(state) else {
      throw .invalid("state \(Arguments.shown(.string(state))) is not known; \(rule)")
    }
    let code = try arguments.integer("code")
    if let code, !Self.codes.contains(code) {
      throw .invalid("code \(code) is out of range; valid are \(Self.codes.lowerBound) to \(Self.codes.upperBound)")
    }
    let message = try arguments.string("message").map(Self.line) ?? ""
    type = "device.user_state"
    body = "\(server.hostname) \(state)" + (code.map { ", code \($0)" } ?? "") + (message.isEmpty ? "" : ": \(message)")
  }

  /// The text as one line: an event is read in terminals.
  private static func line(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.prefix(messageLimit).map { scalar in
          scalar.steersText ? " " : scalar
        }))
  }
}
