// What a check asks about. It becomes an argument of a program, and whoever wrote it may be anybody: so it is read into
// its parts, and only those are written anew. No name is looked up: a server's namespace has no resolver of its own, and
// the host's would answer for another network.

import Net
import Rack

/// Why something cannot be asked about; one line.
public struct ProbeFault: Error, Hashable, Sendable {
  public let message: String
  public init(_ message: String) { self.message = message }
}

/// The address of one host.
public struct ProbeAddress: Hashable, Sendable, CustomStringConvertible {
  public let isIPv6: Bool
  /// In its shortest form.
  public let description: String

  private static let rule = "valid is the IPv4 or IPv6 address of one host, as 10.0.1.2 or 2001:db8::2"
  private static let link = "fe80::/10", others = ["0.0.0.0/8", "224.0.0.0/3", "::/128", "ff00::/8"]

  public init(reading text: String) throws(ProbeFault) {
    guard !text.contains("/"), text.utf8.count <= 45, let block = try? IPPrefix(reading: text) else {
      throw ProbeFault("\(shown(text)) is no address; \(Self.rule)")
    }
    func isIn(_ range: String) -> Bool { (try? IPPrefix(reading: range))?.contains(block.base) ?? false }
    if Self.others.contains(where: isIn) { throw ProbeFault("\(text) is the address of no one host; \(Self.rule)") }
    if isIn(Self.link) { throw ProbeFault("\(text) is valid on one link only, which it does not name; \(Self.rule)") }
    (isIPv6, description) = (!block.isV4, block.base.description)
  }
}

/// An address and a port of TCP.
public struct ProbePort: Hashable, Sendable, CustomStringConvertible {
  public let address: ProbeAddress
  public let port: Int
  public var description: String { address.isIPv6 ? "[\(address)]:\(port)" : "\(address):\(port)" }

  public init(_ host: String, _ port: Int) throws(ProbeFault) {
    address = try ProbeAddress(reading: host)
    guard (1...65_535).contains(port) else { throw ProbeFault("port \(port) is out of range; valid are 1 to 65535") }
    self.port = port
  }

  /// Reads `10.0.1.2:80` or `[2001:db8::2]:80`; with `other` the port may be left out.
  public init(reading text: some StringProtocol, orPort other: Int? = nil) throws(ProbeFault) {
    let rule = "valid are an address and a port, as 10.0.1.2:80 or [2001:db8::2]:80"
    var (host, rest) = (String(text), "")
    if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
      host = String(text[text.index(after: text.startIndex)..<end])
      rest = String(text[text.index(after: end)...])
    } else if let colon = text.lastIndex(of: ":") {
      (host, rest) = (String(text[..<colon]), String(text[colon...]))
    }
    if rest.isEmpty, let other {
      try self.init(host, other)
      return
    }
    let digits = rest.utf8.dropFirst()
    guard rest.hasPrefix(":"), (1...5).contains(digits.count), digits.allSatisfy({ 0x30...0x39 ~= $0 }),
      let port = Int(rest.dropFirst()), !host.contains(":") || text.hasPrefix("[")
    else { throw ProbeFault("\(shown(String(text))) has no port; \(rule)") }
    try self.init(host, port)
  }
}

/// A URL of HTTP whose host is an address.
public struct ProbeURL: Hashable, Sendable, CustomStringConvertible {
  public static let lengthLimit = 2048
  public let isSecure: Bool
  public let place: ProbePort
  /// Path and query, from the slash on.
  public let target: String

  private static let rule = "valid are http and https with an address, as http://10.0.1.2:8080/health"

  public var description: String { "\(isSecure ? "https" : "http")://\(place)\(target)" }

  public init(reading text: String) throws(ProbeFault) {
    guard text.utf8.count <= Self.lengthLimit, text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
      throw ProbeFault(
        "\(shown(text)) is no URL: it is longer than \(Self.lengthLimit) bytes, or has more than visible ASCII in it")
    }
    let lowercased = text.lowercased()
    guard let scheme = ["http://", "https://"].first(where: lowercased.hasPrefix) else {
      throw ProbeFault("\(shown(text)) is no URL that can be asked; \(Self.rule)")
    }
    isSecure = scheme == "https://"
    let rest = text.dropFirst(scheme.count).prefix { $0 != "#" }
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    guard !authority.contains("@") else {
      throw ProbeFault("\(shown(text)) has a user in it, which is not sent; \(Self.rule)")
    }
    do {
      place = try ProbePort(reading: authority, orPort: isSecure ? 443 : 80)
    } catch {
      throw ProbeFault("\(shown(text)): \(error.message)")
    }
    let path = rest.dropFirst(authority.count)
    target = path.hasPrefix("/") ? String(path) : "/\(path)"
  }
}

/// `text` in quotes, short enough for a line, and with nothing in it that steers a terminal.
private func shown(_ text: String) -> String {
  let scalars = text.unicodeScalars.prefix(81)
  let short = scalars.count > 80 ? String(String.UnicodeScalarView(scalars.prefix(79))) + "…" : text
  return "\"\(short.visibleInLine)\""
}
