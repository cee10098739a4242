import Net

/// Where the consoles of servers are reached by SSH, as the API tells it: a setting of the daemon. Nothing is opened by
/// it.
///
/// `sos.{facility}.example.net:2222`: what stands in braces is the code of the server's facility; without a port it is
/// 22.
public struct SOSHost: Hashable, Sendable {
  private var host = "sos.\(facility).toprack"
  /// `nil`: 22.
  public private(set) var port: Int?

  private static let facility = "{facility}"

  /// `sos.FACILITY.toprack`.
  public init() {}

  /// Why a text is no such place, to be read behind the setting's name.
  public struct Fault: Error, Hashable, Sendable {
    public let message: String
  }

  public init(reading text: String) throws(Fault) {
    let fault = Fault(
      message: "must be a host and perhaps a port, as sos.{facility}.example.net:2222 or [2001:db8::1]:2222, not "
        + text.quoted)
    var rest = text[...]
    if rest.first == "[" {
      guard let end = rest.firstIndex(of: "]") else { throw fault }
      let address = rest[rest.index(after: rest.startIndex)..<end]
      guard address.utf8.contains(UInt8(ascii: ":")), IPAddress(address) != nil else {
        throw fault
      }
      host = String(rest[...end])
      rest = rest[rest.index(after: end)...]
    } else {
      host = String(rest.prefix { $0 != ":" })
      rest = rest.dropFirst(host.count)
      guard Names.fault(ofHostname: host.replacing(Self.facility, with: "ewr1")) == nil else { throw fault }
    }
    guard let colon = rest.first else { return }
    guard colon == ":", let port = Int(rest.dropFirst()), (1...65_535).contains(port) else { throw fault }
    self.port = port
  }

  /// Of a facility: `sos.ewr1.toprack`.
  public func host(in facility: String) -> String { host.replacing(Self.facility, with: facility) }

  /// The same as a command. Without a port in the setting it is the one that toprack-sos listens at.
  public func command(for server: Server) -> String {
    let port = port ?? Self.listeningPort
    return "ssh " + (port == 22 ? "" : "-p \(port) ") + "\(server.id)@\(host(in: server.facility))"
  }

  /// Where `toprack-sos` listens unless it is told otherwise.
  public static let listeningPort = 2222

  /// What the console of a server is reached by: `UUID@sos.ewr1.toprack`, and `:PORT` behind it where it is not 22.
  public func address(of server: Server) -> String {
    "\(server.id)@\(host(in: server.facility))" + (port.map { $0 == 22 ? "" : ":\($0)" } ?? "")
  }
}
