// The only file that touches libpcap's programs.

import CPcap

/// Why a filter is none.
public struct FilterFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// In libpcap's words.
  public let description: String
}

/// Which frames are wanted, in the language of tcpdump: pcap-filter(7).
///
/// ## How it works
/// Compiled by libpcap once, run on each frame in the thread that sees it; that allocates nothing and takes some 30 to
/// 60 ns. In libpcap `host 10.0.0.2` does not match a tagged frame, and `vlan` shifts every term behind it. So an
/// expression `F` in which `vlan` does not stand is compiled twice: `F` for untagged frames, `vlan and (F)` for tagged
/// ones; the frame says which. One program of both would let `not arp` pass tagged ARP.
///
/// ## Threads
/// Any: a program is not written to after it was made.
@safe public final class FrameFilter: Sendable {
  /// As it was given.
  public let expression: String
  nonisolated(unsafe) private var untagged = unsafe bpf_program()
  nonisolated(unsafe) private var tagged = unsafe bpf_program()
  private let isOne: Bool
  /// Longest expression that is compiled, in bytes.
  public static let lengthLimit = 2_048
  /// Instructions that are run on a frame at most.
  public static let sizeLimit = 512
  private static let snapLength: Int32 = 262_144

  public init(_ expression: String) throws(FilterFault) {
    guard expression.utf8.count <= Self.lengthLimit else {
      throw FilterFault(description: "a filter has at most \(Self.lengthLimit) bytes")
    }
    guard !expression.utf8.contains(0) else { throw FilterFault(description: "a filter has no zero byte") }
    switch FilterWords.fault(in: expression) {
    case nil: break
    case .loop: throw FilterFault(description: "protochain is not taken: its program has loops")
    case .name(let name):
      // What libpcap would say of it without asking for the name comes first.
      var form = unsafe bpf_program()
      try unsafe Self.compile(FilterWords.form(of: expression), into: &form)
      unsafe pcap_freecode(&form)
      throw FilterFault(description: "\(name) is a name, and names are not looked up; give the address")
    }
    self.expression = expression
    isOne = Self.names("vlan", in: expression)
    try unsafe Self.compile(expression, into: &untagged)
    guard !isOne else { return }
    let blank = expression.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A }
    do { try unsafe Self.compile(blank ? "vlan" : "vlan and (\(expression))", into: &tagged) } catch {
      unsafe pcap_freecode(&untagged)
      throw error
    }
  }

  deinit {
    unsafe pcap_freecode(&untagged)
    if !isOne { unsafe pcap_freecode(&tagged) }
  }

  /// Whether `word` stands in `expression` by itself.
  static func names(_ word: String, in expression: String) -> Bool {
    expression.lowercased().split { !$0.isLetter && !$0.isNumber && $0 != "_" && $0 != "-" }.contains { $0 == word }
  }

  private static func compile(_ expression: String, into program: inout bpf_program) throws(FilterFault) {
    guard let handle = unsafe pcap_open_dead(DLT_EN10MB, snapLength) else {
      throw FilterFault(description: "libpcap has no memory for a filter")
    }
    defer { unsafe pcap_close(handle) }
    // No netmask is known: `ip broadcast` is refused, as it should be.
    guard unsafe pcap_compile(handle, &program, expression, 1, bpf_u_int32(0xFFFF_FFFF)) == 0 else {
      throw FilterFault(description: unsafe String(cString: pcap_geterr(handle)))
    }
    let size = unsafe program.bf_len
    guard size <= sizeLimit else {
      unsafe pcap_freecode(&program)
      throw FilterFault(
        description: "a filter has at most \(sizeLimit) instructions when it is compiled, and this one "
          + "\(size); say less")
    }
  }

  /// Whether the frame is wanted, of which `kept` bytes lie at `frame`, and which has `length` in all.
  @unsafe public func matches(_ frame: UnsafeRawPointer, kept: Int, length: Int) -> Bool {
    var isTagged = false
    if kept >= 14 {
      let type = unsafe frame.loadUnaligned(fromByteOffset: 12, as: UInt16.self)
      // 0x8100, 0x88A8 and 0x9100, as libpcap's `vlan` has them.
      isTagged =
        type == UInt16(bigEndian: 0x8100) || type == UInt16(bigEndian: 0x88A8)
        || type == UInt16(bigEndian: 0x9100)
    }
    let bytes = unsafe frame.assumingMemoryBound(to: UInt8.self)
    let program = unsafe isTagged && !isOne ? tagged : untagged
    return unsafe bpf_filter(program.bf_insns, bytes, UInt32(clamping: length), UInt32(clamping: kept)) != 0
  }

  /// The same for bytes in an array.
  public func matches(_ frame: [UInt8], length: Int? = nil) -> Bool {
    unsafe frame.withUnsafeBytes { bytes in
      unsafe bytes.baseAddress.map { unsafe matches($0, kept: frame.count, length: length ?? frame.count) } ?? false
    }
  }
}
