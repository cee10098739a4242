// What is asked for when a device is made. Members that the simulation has no use for are ignored, whatever their type:
// clients send a dozen of them, some in forms of their own (`"features": {}`).

import HTTPTypes
import Rack

/// What is asked for, checked as far as that needs no rack.
struct DeviceRequest {
  let request: ServerRequest

  /// Throws one error with a line for each member that is missing or wrong.
  init(_ arguments: Arguments, project: ProjectID) throws(APIError) {
    var collect = Collecting()
    let update = ServerUpdate(arguments, &collect)
    let plan = collect { () throws(APIError) in
      try Self.entry("plan", arguments, Catalogue.plans.map(\.slug)) { Catalogue.plan($0)?.slug }
    }
    let system = collect { () throws(APIError) in
      try Self.entry("operating_system", arguments, Catalogue.operatingSystems.map(\.slug)) {
        Catalogue.operatingSystem($0)?.slug
      }
    }
    let facility = collect { () throws(APIError) in try arguments.facility(for: plan.flatMap { Catalogue.plan($0) }) }
    let addresses = collect { () throws(APIError) in try arguments.addressRequests("ip_addresses") } ?? nil
    collect { () throws(APIError) in try Self.checkSubnet(arguments) }
    let place = collect { () throws(APIError) in try Self.place(arguments) }
    let keys = SSHKeyChoice(arguments, &collect)
    try collect.check()
    guard let plan, let system, let facility, let place else { preconditionFailure("what is not there is a fault") }
    var request = ServerRequest(
      hostname: update.hostname, plan: plan, facility: facility.code, operatingSystem: system, project: project,
      place: place, nicNames: update.nicNames,
      details: ServerDetails(new: update), isLocked: update.isLocked ?? false,
      isNetworkFrozen: update.isNetworkFrozen ?? false, addresses: addresses?.map(\.request),
      blocks: (addresses ?? []).compactMap(\.block), keys: keys,
      serial: update.serial.flatMap { $0.isEmpty ? nil : $0 })
    request.isConfigured = update.isConfigured ?? false
    self.request = request
  }

  private static func entry(
    _ name: String, _ arguments: Arguments, _ known: [String], find: (String) -> String?
  ) throws(APIError) -> String {
    let rule = "valid are \(known.joined(separator: ", "))"
    guard let text = try arguments.string(name), !text.isEmpty else { throw .invalid("\(name) is missing; \(rule)") }
    guard let found = find(text) else {
      throw .invalid("\(name) \(Arguments.shown(.string(text))) is not known; \(rule)")
    }
    return found
  }

  private static func checkSubnet(_ arguments: Arguments) throws(APIError) {
    guard let length = try arguments.integer("public_ipv4_subnet_size"), length != 31 else { return }
    throw .invalid(
      "public_ipv4_subnet_size \(length) is not possible; valid is 31, and larger blocks are elastic: "
        + "reserve one in the project and assign it to the device")
  }

  /// Toprack's own member: `"toprack": {"netns": "NAME"}`, true for the namespace that is named after the server, false
  /// for the host.
  private static func place(_ arguments: Arguments) throws(APIError) -> PlaceRequest {
    guard let own = arguments.value("toprack") else { return .unstated }
    guard case .object = own else { throw .invalid("toprack must be an object, not \(own.kind)") }
    switch own["netns"] {
    case nil, .some(.null): return .unstated
    case .some(.boolean(let isNamed)): return isNamed ? .named : .host
    case .some(.string(let name)): return .namespace(name)
    case .some(let other):
      throw .invalid(
        "toprack.netns must be the name of a network namespace, true or false, not \(Arguments.shown(other))")
    }
  }
}

/// What can be written on a server, when it is made and later.
extension ServerUpdate {
  init(_ arguments: Arguments) throws(APIError) {
    var collect = Collecting()
    self.init(arguments, &collect)
    try collect.check()
  }

  init(_ arguments: Arguments, _ collect: inout Collecting) {
    self.init()
    hostname = collect { () throws(APIError) in try arguments.string("hostname") } ?? nil
    description = collect { () throws(APIError) in try arguments.string("description") } ?? nil
    tags = collect { () throws(APIError) in try arguments.texts("tags") } ?? nil
    userdata = collect { () throws(APIError) in try arguments.string("userdata") } ?? nil
    customdata = collect { () throws(APIError) in try arguments.object("customdata") } ?? nil
    alwaysPXE = collect { () throws(APIError) in try arguments.boolean("always_pxe") } ?? nil
    ipxeScriptURL = collect { () throws(APIError) in try arguments.string("ipxe_script_url") } ?? nil
    isLocked = collect { () throws(APIError) in try arguments.boolean("locked") } ?? nil
    isNetworkFrozen = collect { () throws(APIError) in try arguments.boolean("network_frozen") } ?? nil
    serial = collect { () throws(APIError) in try Self.serial(arguments) } ?? nil
    isConfigured = collect { () throws(APIError) in try Self.configure(arguments) } ?? nil
    nicNames = collect { () throws(APIError) in try NICNames(arguments) } ?? nil
  }
}

extension ServerUpdate {
  /// Toprack's own member: `"toprack": {"serial": "/run/vm1.sock"}`; an empty one takes it away.
  private static func serial(_ arguments: Arguments) throws(APIError) -> String? {
    guard case .object? = arguments.value("toprack"), let value = arguments.value("toprack")?["serial"]?.given else {
      return nil
    }
    guard case .string(let path) = value else {
      throw .invalid(
        "toprack.serial must be the path of a Unix socket or a serial device, not \(Arguments.shown(value))")
    }
    return path
  }
}

extension ServerUpdate {
  /// `"toprack": {"configure": true}`
  private static func configure(_ arguments: Arguments) throws(APIError) -> Bool? {
    guard case .object? = arguments.value("toprack"), let value = arguments.value("toprack")?["configure"]?.given else {
      return nil
    }
    guard case .boolean(let flag) = value else {
      throw .invalid("toprack.configure must be true or false, not \(Arguments.shown(value))")
    }
    return flag
  }
}

extension ServerDetails {
  fileprivate init(new update: ServerUpdate) {
    func text(_ text: String?) -> String? { text?.isEmpty == true ? nil : text }
    self.init(
      description: text(update.description), tags: update.tags ?? [], userdata: update.userdata ?? "",
      customdata: update.customdata ?? "{}", alwaysPXE: update.alwaysPXE ?? false,
      ipxeScriptURL: text(update.ipxeScriptURL))
  }
}

extension Arguments {
  /// What a client wants of one kind of address: its own, and beside it a block of reservations that it names.
  struct AddressWish {
    var request: AddressRequest
    var block: BlockWish?
  }

  /// `[{"address_family": 4, "public": true}, …]`; `nil` when not given. `cidr` can only say what is so anyway, unless
  /// `ip_reservations` say where a block of that length is from.
  func addressRequests(_ name: String) throws(APIError) -> [AddressWish]? {
    let rule = #"give a list of objects such as {"address_family": 4, "public": true}"#
    guard let entries = try objects(name, rule) else { return nil }
    return try entries.map { entry throws(APIError) in
      guard case .integer(let family) = entry["address_family"], family == 4 || family == 6,
        case .boolean(let isPublic) = entry["public"]?.given ?? true
      else { throw .invalid("\(name) has the entry \(Self.shown(entry)); \(rule), with family 4 or 6") }
      if let block = try Self.blockWish(entry, name) {
        guard family == 4, isPublic else {
          throw .invalid(
            "\(name) names ip_reservations for other than public addresses of family 4, which they have only")
        }
        return AddressWish(request: AddressRequest(family: family, isPublic: isPublic), block: block)
      }
      let length = family == 4 ? 31 : 127
      if let cidr = entry["cidr"]?.given, cidr != .integer(length) {
        throw .invalid(
          "\(name) asks for cidr \(Self.shown(cidr)) of family \(family); valid is \(length): a device has a block of two "
            + "of each kind, and larger ones are elastic: name ip_reservations that they are from")
      }
      return AddressWish(request: AddressRequest(family: family, isPublic: isPublic))
    }
  }

  private static func blockWish(_ entry: JSON, _ name: String) throws(APIError) -> BlockWish? {
    guard let value = entry["ip_reservations"]?.given, value != [] else { return nil }
    let rule = "\(name) has the ip_reservations \(shown(value)); valid is a list of UUIDs of reservations"
    guard case .array(let elements) = value else { throw .invalid(rule) }
    let reservations = try elements.map { element throws(APIError) in
      guard case .string(let text) = element, let id = ReservationID(text) else { throw .invalid(rule) }
      return id
    }
    switch entry["cidr"]?.given {
    case nil: return BlockWish(reservations: reservations, length: nil)
    case .integer(let length) where Reservation.lengths.contains(length):
      return BlockWish(reservations: reservations, length: length)
    case .some(let other):
      throw .invalid(
        "\(name) asks for cidr \(shown(other)) of a reservation; "
          + "valid are \(Reservation.lengths.lowerBound) to \(Reservation.lengths.upperBound)")
    }
  }
}

extension JSON {
  /// No value for `null`.
  var given: JSON? { self == .null ? Optional.none : self }
}
