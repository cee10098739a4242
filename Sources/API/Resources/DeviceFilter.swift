// Filters of the device list.

import Net
import Rack

/// Which servers a list shows: those for which every given filter holds.
struct DeviceFilter {
  private let hostname: String?
  private let facility: String?
  private let metro: String?
  private let plan: String?
  private let mac: String?
  private let search: String?
  private let tag: String?

  init(_ arguments: Arguments) throws(APIError) {
    hostname = try arguments.string("hostname")?.lowercased()
    facility = arguments.place("facility") == nil ? nil : try arguments.string("facility")?.lowercased()
    metro = arguments.place("metro") == nil ? nil : try arguments.string("metro")?.lowercased()
    plan = if let type = try arguments.string("type") { type } else { try arguments.string("plan") }
    mac = try arguments.string("mac_address")?.lowercased()
    search = try arguments.string("search")?.lowercased()
    tag = try arguments.string("tag")
  }

  func matches(_ server: Server) -> Bool {
    if let hostname, server.hostname.lowercased() != hostname { return false }
    if let facility, Catalogue.facility(facility)?.code != server.facility { return false }
    if let metro, Catalogue.metro(metro)?.code != Catalogue.facility(server.facility)?.metro { return false }
    if let plan, Catalogue.plan(plan)?.slug != server.plan { return false }
    if let tag, !tag.isEmpty, !server.details.tags.contains(tag) { return false }
    if mac == nil, search == nil { return true }
    let macs = server.ports.compactMap(\.mac).map(\.description)
    if let mac, !macs.contains(mac) { return false }
    if let search {
      let texts = [server.hostname.lowercased(), server.id.description, server.plan, server.facility] + macs
      return (texts + server.details.tags + server.addresses.map(\.address)).contains { $0.contains(search) }
    }
    return true
  }
}
