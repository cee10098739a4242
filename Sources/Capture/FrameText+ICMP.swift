// ICMP and ICMPv6 in the words of tcpdump.

import Net
import Wire

extension FrameText.Line {
  mutating func icmp4(_ message: Octets) {
    text += "ICMP "
    attempt("icmp") { line throws(Octets.Missing) in
      let (type, code) = (try message.byte(0), try message.byte(1))
      let about = message.from(8)
      switch type {
      case 0: line.text += "echo reply, id \(try message.word(4)), seq \(try message.word(6))"
      case 8: line.text += "echo request, id \(try message.word(4)), seq \(try message.word(6))"
      case 3: try line.unreachable4(code, message, about)
      case 4: line.text += "source quench"
      case 5:
        let kind = ["net", "host", "type-of-service net", "type-of-service host"]
        line.text += "redirect \(try about.v4(16)) to \(code < 4 ? kind[code] : "\(code)") \(try message.v4(4))"
      case 9: line.text += "router advertisement"
      case 10: line.text += "router solicitation"
      case 11: line.text += code == 0 ? "time exceeded in-transit" : "ip reassembly time exceeded"
      case 12: line.text += "parameter problem - octet \(try message.byte(4))"
      case 13: line.text += "time stamp query id \(try message.word(4)) seq \(try message.word(6))"
      case 14: line.text += "time stamp reply id \(try message.word(4)) seq \(try message.word(6))"
      default: line.text += "type-#\(type)"
      }
      line.text += ", length \(message.length)"
    }
  }

  /// `about`: the packet that did not arrive, from its IP header on.
  private mutating func unreachable4(_ code: Int, _ message: Octets, _ about: Octets) throws(Octets.Missing) {
    let target = try about.v4(16)
    switch code {
    case 0: text += "net \(target) unreachable"
    case 1: text += "host \(target) unreachable"
    case 2: text += "\(target) protocol \(try about.byte(9)) unreachable"
    case 3:
      let number = try about.byte(9)
      let port = try about.word((try about.byte(0) & 15) * 4 + 2)
      switch UInt8(number) {
      case ProtocolNumber.tcp: text += "\(target) tcp port \(port) unreachable"
      case ProtocolNumber.udp: text += "\(target) udp port \(port) unreachable"
      default: text += "\(target) protocol \(number) port \(port) unreachable"
      }
    case 4:
      let mtu = try message.word(6)
      text += "\(target) unreachable - need to frag\(mtu == 0 ? "" : " (mtu \(mtu))")"
    case 9: text += "net \(target) unreachable - admin prohibited"
    case 10: text += "host \(target) unreachable - admin prohibited"
    case 13: text += "host \(target) unreachable - admin prohibited filter"
    default: text += "\(target) unreachable - #\(code)"
    }
  }

  mutating func icmp6(_ message: Octets) {
    text += "ICMP6, "
    attempt("icmp6") { line throws(Octets.Missing) in
      let (type, code) = (try message.byte(0), try message.byte(1))
      let about = message.from(8)
      switch type {
      case 1: try line.unreachable6(code, about)
      case 2: line.text += "packet too big, mtu \(try message.long(4))"
      case 3:
        line.text +=
          code == 0
          ? "time exceeded in-transit for \(try about.v6(24))" : "time exceeded in-transit (reassembly)"
      case 4:
        let what = ["erroneous", "next header", "option"]
        line.text += "parameter problem, \(code < 3 ? what[code] : "code-#\(code)") - octet \(try message.long(4))"
      case 128: line.text += "echo request, id \(try message.word(4)), seq \(try message.word(6))"
      case 129: line.text += "echo reply, id \(try message.word(4)), seq \(try message.word(6))"
      case 130: line.text += "multicast listener query"
      case 131: line.text += "multicast listener report"
      case 132: line.text += "multicast listener done"
      case 133: line.text += "router solicitation"
      case 134: line.text += "router advertisement"
      case 135: line.text += "neighbor solicitation, who has \(try message.v6(8))"
      case 136: line.text += "neighbor advertisement, tgt is \(try message.v6(8))"
      case 137: line.text += "redirect, \(try message.v6(24)) to \(try message.v6(8))"
      case 143: line.text += "multicast listener report v2, \(try message.word(6)) group record(s)"
      default: line.text += "unknown icmp6 type (\(type))"
      }
      line.text += ", length \(message.length)"
    }
  }

  private mutating func unreachable6(_ code: Int, _ about: Octets) throws(Octets.Missing) {
    text += "destination unreachable, "
    let target = try about.v6(24)
    switch code {
    case 0: text += "unreachable route \(target)"
    case 1: text += "unreachable prohibited \(target)"
    case 2: text += "beyond scope \(target), source address \(try about.v6(8))"
    case 3: text += "unreachable address \(target)"
    case 4:
      let number = try about.byte(6)
      let name = [6: "tcp", 17: "udp"][number] ?? "protocol \(number)"
      text += "unreachable port, \(target) \(name) port \(try about.word(42))"
    default: text += "code-#\(code), \(target)"
    }
  }
}
