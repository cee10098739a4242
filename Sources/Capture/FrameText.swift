import Net
import Wire

/// What a frame says, in one line and in the words of tcpdump.
///
/// ## How it works
/// A frame is read from the outside in, and the line grows with it. Where the bytes that were kept end, the line ends
/// with `[|name]` of what could not be read, as tcpdump has it. What nobody here knows is named by its number.
///
/// Differences to `tcpdump -nn`: tags are shown without `-e`; TCP's numbers are absolute (`-S`), because a line knows
/// nothing of those before it; of what is carried by TCP and UDP only DHCP, DNS and VXLAN are named; an unknown type
/// takes one line.
///
/// ## Threads
/// Pure.
///
/// Source: the printers of tcpdump 4.99.3.
public enum FrameText {
  /// The line for a frame of `length` bytes, of which `bytes` were kept, from the destination address on.
  public static func summary(of bytes: [UInt8], length: Int) -> String {
    var line = Line()
    let frame = Octets(bytes[...], length: max(length, bytes.count))
    line.ethernet(frame)
    return line.text
  }

  /// `number` in `digits` hexadecimal digits, or more.
  static func hex(_ number: Int, _ digits: Int = 0) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  /// A line that grows.
  struct Line {
    var text = ""

    /// Lets `read` go on until it has the line, or a byte is missing of what is called `name`.
    mutating func attempt(_ name: String, _ read: (inout Line) throws(Octets.Missing) -> Void) {
      do throws(Octets.Missing) { try read(&self) } catch {
        let gap = text.isEmpty || text.hasSuffix(" ") ? "" : " "
        text += "\(gap)[|\(name)]"
      }
    }
  }
}

// MARK: - Ethernet

extension FrameText.Line {
  private enum Kind {
    static let tags: Set<Int> = [0x8100, 0x88A8, 0x9100]
    static let slow = 0x8809
    static let lldp = 0x88CC
    static let pause = 0x8808
    static let mpls = 0x8847
    static let test = Int(LoopProbe.etherType)
  }

  mutating func ethernet(_ frame: Octets) {
    attempt("ether") { line throws(Octets.Missing) in
      var type = try frame.word(12)
      var payload = frame.from(14)
      while Kind.tags.contains(type) {
        guard payload.kept >= 4 else {
          line.text += "[|vlan]"
          return
        }
        let control = try payload.word(0)
        line.text += "vlan \(control & 0xFFF), p \(control >> 13)\(control & 0x1000 == 0 ? "" : ", DEI"), "
        type = try payload.word(2)
        payload = payload.from(4)
      }
      switch type {
      case 0..<0x600: try line.logicalLink(payload.from(0, length: type), of: frame)
      case Kind.slow: line.slowProtocol(payload)
      case Int(EtherType.ipv4): line.ip4(payload)
      case Int(EtherType.ipv6): line.ip6(payload)
      case Int(EtherType.arp): line.arp(payload)
      case Kind.lldp: line.lldp(payload)
      case Kind.pause: line.pause(payload)
      case Kind.test: line.test(payload)
      case Kind.mpls: line.text += "MPLS, length \(payload.length)"
      default: try line.unknown("ethertype Unknown (0x\(FrameText.hex(type, 4)))", frame)
      }
    }
  }

  private mutating func unknown(_ what: String, _ frame: Octets) throws(Octets.Missing) {
    text += "\(try frame.mac(6)) > \(try frame.mac(0)), \(what), length \(frame.length)"
  }

  /// IEEE 802.2 behind a length: spanning tree, and others by their numbers.
  private mutating func logicalLink(_ payload: Octets, of frame: Octets) throws(Octets.Missing) {
    guard try payload.word(0) == 0x4242 else {
      let places = (try payload.byte(0), try payload.byte(1))
      return try unknown(
        "802.3 LLC, dsap 0x\(FrameText.hex(places.0, 2)), ssap 0x\(FrameText.hex(places.1, 2))", frame)
    }
    spanningTree(payload.from(3))
  }

  private mutating func spanningTree(_ unit: Octets) {
    attempt("stp") { line throws(Octets.Missing) in
      let (version, kind) = (try unit.byte(2), try unit.byte(3))
      let name = [0: "802.1d", 2: "802.1w", 3: "802.1s"][version] ?? "version \(version)"
      guard kind != 0x80 else {
        line.text += "STP \(name), Topology Change"
        return
      }
      let title = kind == 0 ? "Config" : kind == 2 ? "Rapid STP" : "type \(kind)"
      line.text += "STP \(name), \(title)"
      let flags = try unit.byte(4)
      var words: [String] = []
      if flags & 0x01 != 0 { words.append("Topology change") }
      if version >= 2 {
        if flags & 0x02 != 0 { words.append("Proposal") }
        if flags & 0x10 != 0 { words.append("Learn") }
        if flags & 0x20 != 0 { words.append("Forward") }
        if flags & 0x40 != 0 { words.append("Agreement") }
      }
      if flags & 0x80 != 0 { words.append("Topology change ACK") }
      let bridge = "\(try unit.hex(17, 2)).\(try unit.mac(19)).\(try unit.hex(25, 2))"
      line.text += ", Flags [\(words.isEmpty ? "none" : words.joined(separator: ", "))], bridge-id \(bridge)"
      line.text += ", length \(unit.length)"
    }
  }

  /// LACP and the marker protocol.
  private mutating func slowProtocol(_ unit: Octets) {
    attempt("slow") { line throws(Octets.Missing) in
      switch try unit.byte(0) {
      case 1: line.text += "LACPv\(try unit.byte(1))"
      case 2: line.text += "MARKERv\(try unit.byte(1))"
      case let other: line.text += "slow protocol (\(other))"
      }
      line.text += ", length \(unit.length)"
    }
  }

  /// Neighbours' announcements: the name of the system is what is of interest.
  private mutating func lldp(_ unit: Octets) {
    text += "LLDP, length \(unit.length)"
    attempt("lldp") { line throws(Octets.Missing) in
      var at = 0
      while at + 2 <= unit.kept {
        let head = try unit.word(at)
        let (kind, size) = (head >> 9, head & 0x1FF)
        if kind == 0 { return }
        if kind == 5 {
          line.text += ": \(try unit.text(at + 2, size))"
          return
        }
        at += 2 + size
      }
    }
  }

  private mutating func pause(_ unit: Octets) {
    attempt("mpcp") { line throws(Octets.Missing) in
      let code = try unit.word(0)
      line.text += "MPCP, Opcode \(code == 1 ? "Pause" : "\(code)"), length \(unit.length)"
    }
  }

  /// The test of a loop: the switch's own probes are.
  private mutating func test(_ unit: Octets) {
    attempt("loopback") { line throws(Octets.Missing) in
      // Numbers of this protocol are little-endian.
      let function = try unit.byte(2) | unit.byte(3) << 8
      line.text += "Loopback, \(function == 1 ? "Reply" : function == 2 ? "Forward data" : "function \(function)")"
      line.text += ", length \(unit.length)"
    }
  }

  // MARK: ARP

  private mutating func arp(_ packet: Octets) {
    text += "ARP, "
    attempt("arp") { line throws(Octets.Missing) in
      guard try packet.word(0) == 1, try packet.word(2) == 0x800, try packet.word(4) == 0x0604 else {
        line.text += "of other addresses than Ethernet and IPv4, length \(packet.length)"
        return
      }
      let (sender, senderMAC) = (try packet.v4(14), try packet.mac(8))
      let (target, targetMAC) = (try packet.v4(24), try packet.mac(18))
      switch try packet.word(6) {
      case 1:
        let known = targetMAC.value == 0 ? "" : " (\(targetMAC))"
        line.text += "Request who-has \(target)\(known) tell \(sender)"
      case 2: line.text += "Reply \(sender) is-at \(senderMAC)"
      case 3: line.text += "Reverse Request who-is \(targetMAC) tell \(senderMAC)"
      case 4: line.text += "Reverse Reply \(targetMAC) at \(target)"
      case let other: line.text += "Unknown (\(other)), \(sender) to \(target)"
      }
      line.text += ", length \(packet.length)"
    }
  }
}
