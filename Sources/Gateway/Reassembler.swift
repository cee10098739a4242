public import Net
public import Switching
import Wire

/// Puts the fragments of datagrams that are addressed to the gateway together again: large pings, mostly.
///
/// ## How it works
/// Datagrams stand in the order in which their first fragment came, at most 64 of them, each a list of pieces sorted by
/// offset. A datagram is whole when the pieces reach from 0 to its end without a gap. When there are too many
/// datagrams, the interface that has most of them loses the one that came first; when there are too many bytes, the
/// interface that has most of those. So a flood of fragments costs its sender's own fragments and nothing else.
///
/// A fragment that overlaps another, or disagrees about the end, kills the datagram: nothing good does that (RFC 5722
/// 3, for IPv4 too). A dead one keeps its place, without bytes, until its time is over, so that its other fragments are
/// not taken for a new datagram. A fragment that comes twice is ignored, as RFC 8200 4.5 allows.
///
/// ## Invariants
/// 1. At most `datagramLimit` datagrams, `byteLimit` bytes, where each piece counts `pieceOverhead` bytes beside its
///    own.
/// 2. The pieces of a datagram do not overlap, are not empty, and end at or before its end.
/// 3. A datagram that is not dead is not whole: a whole one has been handed out.
///
/// ## Threads
/// One owner, the slow path. Sans-IO: the time is an argument, `deadline` says when `expire` is due.
///
/// Source: RFC 791 3.2, RFC 815; RFC 8200 4.5, RFC 5722, RFC 6946.
public struct Reassembler {
  public static let datagramLimit = 64
  /// Of payload, and for IPv4 with the header.
  public static let datagramSizeLimit = 65_535
  public static let byteLimit = 1 << 20
  /// What a piece costs beside its bytes: an array's header and its place in the list, so that tiny fragments are not
  /// cheap.
  static let pieceOverhead = 64
  /// RFC 791 3.2 suggests 15 s, RFC 1122 3.3.2 wants 60 s or more; Linux has 30 s.
  public static let timeout4: Instant = 30_000
  /// RFC 8200 4.5.
  public static let timeout6: Instant = 60_000

  private var datagrams: [Datagram] = []
  private var byteCount = 0

  public init() {}

  /// When `expire` is due next; `nil` when nothing waits.
  public var deadline: Instant? { datagrams.lazy.map(\.deadline).min() }

  /// Forgets the datagrams whose time is over.
  public mutating func expire(at now: Instant) {
    datagrams.removeAll { $0.deadline <= now }
    byteCount = datagrams.reduce(0) { $0 + $1.cost }
  }

  /// Takes an IP packet that came in by `ingress`, from its version byte; padding behind it is ignored.
  ///
  /// The whole packet when there is one: the packet itself when it is no fragment, or the datagram that it completes,
  /// without fragmentation fields or Fragment header, its length and header checksum right. `nil` when fragments are
  /// missing, or the packet is malformed.
  public mutating func add(
    _ packet: ArraySlice<UInt8>, from ingress: PortIndex = PortIndex(0), at now: Instant
  ) -> [UInt8]? {
    expire(at: now)
    let fragment: Fragment
    switch Fragment.read(packet) {
    case .malformed: return nil
    case .whole(let packet): return packet
    case .fragment(let read): fragment = read
    }
    let index: Int
    if let found = datagrams.firstIndex(where: { $0.key == fragment.key && $0.ingress == ingress }) {
      index = found
    } else {
      if datagrams.count == Self.datagramLimit { giveWay(to: ingress) { _ in 1 } }
      index = datagrams.count
      datagrams.append(
        Datagram(fragment.key, ingress, deadline: now &+ (fragment.isV4 ? Self.timeout4 : Self.timeout6)))
    }
    byteCount -= datagrams[index].cost
    datagrams[index].add(fragment)
    byteCount += datagrams[index].cost
    if let whole = datagrams[index].whole {
      remove(at: index)
      // The header of the first fragment may be longer than that of the fragment whose end was checked.
      return whole.isEmpty ? nil : whole
    }
    while byteCount > Self.byteLimit { giveWay(to: nil) { $0.cost } }
    return nil
  }

  /// The interface that has most by `measure`, one more counted for `ingress`, loses its oldest datagram.
  private mutating func giveWay(to ingress: PortIndex?, _ measure: (Datagram) -> Int) {
    var sums: [PortIndex: Int] = [:]
    for datagram in datagrams { sums[datagram.ingress, default: 0] += measure(datagram) }
    if let ingress { sums[ingress, default: 0] += 1 }
    let most = datagrams.lazy.map { sums[$0.ingress]! }.max() ?? 0
    remove(at: datagrams.firstIndex { sums[$0.ingress] == most && measure($0) > 0 } ?? 0)
  }

  private mutating func remove(at index: Int) {
    byteCount -= datagrams[index].cost
    datagrams.remove(at: index)
  }
}

/// A datagram of which something is missing, or a dead one.
private struct Datagram {
  struct Piece {
    let offset: Int
    let bytes: ArraySlice<UInt8>
    var end: Int { offset + bytes.count }
  }

  let key: Fragment.Key
  let ingress: PortIndex
  let deadline: Instant
  private(set) var isDead = false
  /// What `Reassembler.byteLimit` limits.
  private(set) var cost = 0
  /// Sorted by offset.
  private var pieces: [Piece] = []
  private var received = 0
  /// Bytes of the payload, once the last fragment has come.
  private var end: Int?
  /// Of the fragment with offset 0.
  private var header: [UInt8] = []

  init(_ key: Fragment.Key, _ ingress: PortIndex, deadline: Instant) {
    (self.key, self.ingress, self.deadline) = (key, ingress, deadline)
  }

  mutating func add(_ fragment: Fragment) {
    guard !isDead else { return }
    // A copy of its own, so that a large buffer is not kept alive for a small piece of it.
    let piece = Piece(offset: fragment.offset, bytes: Array(fragment.payload)[...])
    let place = firstIndex(atOrBehind: piece.offset)
    if place < pieces.count, pieces[place].offset == piece.offset, pieces[place].bytes == piece.bytes,
      fragment.isLast == (end == piece.end)
    {
      return
    }
    let isFree =
      (place == 0 || pieces[place - 1].end <= piece.offset)
      && (place == pieces.count || piece.end <= pieces[place].offset)
    let isWithinEnd = fragment.isLast ? end == nil && place == pieces.count : end.map { piece.end <= $0 } ?? true
    guard isFree, isWithinEnd else {
      (isDead, cost, pieces, header) = (true, 0, [], [])
      return
    }
    pieces.insert(piece, at: place)
    received += piece.bytes.count
    cost += piece.bytes.count + Reassembler.pieceOverhead
    if fragment.isLast { end = piece.end }
    if fragment.offset == 0 {
      header = fragment.header
      cost += header.count
    }
  }

  /// The packet, when nothing is missing; empty when it is larger than a packet can be, or a fragment again.
  var whole: [UInt8]? {
    guard !isDead, let end, received == end else { return nil }
    var packet = header
    packet.reserveCapacity(header.count + end)
    for piece in pieces { packet += piece.bytes }
    if key.isV4 {
      guard packet.count <= Reassembler.datagramSizeLimit else { return [] }
      packet.setNumber16(UInt16(packet.count), at: 2)
      packet.setNumber16(0, at: 10)
      packet.setNumber16(InternetChecksum.finish(InternetChecksum.sum(packet[..<header.count])), at: 10)
    } else {
      guard packet.count - IPv6Header.size <= Reassembler.datagramSizeLimit else { return [] }
      packet.setNumber16(UInt16(packet.count - IPv6Header.size), at: 4)
      guard IPv6HeaderChain(packet[...])?.isFragment == false else { return [] }
    }
    return packet
  }

  /// Place of the first piece whose offset is `offset` or more.
  private func firstIndex(atOrBehind offset: Int) -> Int {
    var (low, high) = (0, pieces.count)
    while low < high {
      let middle = (low + high) / 2
      if pieces[middle].offset < offset { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// One fragment, read.
private struct Fragment {
  /// What the fragments of a datagram have in common: RFC 791 3.2 with the protocol, RFC 8200 4.5 without.
  struct Key: Equatable {
    let source: IPAddress
    let destination: IPAddress
    let identification: UInt32
    let protocolNumber: UInt8
    let isV4: Bool
  }

  enum Read { case malformed, whole([UInt8]), fragment(Fragment) }

  let key: Key
  let offset: Int
  let isLast: Bool
  /// As the whole packet is to have it but for its length and checksum.
  let header: [UInt8]
  let payload: ArraySlice<UInt8>

  var isV4: Bool { key.isV4 }

  static func read(_ packet: ArraySlice<UInt8>) -> Read {
    switch packet.first.map({ $0 >> 4 }) {
    case 4: read4(packet)
    case 6: read6(packet)
    default: .malformed
    }
  }

  private static func read4(_ packet: ArraySlice<UInt8>) -> Read {
    let start = packet.startIndex
    guard let read = IPv4Header(packet) else { return .malformed }
    guard read.isFragment else { return .whole(Array(packet.prefix(read.totalLength))) }
    var header = Array(packet.prefix(read.headerLength))
    header.setNumber16(packet.number16(at: start + 6) & ~0x3FFF, at: 6)
    return Fragment(
      key: Key(
        source: read.source, destination: read.destination, identification: UInt32(read.identification),
        protocolNumber: read.protocolNumber, isV4: true),
      offset: read.fragmentOffset, isLast: !read.moreFragments, header: header, payload: read.payload(packet)
    ).checked
  }

  private static func read6(_ packet: ArraySlice<UInt8>) -> Read {
    let start = packet.startIndex
    guard let chain = IPv6HeaderChain(packet) else { return .malformed }
    guard chain.isFragment else { return .whole(Array(packet[start..<start + chain.end])) }
    let place = start + chain.upperLayer
    let payload = packet[place + IPv6Header.fragmentHeaderSize..<start + chain.end]
    let field = packet.number16(at: place + 2)
    var header = Array(packet[start..<place])
    header[chain.upperLayerField] = packet[place]
    // RFC 6946 4: offset 0 and no more: it is whole by itself, whatever else has the same identification.
    if field & 0xFFF9 == 0 {
      header.setNumber16(UInt16(header.count + payload.count - IPv6Header.size), at: 4)
      let packet = header + payload
      return IPv6HeaderChain(packet[...])?.isFragment == false ? .whole(packet) : .malformed
    }
    return Fragment(
      key: Key(
        source: chain.header.source, destination: chain.header.destination,
        identification: packet.number32(at: place + 4), protocolNumber: 0, isV4: false),
      offset: Int(field & 0xFFF8), isLast: field & 1 == 0, header: header, payload: payload
    ).checked
  }

  /// Empty, not a multiple of 8 before the end, or reaching behind what a packet can have: discarded, RFC 8200 4.5.
  private var checked: Read {
    let fixed = isV4 ? header.count : header.count - IPv6Header.size
    guard !payload.isEmpty, isLast || payload.count % 8 == 0,
      fixed + offset + payload.count <= Reassembler.datagramSizeLimit
    else { return .malformed }
    return .fragment(self)
  }
}
