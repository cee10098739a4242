// A frame to ask about, as callers give it: its bytes, or the fields of one that is made.

import Diagnosis
import Net
import Rack

/// The fields of a frame.
struct FrameArguments {
  static let longest = 65_535
  private static let fields = ["dst", "src", "vlan", "ip_src", "ip_dst", "proto", "sport", "dport"]

  let given: Arguments

  /// From the destination address on. `own`: the MAC address of the NIC, which is the source if none is given.
  func bytes(own: MACAddress?) throws(APIError) -> [UInt8] {
    guard let text = try given.string("frame") else { return try recipe(own).bytes }
    if let other = Self.fields.first(where: { given.value($0) != nil }) {
      throw .invalid("frame is the whole frame; \(other) is not for it")
    }
    guard let bytes = Self.octets(text), (1...Self.longest).contains(bytes.count) else {
      throw .invalid("frame is no frame; valid are 1 to \(Self.longest) bytes as pairs of hexadecimal digits")
    }
    return bytes
  }

  private func recipe(_ own: MACAddress?) throws(APIError) -> FrameRecipe {
    guard let destination = try mac("dst") else {
      throw .invalid("dst is missing; valid is a MAC address, or give the whole frame as frame")
    }
    guard let source = try mac("src") ?? own else { throw .invalid("src is missing; valid is a MAC address") }
    let vlan = try given.integer("vlan")
    if let vlan, !(0...4095).contains(vlan) { throw .invalid("vlan \(vlan) is out of range; valid are 0 to 4095") }
    return FrameRecipe(to: destination, from: source, vlan: vlan.map { UInt16($0) }, try packet())
  }

  private func packet() throws(APIError) -> FrameRecipe.Packet? {
    let (from, to) = (try address("ip_src"), try address("ip_dst"))
    guard let from, let to else {
      if (from == nil) != (to == nil) { throw .invalid("ip_src and ip_dst are given both or not at all") }
      if let alone = ["proto", "sport", "dport"].first(where: { given.value($0) != nil }) {
        throw .invalid("\(alone) is given without ip_src and ip_dst")
      }
      return nil
    }
    guard from.isV4 == to.isV4 else { throw .invalid("\(from) and \(to) are of two families; valid are two of one") }
    return FrameRecipe.Packet(from: from, to: to, try payload())
  }

  private func payload() throws(APIError) -> FrameRecipe.Payload {
    let ports = (try port("sport"), try port("dport"))
    let word: String
    switch given.value("proto") {
    case .integer(let number)?: word = "\(number)"
    default: word = try given.string("proto") ?? (ports.0 ?? ports.1 == nil ? "icmp" : "udp")
    }
    switch word {
    case "tcp": return .tcp(source: ports.0 ?? 49_152, destination: ports.1 ?? 80)
    case "udp": return .udp(source: ports.0 ?? 49_152, destination: ports.1 ?? 33_434)
    default: break
    }
    if ports.0 ?? ports.1 != nil { throw .invalid("sport and dport are for tcp and udp") }
    if word == "icmp" { return .icmp }
    guard let number = UInt8(word) else {
      throw .invalid("proto \(Arguments.shown(.string(word))) is not valid; valid are icmp, tcp, udp and 0 to 255")
    }
    return .other(number)
  }

  private func mac(_ name: String) throws(APIError) -> MACAddress? {
    guard let text = try given.string(name) else { return nil }
    guard let mac = MACAddress(text.lowercased()) else {
      throw .invalid("\(name) \(Arguments.shown(.string(text))) is no MAC address; valid is 02:00:00:00:00:01")
    }
    return mac
  }

  private func address(_ name: String) throws(APIError) -> IPAddress? {
    guard let text = try given.string(name) else { return nil }
    guard let address = IPAddress(text) else {
      throw .invalid("\(name) \(Arguments.shown(.string(text))) is no address; valid are 10.0.1.2 and 2001:db8::2")
    }
    return address
  }

  private func port(_ name: String) throws(APIError) -> UInt16? {
    guard let number = try given.integer(name) else { return nil }
    guard (0...65_535).contains(number) else {
      throw .invalid("\(name) \(number) is out of range; valid are 0 to 65535")
    }
    return UInt16(number)
  }

  /// Pairs of hexadecimal digits; blanks and colons between them are passed over.
  private static func octets(_ text: String) -> [UInt8]? {
    let digits = text.unicodeScalars.filter { !" :\n\t\r".unicodeScalars.contains($0) }.map { scalar in
      scalar.isASCII ? Character(scalar).hexDigitValue : nil
    }
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = digits[index], let low = digits[index + 1] else { return nil }
      bytes.append(UInt8(high << 4 | low))
    }
    return bytes
  }
}

/// A server and one of its ports, as `web1:eth0`, `PROJECT/web1:bond0`, or `web1` for the port that it has alone.
struct PortReference {
  let server: Server
  let port: PortName

  init(_ server: Server, _ port: PortName) { (self.server, self.port) = (server, port) }

  init(_ text: String, _ name: String, _ view: View) throws(APIError) {
    let (word, named) = Self.split(text)
    server = try view.known(serverNamed: word)
    guard let named else {
      guard server.bond0.bonded else {
        throw .invalid(
          "\(name) \(Arguments.shown(.string(text))) has two ports; valid are \(word):eth0 and \(word):eth1")
      }
      port = .bond0
      return
    }
    guard let found = server.port(named: named) else {
      throw .unknown(
        "\(server.hostname) has no port \(Arguments.shown(.string(named))); valid are bond0, eth0 and eth1")
    }
    guard found != .bond0 || server.bond0.bonded else {
      throw .invalid("no NIC of \(server.hostname) is in bond0; valid are \(word):eth0 and \(word):eth1")
    }
    port = found
  }

  /// The server's word, and the port's if there is one.
  static func split(_ text: String) -> (server: String, port: String?) {
    guard let colon = text.lastIndex(of: ":") else { return (text, nil) }
    return (String(text[..<colon]), String(text[text.index(after: colon)...]))
  }
}
