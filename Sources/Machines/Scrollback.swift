/// The last bytes that a console has said, for those who come later.
///
/// A ring of fixed size: what is written beyond it takes the place of the oldest. Bytes, not lines: what stands at the
/// beginning may be the rest of a character or of an escape sequence, as with any terminal that has been cut.
public struct Scrollback: Equatable, Sendable {
  /// What every console keeps.
  public static let standardLimit = 64 << 10

  public let limit: Int
  private var ring: [UInt8] = []
  /// Where the oldest byte is once the ring is full.
  private var start = 0

  public init(limit: Int = standardLimit) {
    precondition(limit > 0, "a scrollback holds at least one byte")
    self.limit = limit
  }

  public var count: Int { ring.count }

  /// From the oldest to the newest, at most `limit`.
  public var bytes: [UInt8] { Array(ring[start...] + ring[..<start]) }

  public mutating func append(_ bytes: some Collection<UInt8>) {
    var rest = bytes.suffix(limit)[...]
    let room = limit - ring.count
    if room > 0 {
      ring.append(contentsOf: rest.prefix(room))
      rest = rest.dropFirst(room)
    }
    for byte in rest {
      ring[start] = byte
      start = start + 1 == limit ? 0 : start + 1
    }
  }
}
