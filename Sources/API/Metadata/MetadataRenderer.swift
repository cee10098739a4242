// What a server is told about itself, in the two forms of the original: one JSON document, and the tree of texts that
// EC2 began, one value a path.

import FoundationEssentials
import Net
import Rack

/// Renders one server for itself.
struct MetadataRenderer {
  private let renderer: Renderer
  private let server: Server
  /// In the order in which the server has them.
  private let keys: [SSHKey]
  /// What the server reaches by the gateway of its private address.
  private let privateSubnets: [String]

  private let password: String?

  /// - Parameters:
  ///   - prefix: what links begin with.
  ///   - now: root's first password is told until its time is over.
  init(rack: Rack, server: Server, privateSubnets: [String], prefix: String = "", now: Date = .distantFuture) {
    renderer = Renderer(rack: rack, prefix: prefix)
    (self.server, self.privateSubnets) = (server, privateSubnets)
    keys = rack.sshKeys(on: server)
    password = server.rootPassword(at: now)
  }

  /// Where the service is; servers reach it in every mode that has addresses.
  private static let origin = "http://169.254.169.254"
  private static let bond = PortName.bond0.rawValue

  // MARK: JSON

  /// `GET /metadata`.
  var json: JSON {
    [
      "id": server.id.json, "hostname": .string(server.hostname), "iqn": .string(renderer.iqn(of: server)),
      "operating_system": operatingSystem, "plan": .string(plan), "class": .string(server.plan),
      "facility": .string(server.facility), "private_subnets": .list(privateSubnets),
      "tags": .list(server.details.tags), "ssh_keys": .list(keys.map(\.key.line)),
      "crypted_root_password": JSON(password.flatMap { CryptedPassword.of($0, for: server.id) }),
      "customdata": JSON(kept: server.details.customdata),
      "network": ["bonding": bonding, "interfaces": .array(interfaces), "addresses": .array(addresses)],
      "api_url": .string(Self.origin), "phone_home_url": .string("\(Self.origin)/phone-home"),
      "user_state_url": .string("\(Self.origin)/events"), "volumes": [], "spot": [:], "storage": nil,
    ]
  }

  private var operatingSystem: JSON {
    let system = Catalogue.operatingSystem(server.operatingSystem)
    return [
      "slug": .string(server.operatingSystem), "distro": JSON(system?.distro), "version": JSON(system?.version),
      "license_activation": ["state": "unlicensed"], "image_tag": nil,
    ]
  }

  /// The plan in the word of its time, which `class` has in today's.
  private var plan: String { Catalogue.plan(server.plan)?.legacySlug ?? server.plan }

  /// `mode` is that of Linux bonding: 4 LACP, 5 balance-tlb. `mac` is the bond's, which is that of its first NIC.
  private var bonding: JSON {
    [
      "mode": .integer(server.bondingMode.rawValue),
      "link_aggregation": server.members.isEmpty ? "individual" : "bonded",
      "mac": JSON(server.eth0.mac?.description),
    ]
  }

  /// In the order of the NICs, by their names inside; software finds them by their MAC.
  private var interfaces: [JSON] {
    PortName.nics.map { name in
      [
        "name": .string(server.nicNames[name]), "mac": JSON(server[name].mac?.description),
        "bond": server[name].bonded ? .string(Self.bond) : nil,
      ]
    }
  }

  private static let addressMembers = [
    "id", "address_family", "netmask", "created_at", "public", "cidr", "management", "enabled", "network", "address",
    "gateway",
  ]

  /// As the API has them, without what belongs to the project. A management address is no part of something larger.
  private var addresses: [JSON] {
    renderer.addresses(of: server).map { whole in
      func member(_ name: String) -> JSON { whole[name] ?? .null }
      let itself: JSON = [
        "network": member("network"), "netmask": member("netmask"), "cidr": member("cidr"), "href": member("href"),
      ]
      return JSON.object(Self.addressMembers.map { JSON.Member(name: $0, value: member($0)) })
        .adding(("parent_block", whole["parent_block"] ?? itself))
    }
  }

  // MARK: Texts

  /// The value at `path` below `/2009-04-04/meta-data`, or the names below it; `nil` when there is nothing.
  ///
  /// `isFolder`: it was asked for with a slash at its end. `public-keys` are the keys, one a line, as in the original;
  /// `public-keys/` are the names by which EC2 lists them, under which cloud-init fetches each.
  func text(at path: some Collection<Substring>, isFolder: Bool = false) -> String? {
    let names = path.map(String.init)
    switch (names.first, names.count) {
    case (nil, _): return Self.lines(values.map(\.name))
    case ("public-keys", 1) where isFolder:
      return Self.lines(keys.enumerated().map { "\($0.offset)=\($0.element.label)" })
    case ("public-keys", 1): return Self.lines(keys.map(\.key.line))
    case ("public-keys", _): return keyText(names.dropFirst())
    case ("operating-system", _): return operatingSystemText(names.dropFirst().joined(separator: "/"))
    case (let name, 1): return values.first { $0.name == name }?.text
    default: return nil
    }
  }

  private var values: [(name: String, text: String)] {
    let fixed = [
      ("instance-id", server.id.description), ("hostname", server.hostname), ("iqn", renderer.iqn(of: server)),
      ("plan", plan), ("facility", server.facility),
      ("tags", Self.lines(server.details.tags)), ("operating-system/", ""),
      ("public-keys/", ""),
    ]
    return fixed
      + [("public-ipv4", Address.Kind.publicIPv4), ("public-ipv6", .publicIPv6), ("local-ipv4", .privateIPv4)]
      .compactMap { name, kind in
        server.addresses.first { $0.kind == kind }.map { (name, $0.address) }
      }
  }

  /// `0`, `0/openssh-key`.
  private func keyText(_ names: ArraySlice<String>) -> String? {
    guard let number = names.first.flatMap(Arguments.digits), keys.indices.contains(number) else { return nil }
    return switch Array(names.dropFirst()) {
    case []: "openssh-key"
    case ["openssh-key"]: keys[number].key.line
    default: nil
    }
  }

  private func operatingSystemText(_ name: String) -> String? {
    let system = Catalogue.operatingSystem(server.operatingSystem)
    return switch name {
    case "": Self.lines(["slug", "distro", "version", "license_activation/", "image_tag"])
    case "slug": server.operatingSystem
    case "distro": system?.distro ?? ""
    case "version": system?.version ?? ""
    case "license_activation": "state"
    case "license_activation/state": "unlicensed"
    case "image_tag": ""
    default: nil
    }
  }

  private static func lines(_ names: [String]) -> String { names.joined(separator: "\n") }
}
