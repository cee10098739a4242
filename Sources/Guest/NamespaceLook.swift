import FoundationEssentials
import Host
public import Net
import Ports

/// What a server's own system has set up, as ip(8) tells it where its NICs are. Nothing is changed.
///
/// ## Threads
/// `init` blocks, for some ten milliseconds.
public struct NamespaceLook: Sendable {
  private static let outputLimit = 8 << 20

  public let network: SeenNetwork
  /// Addresses that it asked for, and nobody answered.
  public let unanswered: Set<IPAddress>

  /// `namespace` nil: the host's own network.
  public init(at namespace: String?) throws {
    guard let ip = SystemProgram(named: "ip") else {
      throw Fault(description: "ip is not here: apt-get install iproute2")
    }
    func ask(_ words: String...) throws -> String {
      let result = try ip.run(words, in: namespace, outputLimit: Self.outputLimit)
      guard result.status == 0 else { throw Fault(description: "ip \(words.joined(separator: " ")) failed") }
      return result.output
    }
    network = try SeenNetwork(addresses: try ask("-j", "-d", "address", "show"), routes: [])
    unanswered = Self.unanswered(try ask("-j", "neigh", "show"))
  }

  static func unanswered(_ text: String) -> Set<IPAddress> {
    guard let entries = try? JSONDecoder().decode([Entry].self, from: Data(text.utf8)) else { return [] }
    let silent = entries.filter { $0.state?.contains { $0 == "FAILED" || $0 == "INCOMPLETE" } ?? false }
    return Set(silent.compactMap { IPAddress($0.dst) })
  }

  private struct Entry: Decodable {
    let dst: String, state: [String]?
  }

  private struct Fault: Error, CustomStringConvertible { let description: String }
}
