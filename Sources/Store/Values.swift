import FoundationEssentials
import GRDB
import Net
import Rack

// How values of the rack are written in columns, and read back.

extension Date {
  /// Whole seconds since 1970, which is all that the API shows.
  var seconds: Int64 { Int64(timeIntervalSince1970.rounded(.down)) }
  init(seconds: Int64) { self.init(timeIntervalSince1970: Double(seconds)) }
}

extension IPPrefix {
  /// Its first address, as a number of the family in 16 bytes, most significant first.
  var bytes: Data {
    let number = base.number
    return Data((0..<16).map { UInt8(truncatingIfNeeded: number >> (120 - 8 * UInt128($0))) })
  }

  /// The block of `length` that starts at `bytes`; `nil` when there is none.
  init?(family: Int, length: Int, bytes: Data) {
    let number = bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
    guard bytes.count == 16, family == 6 || number >> 32 == 0 else { return nil }
    let address = family == 4 ? IPAddress(v4: UInt32(number)) : IPAddress(v6: number)
    guard address.family == family, (0...address.width).contains(length) else { return nil }
    self.init(address, length: length)
    guard base == address else { return nil }
  }

  /// The block of two addresses that starts at `bytes`; `nil` when they are not the even address of one.
  init?(_ kind: Address.Kind, bytes: Data) {
    self.init(family: kind.family, length: kind.blockLength, bytes: bytes)
  }
}

/// A column whose content is not what we write.
struct BadColumn: Error {
  let name: String
}

extension Row {
  func text(_ column: String) throws -> String {
    guard let value = String.fromDatabaseValue(self[column]) else { throw BadColumn(name: column) }
    return value
  }
  func integer(_ column: String) throws -> Int {
    guard let value = Int.fromDatabaseValue(self[column]) else { throw BadColumn(name: column) }
    return value
  }
  func date(_ column: String) throws -> Date { Date(seconds: Int64(try integer(column))) }
  func identifier<Entity>(_ column: String) throws -> Identifier<Entity> {
    guard let value = Identifier<Entity>(try text(column)) else { throw BadColumn(name: column) }
    return value
  }
  func optionalIdentifier<Entity>(_ column: String) throws -> Identifier<Entity>? {
    if case DatabaseValue.Storage.null = (self[column] as DatabaseValue).storage { return nil }
    return try identifier(column)
  }
  func mac() throws -> MACAddress? {
    guard let value = self["mac"] as Int64? else { return nil }
    guard (0...0xFFFF_FFFF_FFFF).contains(value) else { throw BadColumn(name: "mac") }
    return MACAddress(UInt64(value))
  }
  func kind() throws -> Address.Kind {
    guard let value = Address.Kind(rawValue: try text("kind")) else { throw BadColumn(name: "kind") }
    return value
  }
  func block(_ kind: Address.Kind) throws -> IPPrefix {
    guard let data = Data.fromDatabaseValue(self["base"]), let block = IPPrefix(kind, bytes: data) else {
      throw BadColumn(name: "base")
    }
    return block
  }
  func elasticBlock() throws -> IPPrefix {
    guard let data = Data.fromDatabaseValue(self["base"]),
      let block = IPPrefix(family: 4, length: try integer("length"), bytes: data)
    else { throw BadColumn(name: "base") }
    return block
  }
}

extension NetworkPlace {
  var kind: String {
    switch self {
    case .facility: "facility"
    case .metro: "metro"
    }
  }
}

extension [String] {
  /// As a JSON array.
  var json: String {
    guard let data = try? JSONEncoder().encode(self) else { return "[]" }
    return String(decoding: data, as: UTF8.self)
  }
}

extension Row {
  /// A JSON array of texts.
  func texts(_ column: String) throws -> [String] {
    guard let texts = try? JSONDecoder().decode([String].self, from: Data(try text(column).utf8)) else {
      throw BadColumn(name: column)
    }
    return texts
  }

  func membership() throws -> LabMembership? {
    guard let lab: LabID = try optionalIdentifier("lab") else { return nil }
    return LabMembership(lab: lab, name: try text("lab_name"))
  }

  func networkPlace() throws -> NetworkPlace {
    switch try text("place_kind") {
    case "facility": .facility(try text("place"))
    case "metro": .metro(try text("place"))
    default: throw BadColumn(name: "place_kind")
    }
  }

  func rootPassword() throws -> RootPassword? {
    guard let text: String = self["root_password"] else { return nil }
    return RootPassword(text: text, madeAt: try date("root_password_at"))
  }

  func details() throws -> ServerDetails {
    ServerDetails(
      description: self["description"], tags: try texts("tags"), userdata: try text("userdata"),
      customdata: try text("customdata"), alwaysPXE: try integer("always_pxe") == 1,
      ipxeScriptURL: self["ipxe_script_url"])
  }
}
