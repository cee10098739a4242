// TCP, UDP, and the few things in UDP that a switch's user looks for, in the words of tcpdump.

import Net
import Wire

extension FrameText.Line {
  // MARK: TCP

  mutating func tcp(_ segment: Octets, _ opening: inout Opening) {
    guard let source = try? segment.word(0), let target = try? segment.word(2) else {
      open(&opening)
      text += "[|tcp]"
      return
    }
    open(&opening, ports: (source, target))
    attempt("tcp") { line throws(Octets.Missing) in
      let header = (try segment.byte(12) >> 4) * 4
      let (bits, window) = (try segment.byte(13), try segment.word(14))
      guard header >= 20 else {
        line.text += "tcp \(max(0, segment.length - header)) [bad hdr length \(header) - too short, < 20]"
        return
      }
      guard header <= segment.length else {
        line.text += "tcp \(segment.length) [bad hdr length \(header) - too long, > \(segment.length)]"
        return
      }
      let letters = zip(["F", "S", "R", "P", ".", "U", "E", "W"], 0..<8).filter { bits & (1 << $0.1) != 0 }.map(\.0)
      line.text += "Flags [\(letters.isEmpty ? "none" : letters.joined())]"
      let count = segment.length - header
      let sequence = try segment.long(4)
      if count > 0 {
        line.text += ", seq \(sequence):\(sequence &+ UInt32(truncatingIfNeeded: count))"
      } else if bits & 0x07 != 0 {
        line.text += ", seq \(sequence)"
      }
      if bits & 0x10 != 0 { line.text += ", ack \(try segment.long(8))" }
      line.text += ", win \(window)"
      if bits & 0x20 != 0 { line.text += ", urg \(try segment.word(18))" }
      try line.options(segment.from(20, length: header - 20))
      line.text += ", length \(count)"
    }
  }

  private mutating func options(_ options: Octets) throws(Octets.Missing) {
    guard options.length > 0 else { return }
    var words: [String] = []
    var at = 0
    loop: while at < options.length {
      let kind = try options.byte(at)
      switch kind {
      case 0:
        words.append("eol")
        break loop
      case 1:
        words.append("nop")
        at += 1
        continue
      default: break
      }
      let size = try options.byte(at + 1)
      guard size >= 2, at + size <= options.length else {
        words.append("[bad opt]")
        break
      }
      switch (kind, size) {
      case (2, 4): words.append("mss \(try options.word(at + 2))")
      case (3, 3): words.append("wscale \(try options.byte(at + 2))")
      case (4, 2): words.append("sackOK")
      case (5, _) where (size - 2) % 8 == 0 && size > 2:
        var text = "sack \((size - 2) / 8) "
        for block in 0..<(size - 2) / 8 {
          text += "{\(try options.long(at + 2 + block * 8)):\(try options.long(at + 6 + block * 8))}"
        }
        words.append(text)
      case (8, 10): words.append("TS val \(try options.long(at + 2)) ecr \(try options.long(at + 6))")
      default: words.append("unknown-\(kind)\(size > 2 ? " 0x\(try options.hex(at + 2, size - 2))" : "")")
      }
      at += size
    }
    text += ", options [\(words.joined(separator: ","))]"
  }

  // MARK: UDP

  mutating func udp(_ datagram: Octets, _ opening: inout Opening, isFragment: Bool) {
    guard let source = try? datagram.word(0), let target = try? datagram.word(2) else {
      open(&opening)
      text += "[|udp]"
      return
    }
    open(&opening, ports: (source, target))
    attempt("udp") { line throws(Octets.Missing) in
      let said = try datagram.word(4)
      guard said == 0 || said >= 8 else {
        line.text += "truncated-udplength \(said)"
        return
      }
      let (count, rest) = (said == 0 ? datagram.length - 8 : said - 8, datagram.length - 8)
      if count > rest, !isFragment {
        line.text += "UDP, bad length \(count) > \(rest)"
        return
      }
      let payload = datagram.from(8, length: count)
      switch (source, target) {
      case (67, _), (68, _), (_, 67), (_, 68): line.dhcp(payload)
      case (546, _), (547, _), (_, 546), (_, 547): line.dhcp6(payload)
      case (53, _), (_, 53): line.dns(payload)
      case (_, 4789): line.vxlan(payload)
      default: line.text += "UDP, length \(count)"
      }
    }
  }

  private mutating func dhcp(_ message: Octets) {
    text += "BOOTP/DHCP, "
    attempt("bootp") { line throws(Octets.Missing) in
      switch try message.byte(0) {
      case 1:
        line.text += "Request"
        if try message.byte(1) == 1, try message.byte(2) == 6 { line.text += " from \(try message.mac(28))" }
      case 2: line.text += "Reply"
      case let other: line.text += "unknown (0x\(FrameText.hex(other, 2)))"
      }
      line.text += ", length \(message.length)"
    }
  }

  private mutating func dhcp6(_ message: Octets) {
    attempt("dhcp6") { line throws(Octets.Missing) in
      let names = [
        1: "solicit", 2: "advertise", 3: "request", 4: "confirm", 5: "renew", 6: "rebind", 7: "reply", 8: "release",
        9: "decline", 10: "reconf", 11: "inf-req", 12: "relay-fwd", 13: "relay-reply",
      ]
      let type = try message.byte(0)
      line.text += "dhcp6 \(names[type] ?? "msgtype-\(type)")"
    }
  }

  /// A question with its name; of an answer how much of it there is.
  private mutating func dns(_ message: Octets) {
    attempt("domain") { line throws(Octets.Missing) in
      let (number, flags) = (try message.word(0), try message.word(2))
      guard flags & 0x8000 == 0 else {
        let counts = "\(try message.word(6))/\(try message.word(8))/\(try message.word(10))"
        line.text += "\(number) \(counts) (\(message.length))"
        return
      }
      line.text += "\(number)\(flags & 0x100 == 0 ? "" : "+") "
      var (at, name) = (12, "")
      while true {
        let size = try message.byte(at)
        guard size > 0, size < 64 else { break }
        name += try message.text(at + 1, size) + "."
        at += size + 1
      }
      let types = [
        1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 65: "HTTPS",
      ]
      let type = try message.word(at + 1)
      line.text += "\(types[type] ?? "Type\(type)")? \(name.isEmpty ? "." : name) (\(message.length))"
    }
  }

  private mutating func vxlan(_ packet: Octets) {
    attempt("vxlan") { line throws(Octets.Missing) in
      let flags = try packet.byte(0)
      line.text += "VXLAN, flags [\(flags & 8 == 0 ? "." : "I")] (0x\(FrameText.hex(flags, 2)))"
      line.text += ", vni \(try packet.long(4) >> 8)"
    }
  }
}
