// What a client asks of reservations: to have one, or to see some.

import HTTPTypes
import Net
import Rack

/// The body of a reservation. Other members that clients send (`comments`, `fail_on_approval_required`) have no effect.
struct ReservationRequest {
  let request: BlockRequest

  /// Throws one error with a line for each member that is missing or cannot be.
  init(_ arguments: Arguments, project: ProjectID) throws(APIError) {
    var collect = Collecting()
    collect { () throws(APIError) in try Self.checkType(arguments) }
    let length = collect { () throws(APIError) in try Self.length(arguments) }
    let facility = collect { () throws(APIError) in try arguments.facility() }
    let details = collect { () throws(APIError) in try arguments.string("details") } ?? nil
    let tags = collect { () throws(APIError) in try arguments.texts("tags") } ?? nil
    let customdata = collect { () throws(APIError) in try arguments.object("customdata") } ?? nil
    try collect.check()
    guard let length, let facility else { preconditionFailure("what is not there is a fault") }
    request = BlockRequest(
      project: project, facility: facility.code, length: length,
      note: Reservation.Note(details: details, tags: tags ?? [], customdata: customdata ?? "{}"))
  }

  private static func checkType(_ arguments: Arguments) throws(APIError) {
    guard let type = try arguments.string("type") else { throw .invalid("type is missing; valid is public_ipv4") }
    guard type == "public_ipv4" else {
      throw .invalid("type \(Arguments.shown(.string(type))) cannot be reserved; valid is public_ipv4")
    }
  }

  private static func length(_ arguments: Arguments) throws(APIError) -> Int {
    let rule = "valid are 1, 2, 4 and 8 addresses"
    guard let quantity = try arguments.integer("quantity") else { throw .invalid("quantity is missing; \(rule)") }
    guard let length = [8: 29, 4: 30, 2: 31, 1: 32][quantity] else {
      throw .invalid("quantity \(quantity) cannot be reserved; \(rule)")
    }
    return length
  }
}

/// Filters of the list of reservations, which are all public and of IPv4.
struct ReservationFilter {
  private let facility: String?
  private let metro: String?
  private let isWanted: Bool

  init(_ arguments: Arguments) throws(APIError) {
    facility = try arguments.facilityFilter()
    metro = try arguments.metroFilter()
    let types = try arguments.names("types")
    let (isIPv4, isPublic) = (try arguments.boolean("ipv4"), try arguments.boolean("public"))
    isWanted = isIPv4 != false && isPublic != false && types?.contains("public_ipv4") ?? true
  }

  func matches(_ reservation: Reservation) -> Bool {
    isWanted && (facility == nil || reservation.facility == facility)
      && (metro == nil || Catalogue.facility(reservation.facility)?.metro == metro)
  }
}

extension Sequence<Reservation> {
  /// By age, and those of the same second by address.
  var inOrder: [Reservation] { sorted { ($0.createdAt, $0.block.base) < ($1.createdAt, $1.block.base) } }
}
