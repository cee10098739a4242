/// Which addresses of a kind are next in a facility: the part of address allocation that is kept on disk.
///
/// ## How it works
/// Each kind has a range, divided evenly among 16 facilities. A facility's share is cut into chunks: one for all public
/// IPv4, a /25 at a time per project for private IPv4, a /56 per project for IPv6. A pool owns chunks, seen as one
/// row of blocks of two addresses, and walks around it: the next block given out is the first free one from the cursor
/// on. So a block that comes back rests until the cursor has been everywhere else.
///
///     kind          range            share   chunk              blocks in a chunk
///     public IPv4   198.18.0.0/15    /19     the whole share    4096
///     private IPv4  10.64.0.0/12     /16     /25                64
///     public IPv6   2001:db8::/32    /36     /56                2^62 (of 2^71)
///
/// 198.18.0.0/15 (RFC 2544) and 2001:db8::/32 (RFC 3849) belong to nobody on the real Internet.
public struct AddressPool: Hashable, Sendable {
  public struct Key: Hashable, Sendable {
    /// Code of the facility.
    public var facility: String
    public var kind: Address.Kind
    /// `nil` for public IPv4, which all projects share.
    public var project: ProjectID?

    public init(facility: String, kind: Address.Kind, project: ProjectID?) {
      (self.facility, self.kind, self.project) = (facility, kind, project)
    }
  }

  public let key: Key
  /// Numbers of the chunks within the facility's share, in the order in which the pool got them. It keeps them.
  public var chunks: [Int]
  /// Where the search for a free block begins: an index into all blocks of `chunks`.
  public var next: Int

  public init(key: Key, chunks: [Int], next: Int) { (self.key, self.chunks, self.next) = (key, chunks, next) }
}

/// The numbers behind the table above.
extension Address.Kind {
  /// First address of the range.
  private var base: UInt128 {
    switch self {
    case .publicIPv4: 198 << 24 | 18 << 16
    case .privateIPv4: 10 << 24 | 64 << 16
    case .publicIPv6: 0x2001_0db8 << 96
    }
  }
  /// Addresses in a facility's share: a sixteenth of the range.
  private var shareSize: UInt128 {
    switch self {
    case .publicIPv4: 1 << 13
    case .privateIPv4: 1 << 16
    case .publicIPv6: 1 << 92
    }
  }
  private var chunkSize: UInt128 {
    switch self {
    case .publicIPv4: shareSize
    case .privateIPv4: 1 << 7
    case .publicIPv6: 1 << 72
    }
  }
  var chunksPerShare: Int { Int(shareSize / chunkSize) }
  var blocksPerChunk: Int { Int(min(chunkSize / 2, 1 << 62)) }
  /// Whether each project has a pool of its own.
  var isPerProject: Bool { self != .publicIPv4 }

  func block(_ index: Int, ofChunk chunk: Int, share: Int) -> IPBlock {
    let first = base + UInt128(share) * shareSize + UInt128(chunk) * chunkSize
    return IPBlock(family: family, base: first + UInt128(index) * 2, length: family == 4 ? 31 : 127)
  }

  /// The share and the chunk within it that hold `block`; `nil` when it is not of this kind.
  func location(of block: IPBlock) -> (share: Int, chunk: Int)? {
    guard block.family == family, block.length == (family == 4 ? 31 : 127), block.base >= base,
      block.base - base < shareSize * 16
    else { return nil }
    let offset = block.base - base
    return (Int(offset / shareSize), Int(offset % shareSize / chunkSize))
  }
}
