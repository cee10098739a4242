import Net

/// Which addresses of a kind are next in a facility: the part of address allocation that is kept on disk.
///
/// ## How it works
/// A facility has a range of each kind (`AddressPlan`). The lower three quarters of the public IPv4 range are one row of
/// blocks of two addresses, for servers of all projects; the upper quarter is for elastic blocks. The other ranges are cut
/// into chunks, which a project gets one at a time and keeps while it is there; its pool is the row of blocks of two in them.
///
///     kind          chunk    blocks in a chunk
///     public IPv4   none     the whole range, but for the elastic quarter
///     private IPv4  /25      64
///     public IPv6   /56      2^32 (of 2^71)
///
/// A pool walks around its row: the next block given out is the first free one from the cursor on. So a block that comes
/// back rests until the cursor has been everywhere else. Elastic blocks have a cursor of their own, which walks around the
/// upper quarter, over addresses, since these blocks have different sizes.
///
/// The two parts of public IPv4 are where new blocks come from, no more: after a change of the range a server may have a block of
/// the upper quarter, or a reservation lie in the lower part. Whoever looks for a free block looks at both.
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
  /// Numbers of the chunks, in the order in which the pool got them; none of public IPv4. It keeps them. A chunk's number is its
  /// first address divided by its size, so it means the same addresses whatever the range.
  public var chunks: [Int]
  /// Where the search for a free block begins: an index into the row.
  public var next: Int
  /// Where the search for a free elastic block begins: an address of the upper quarter, counted from its first. 0 but for public
  /// IPv4.
  public var nextElastic: Int

  public init(key: Key, chunks: [Int] = [], next: Int = 0, nextElastic: Int = 0) {
    (self.key, self.chunks, self.next, self.nextElastic) = (key, chunks, next, nextElastic)
  }
}

/// The numbers behind the table above.
extension Address.Kind {
  /// Bits of the prefix of a server's block of two.
  public var blockLength: Int { family == 4 ? 31 : 127 }

  /// Whether each project has a pool of its own, made of chunks.
  var isPerProject: Bool { self != .publicIPv4 }

  /// Bits of a chunk's prefix.
  var chunkLength: Int { self == .publicIPv6 ? 56 : 25 }
  var blocksPerChunk: Int { self == .publicIPv6 ? 1 << 32 : 64 }

  func chunk(of block: IPPrefix) -> Int { Int(block.base.number >> UInt128(block.width - chunkLength)) }

  func chunks(in range: IPPrefix) -> Range<Int> {
    let first = chunk(of: range)
    return first..<first + Int(range.size >> UInt128(range.width - chunkLength))
  }

  /// The block of two at an index of a row of chunks.
  func block(_ index: Int, of chunks: [Int]) -> IPPrefix {
    let zero = family == 4 ? IPAddress.unspecified4 : .unspecified6
    let first = UInt128(chunks[index / blocksPerChunk]) << UInt128(zero.width - chunkLength)
    return IPPrefix(zero + first + UInt128(index % blocksPerChunk) * 2, length: blockLength)
  }
}
