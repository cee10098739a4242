public import FoundationEssentials

/// UUID of one kind of thing. The kind is a type parameter, so that a network's identifier cannot be taken for that of
/// a port.
public struct Identifier<Entity>: Hashable, Sendable, Codable, CustomStringConvertible {
  public let uuid: UUID

  public init(_ uuid: UUID) { self.uuid = uuid }

  /// Reads the 8-4-4-4-12 form in either case; `nil` for anything else.
  public init?(_ text: some StringProtocol) {
    guard let uuid = UUID(uuidString: String(text)) else { return nil }
    self.uuid = uuid
  }

  /// Lower-case 8-4-4-4-12.
  public var description: String { uuid.uuidString.lowercased() }

  /// The first eight hexadecimal digits, lower case; a label for people, not a key.
  public var short: String { String(description.prefix(8)) }
}

public typealias ProjectID = Identifier<Project>
public typealias ServerID = Identifier<Server>
public typealias PortID = Identifier<Port>
public typealias NetworkID = Identifier<VirtualNetwork>
public typealias AddressID = Identifier<Address>
public typealias ReservationID = Identifier<Reservation>
public typealias AssignmentID = Identifier<BlockAssignment>
public typealias TokenID = Identifier<AccessToken>
public typealias SSHKeyID = Identifier<SSHKey>
public typealias LabID = Identifier<Lab>
public typealias MirrorID = Identifier<Mirror>
public typealias EventID = Identifier<Event>
public typealias BatchID = Identifier<AssignmentBatch>

extension UUID {
  /// The same UUID for the same text, for ever: catalogue entries keep their identifiers over versions and machines.
  ///
  /// Version 8 of RFC 9562 5.8 (application-defined): the 128-bit FNV-1a hash of the UTF-8 text, with the version and
  /// variant bits set.
  public init(naming text: String) {
    var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
    for byte in text.utf8 { hash = (hash ^ UInt128(byte)) &* 0x0000_0000_0100_0000_0000_0000_0000_013b }
    hash &= ~(0xF000 << 64 | 0xC << 60)
    hash |= 0x8000 << 64 | 0x8 << 60
    func octet(_ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: hash >> (120 - 8 * index)) }
    self.init(
      uuid: (
        octet(0), octet(1), octet(2), octet(3), octet(4), octet(5), octet(6), octet(7),
        octet(8), octet(9), octet(10), octet(11), octet(12), octet(13), octet(14), octet(15)
      ))
  }
}
