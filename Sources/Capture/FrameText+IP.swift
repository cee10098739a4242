// IPv4 and IPv6 in the words of tcpdump.

import Net
import Wire

extension FrameText.Line {
  /// Two ends of a packet, as they are printed: TCP and UDP put their ports behind the addresses.
  struct Ends {
    var source: IPAddress
    var target: IPAddress

    func text(_ ports: (Int, Int)? = nil) -> String {
      guard let ports else { return "\(source) > \(target): " }
      return "\(source).\(ports.0) > \(target).\(ports.1): "
    }
  }

  /// Says whose packet it is, when nobody has yet.
  ///
  /// tcpdump names the ports alone behind a header between IPv6 and UDP or TCP; so does this.
  struct Opening {
    var ends: Ends
    var isSaid = false
  }

  // MARK: IPv4

  mutating func ip4(_ packet: Octets) {
    text += "IP"
    attempt("ip") { line throws(Octets.Missing) in
      let version = try packet.byte(0) >> 4
      guard version == 4 else {
        line.text += "\(version) (invalid)"
        return
      }
      line.text += " "
      _ = try packet.long(16)
      let header = try packet.byte(0) & 15
      guard header >= 5 else {
        line.text += "bad-hlen \(header * 4)"
        return
      }
      // A super-frame of more than 64 KiB says 0.
      let said = try packet.word(2)
      let total = said == 0 ? packet.length : said
      guard total >= header * 4 else {
        line.text += "bad-len \(total)"
        return
      }
      if total > packet.length { line.text += "truncated-ip - \(total - packet.length) bytes missing! " }
      let payload = packet.from(header * 4, length: total - header * 4)
      var opening = Opening(ends: Ends(source: try packet.v4(12), target: try packet.v4(16)))
      let number = try packet.byte(9)
      guard try packet.word(6) & 0x1FFF == 0 else {
        line.text += opening.ends.text() + "ip-proto-\(number)"
        return
      }
      let isFragment = try packet.word(6) & 0x2000 != 0
      line.protocol(number, payload, &opening, isV4: true, isFragment: isFragment)
    }
  }

  // MARK: IPv6

  mutating func ip6(_ packet: Octets) {
    text += "IP6 "
    attempt("ip6") { line throws(Octets.Missing) in
      let version = try packet.byte(0) >> 4
      guard version == 6 else {
        line.text += "version error: \(version) != 6"
        return
      }
      var opening = Opening(ends: Ends(source: try packet.v6(8), target: try packet.v6(24)))
      let said = try packet.word(4)
      let rest = packet.from(40)
      if said > rest.length { line.text += "truncated-ip6 - \(said - rest.length) bytes missing! " }
      var payload = said == 0 ? rest : packet.from(40, length: said)
      var number = try packet.byte(6)
      // A packet has a handful of headers; one of a stranger has at most these many.
      for _ in 0..<8 {
        switch UInt8(number) {
        case ProtocolNumber.hopByHop: line.extension6("HBH ", &payload, &number, &opening)
        case ProtocolNumber.destinationOptions: line.extension6("DSTOPT ", &payload, &number, &opening)
        case ProtocolNumber.routing: line.extension6("srcrt ", &payload, &number, &opening)
        case ProtocolNumber.fragment:
          line.open(&opening)
          let field = try payload.word(2)
          line.text += "frag (\(field & 0xFFF8)|\(max(0, payload.length - 8))) "
          number = try payload.byte(0)
          payload = payload.from(8)
          guard field & 0xFFF8 == 0 else {
            line.text.removeLast()
            return
          }
          line.protocol(number, payload, &opening, isV4: false, isFragment: field & 1 != 0)
          return
        default:
          line.protocol(number, payload, &opening, isV4: false, isFragment: false)
          return
        }
      }
    }
  }

  /// One header on the way to what an IPv6 packet carries.
  private mutating func extension6(
    _ name: String, _ payload: inout Octets, _ number: inout Int, _ opening: inout Opening
  ) {
    open(&opening)
    text += name
    // What cannot be read ends as "no next header".
    number = (try? payload.byte(0)) ?? Int(ProtocolNumber.noNextHeader)
    payload = payload.from(((try? payload.byte(1)) ?? 0) * 8 + 8)
  }

  mutating func open(_ opening: inout Opening, ports: (Int, Int)? = nil) {
    if !opening.isSaid {
      text += opening.ends.text(ports)
    } else if let ports {
      text += "\(ports.0) > \(ports.1): "
    }
    opening.isSaid = true
  }

  // MARK: What they carry

  private mutating func `protocol`(
    _ number: Int, _ payload: Octets, _ opening: inout Opening, isV4: Bool, isFragment: Bool
  ) {
    switch UInt8(number) {
    case ProtocolNumber.tcp: tcp(payload, &opening)
    case ProtocolNumber.udp: udp(payload, &opening, isFragment: isFragment)
    case ProtocolNumber.icmp4 where isV4:
      open(&opening)
      icmp4(payload)
    case ProtocolNumber.icmp6 where !isV4:
      open(&opening)
      icmp6(payload)
    case 2 where isV4:
      open(&opening)
      igmp(payload)
    case 4 where payload.kept > 0:
      open(&opening)
      ip4(payload)
    case 41 where payload.kept > 0:
      open(&opening)
      ip6(payload)
    case ProtocolNumber.noNextHeader where !isV4:
      open(&opening)
      text += "no next header"
    default:
      open(&opening)
      let name = [47: "GRE", 50: "ESP", 51: "AH", 89: "OSPF", 103: "PIM", 112: "VRRP", 132: "SCTP"][number]
      text += name.map { "\($0), length \(payload.length)" } ?? "ip-proto-\(number) \(payload.length)"
    }
  }

  private mutating func igmp(_ message: Octets) {
    text += "igmp "
    attempt("igmp") { line throws(Octets.Missing) in
      switch try message.byte(0) {
      case 0x11:
        let version = message.length >= 12 ? 3 : try message.byte(1) == 0 ? 1 : 2
        line.text += "query v\(version)"
        let group = try message.v4(4)
        if group.v4 != 0 { line.text += " [gaddr \(group)]" }
      case 0x12: line.text += "v1 report \(try message.v4(4))"
      case 0x16: line.text += "v2 report \(try message.v4(4))"
      case 0x17: line.text += "leave \(try message.v4(4))"
      case 0x22: line.text += "v3 report, \(try message.word(6)) group record(s)"
      case let other: line.text += "0x\(FrameText.hex(other, 2)), length \(message.length)"
      }
    }
  }
}
