public import Net
public import Rack

/// What an operator sets about the gateway: the way out of the rack, and what a booting server is told.
public struct GatewaySettings: Hashable, Sendable {
  public enum DNS: Hashable, Sendable {
    /// Those of the host's /etc/resolv.conf at the start, but for its own.
    case host
    case none
    case addresses([IPAddress])
  }

  /// The TAP interface in the host's namespace by which facilities reach the host and what is beyond it, unless they
  /// have one of their own; `nil`: there is none.
  public var uplink: String? = "toprack0"
  /// By code of the facility.
  private var uplinks: [String: String?] = [:]
  /// Where each uplink's pair of addresses is from.
  public var uplinkIPv4 = IPPrefix(v4: 198 << 24 | 19 << 16 | 255 << 8, length: 24)
  public var uplinkIPv6 = IPPrefix(v6: 0x2001_0db8_ffff_ffff << 64, length: 64)
  /// Whether the host hides the servers' addresses behind its own on the way out.
  public var masquerade = false
  /// Whether 169.254.169.254 answers.
  public var metadata = true
  public var dns = DNS.host
  /// PXE: the address and the file that DHCP hands out.
  public var nextServer: IPAddress?
  public var bootFile: String?
  /// The iPXE that ROMs load which are none, for servers with an iPXE script; `nil`: the one of iPXE's build that fits
  /// the machine.
  public var ipxeBootFile: String?
  public var leaseSeconds: UInt32 = 86_400

  public init() {}

  /// The uplink of a facility: its own, or the one of all.
  public func uplink(of facility: String) -> String? { uplinks[facility] ?? uplink }

  /// Every uplink, with the codes of its facilities, in the order of the catalogue.
  public var uplinksInUse: [(name: String, facilities: [String])] {
    var found: [(name: String, facilities: [String])] = []
    for facility in Catalogue.facilities.map(\.code) {
      guard let name = uplink(of: facility) else { continue }
      if let index = found.firstIndex(where: { $0.name == name }) {
        found[index].facilities.append(facility)
      } else {
        found.append((name, [facility]))
      }
    }
    return found
  }

  /// The nameservers to hand out, when /etc/resolv.conf has the text `resolvConf`.
  public func dnsServers(resolvConf: String) -> [IPAddress] {
    switch dns {
    case .none: return []
    case .addresses(let addresses): return addresses
    case .host:
      // A loopback address is the host's own resolver, a link-local one means nothing elsewhere.
      let unusable = ["127.0.0.0/8", "169.254.0.0/16", "0.0.0.0/8", "::/127", "fe80::/10"].map {
        try! IPPrefix(reading: $0)
      }
      let addresses = resolvConf.split(whereSeparator: \.isNewline).compactMap { line -> IPAddress? in
        let words = line.split(whereSeparator: \.isWhitespace)
        guard words.count >= 2, words[0] == "nameserver", let address = IPAddress(words[1]),
          !unusable.contains(where: { $0.contains(IPPrefix(address)) })
        else { return nil }
        return address
      }
      return Array(addresses.prefix(Self.dnsLimit))
    }
  }

  public static let dnsLimit = 8
  public static let leases: ClosedRange<UInt32> = 120...31_536_000
  /// IFNAMSIZ without the NUL at the end.
  public static let interfaceNameLimit = 15
  /// What DHCP's field `file` holds without the NUL at the end, RFC 2131 2.
  public static let bootFileLimit = 127
}

/// Settings from text.
extension GatewaySettings {
  /// Why a setting cannot be: what must be instead, to be read after the setting's name.
  public struct Fault: Error, Hashable, Sendable {
    public let message: String
    init(_ message: String) { self.message = message }
  }

  /// Names of the settings, without those of a facility.
  public static let names = [
    "uplink", "uplink-ipv4", "uplink-ipv6", "masquerade", "metadata", "dns", "next-server", "boot-file",
    "ipxe-boot-file", "lease-seconds",
  ]

  /// Sets one of `names`, or the uplink of a facility (`pools.ewr1.uplink`); throws what is valid instead.
  ///
  /// - Precondition: there is such a setting.
  public mutating func set(_ name: String, to value: String) throws(Fault) {
    switch name {
    case "uplink": uplink = try Self.interface(value)
    case "uplink-ipv4": uplinkIPv4 = try Self.prefix(value, family: 4)
    case "uplink-ipv6": uplinkIPv6 = try Self.prefix(value, family: 6)
    case "masquerade": masquerade = try Self.flag(value)
    case "metadata": metadata = try Self.flag(value)
    case "dns": dns = try Self.dns(value)
    case "next-server":
      guard let address = IPAddress(value), address.isV4 else {
        throw Fault("must be the IPv4 address of a TFTP server, not \"\(value)\"")
      }
      nextServer = address
    case "boot-file": bootFile = try Self.fileName(value)
    case "ipxe-boot-file": ipxeBootFile = try Self.fileName(value)
    case "lease-seconds":
      guard let seconds = UInt32(value), Self.leases.contains(seconds) else {
        throw Fault(
          "must be a whole number from \(Self.leases.lowerBound) to \(Self.leases.upperBound), not \"\(value)\"")
      }
      leaseSeconds = seconds
    default:
      let parts = name.split(separator: ".")
      precondition(
        parts.count == 3 && parts[0] == "pools" && parts[2] == "uplink", "no setting of the gateway: \(name)")
      uplinks[String(parts[1])] = .some(try Self.interface(value))
    }
  }

  /// Settings that are valid alone and not together, as a sentence; `nil` when all is well.
  public func conflict(with plan: AddressPlan) -> String? {
    if let (one, other) = plan.overlap {
      return "\(one) overlaps \(other); ranges of different facilities and kinds must not have addresses in common"
    }
    let count = uplinksInUse.count
    for (name, prefix) in [("uplink-ipv4", uplinkIPv4), ("uplink-ipv6", uplinkIPv6)] {
      if let holder = plan.holder(of: prefix) {
        return "\(name) \(prefix) overlaps \(holder); the uplinks need addresses of their own"
      }
      guard prefix.width - prefix.length < 16, prefix.size / 2 < count else { continue }
      return
        "\(name) \(prefix) has \(prefix.size / 2) pairs of addresses for \(count) uplinks; it must have one for each"
    }
    return nil
  }

  private static func interface(_ value: String) throws(Fault) -> String? {
    if value == "none" { return nil }
    // What the kernel takes (dev_valid_name), but for "%", which it would replace, and what no shell needs quotes for.
    let isValid =
      (1...interfaceNameLimit).contains(value.utf8.count) && value != "." && value != ".."
      && value.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
          true
        default: false
        }
      }
    guard isValid else {
      throw Fault(
        "must be the name of an interface, 1 to \(interfaceNameLimit) letters, digits, \"-\", \"_\" and \".\", or none, "
          + "not \"\(value)\"")
    }
    return value
  }

  private static func prefix(_ value: String, family: Int) throws(Fault) -> IPPrefix {
    let block: IPPrefix
    do { block = try IPPrefix(reading: value) } catch { throw Fault("is not valid: \(error.message)") }
    guard block.family == family else { throw Fault("must be a range of IPv\(family) addresses, not \(block)") }
    guard !block.isOne else { throw Fault("must be a /\(block.width - 1) or larger, not \(block)") }
    if let reason = AddressPlan.special(in: block) {
      throw Fault("must not have addresses of \(reason), as \(block) has")
    }
    return block
  }

  private static func fileName(_ value: String) throws(Fault) -> String {
    guard (1...bootFileLimit).contains(value.utf8.count), value.utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) else {
      throw Fault("must be a file name of 1 to \(bootFileLimit) ASCII characters, not \"\(value)\"")
    }
    return value
  }

  private static func flag(_ value: String) throws(Fault) -> Bool {
    switch value {
    case "true": true
    case "false": false
    default: throw Fault("must be true or false, not \"\(value)\"")
    }
  }

  private static func dns(_ value: String) throws(Fault) -> DNS {
    switch value {
    case "host": return .host
    case "none": return .none
    default:
      let words = value.split(separator: ",").map { $0.trimmingPrefix { $0 == " " } }
      let addresses = words.compactMap { IPAddress($0) }
      guard addresses.count == words.count, (1...dnsLimit).contains(addresses.count) else {
        throw Fault("must be host, none, or 1 to \(dnsLimit) addresses with commas in between, not \"\(value)\"")
      }
      return .addresses(addresses)
    }
  }
}
