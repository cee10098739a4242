// A picture of servers, their NICs and bonds, and the networks as coloured lanes, as coordinates; the template
// picture.mustache draws it.
//
//          ┌ web1 ────────┐  ┌ db1 ─────────┐
//          │ hybrid       │  │ layer2-bonded│
//          └[eth0]─[eth1]─┘  └[eth0]─[eth1]─┘
//           (bond0)   │         ( bond0 )
//     L3   ─────●─────┼─────────────┼──────────▶ uplink
//     1000 ───────────●─────────────○──────────    ● untagged   ○ tagged
//     1001 ─────────────────────────○──────────
//
// Pure: the same state is the same picture.

import Control
import Rack

struct RackPicture: Sendable {
  /// A server with what is known of its links.
  struct Member: Sendable {
    let server: Server
    let nics: [PortName: NICTraffic]
    let lacp: [LACPMember]
    let attached: [PortName: [Attached]]

    init(_ server: Server, _ nics: [PortName: NICTraffic], _ lacp: [LACPMember], _ view: View) {
      (self.server, self.nics, self.lacp) = (server, nics, lacp)
      attached = Dictionary(
        uniqueKeysWithValues: server.ports.map { ($0.name, view.attached(to: $0, of: server)) })
    }
  }

  /// Lanes that are drawn; networks that are on no port give way first.
  static let laneLimit = 40

  private enum Size {
    static let gutter = 196, column = 150, gap = 18, margin = 12
    static let box = 62, nic = (width: 50, height: 24), bond = 19
    static let lane = 32, laneTop = 156
    static let label = 17
  }

  private let members: [Member]
  private let lanes: [VirtualNetwork]
  private let hidden: Int
  private let isRouted: Bool

  /// - Parameter isCompact: leaves out networks that none of the servers is on.
  init(servers: [Member], networks: [VirtualNetwork], isCompact: Bool = false) {
    let used = Set(servers.flatMap { $0.attached.values.flatMap { $0.map(\.network.id) } })
    let wanted = networks.filter { used.contains($0.id) || !isCompact }
    let first = wanted.filter { used.contains($0.id) } + wanted.filter { !used.contains($0.id) }
    members = servers
    lanes = first.prefix(Self.laneLimit).sorted { ($0.vxlan, $0.place.code) < ($1.vxlan, $1.place.code) }
    hidden = wanted.count - lanes.count
    isRouted = servers.contains { $0.server.isRouted(.bond0) && !$0.server.members.isEmpty } || !isCompact
  }

  private var width: Int {
    Size.gutter + max(1, members.count) * (Size.column + Size.gap) + 96
  }
  private var laneCount: Int { lanes.count + (isRouted ? 1 : 0) }
  private var height: Int { Size.laneTop + max(0, laneCount - 1) * Size.lane + 28 }

  private func laneY(_ index: Int) -> Int { Size.laneTop + index * Size.lane }
  private func laneY(of network: VirtualNetwork) -> Int? {
    lanes.firstIndex { $0.id == network.id }.map { laneY($0 + (isRouted ? 1 : 0)) }
  }

  var fields: Fields {
    var fields: Fields = [
      "width": width, "height": height, "servers": members.enumerated().map { column($0.element, at: $0.offset) },
      "lanes": lanes.map { network -> Fields in
        let y = laneY(of: network) ?? 0
        var lane: Fields = [
          "y": y, "x1": Size.gutter - 8, "x2": width - 84, "lane": Lane.name(network), "number": network.vxlan,
          "labelY": y + 4, "swatchY": y - 6,
        ]
        let text = network.description ?? network.place.code
        lane["text"] = text.count > Size.label ? text.prefix(Size.label - 1) + "…" : text
        return lane
      },
    ]
    if isRouted {
      let y = laneY(0)
      fields["routed"] =
        [
          "y": y, "x1": Size.gutter - 8, "x2": width - 84, "labelY": y + 4, "boxX": width - 84, "boxY": y - 13,
          "textX": width - 43,
        ] as Fields
    }
    if hidden > 0 { fields["hidden"] = hidden }
    return fields
  }

  // MARK: One server

  private func column(_ member: Member, at index: Int) -> Fields {
    let server = member.server
    let x = Size.gutter + index * (Size.column + Size.gap)
    let nicX: [PortName: Int] = [.eth0: x + 14, .eth1: x + Size.column - 14 - Size.nic.width]
    let nicY = Size.margin + Size.box - 12
    var fields: Fields = [
      "x": x, "y": Size.margin, "width": Size.column, "height": Size.box, "textX": x + 12, "nameY": Size.margin + 21,
      "modeY": Size.margin + 38, "name": Self.short(server.hostname), "whole": server.hostname,
      "mode": server.isPoweredOn ? server.mode.rawValue : "switched off",
      "path": "\(Portal.path(of: server))/network", "isOff": !server.isPoweredOn,
    ]
    fields["nics"] = PortName.nics.map { name -> Fields in
      let left = nicX[name] ?? x
      let isUp = member.nics[name]?.linkUp == true
      return [
        "name": name.rawValue, "x": left, "y": nicY, "width": Size.nic.width, "height": Size.nic.height,
        "textX": left + 19, "textY": nicY + 16, "dotX": left + 10, "dotY": nicY + 12, "isUp": isUp,
        "path": "\(Portal.path(of: server))/nics/\(name.rawValue)", "link": isUp ? "link up" : "no link",
        "server": server.hostname,
      ]
    }
    let bottom = nicY + Size.nic.height
    if !server.members.isEmpty { fields["bond"] = bond(member, nicX, bottom + 5) }
    fields["wires"] = wires(member, nicX, bottom)
    return fields
  }

  private func bond(_ member: Member, _ nicX: [PortName: Int], _ y: Int) -> Fields {
    let names = member.server.members
    let left = (nicX[names[0]] ?? 0) - 4
    let right = (nicX[names[names.count - 1]] ?? 0) + Size.nic.width + 4
    let partners = member.lacp.filter { $0.partner != nil && !$0.fallback }
    let carrying = partners.filter(\.distributing).count
    let text =
      names.count == 1
      ? (carrying == 1 ? "LACP 1/1" : "bond0")
      : partners.isEmpty
        ? "bond0 \(member.server.bondingMode == .lacp ? "no partner" : member.server.bondingMode.name)"
        : "bond0 LACP \(carrying)/\(names.count)"
    return [
      "x": left, "y": y, "width": right - left, "height": Size.bond, "textX": (left + right) / 2, "textY": y + 13,
      "text": text, "isWhole": !partners.isEmpty && carrying == names.count,
    ]
  }

  /// From each port down to the lanes that it is on.
  private func wires(_ member: Member, _ nicX: [PortName: Int], _ bottom: Int) -> [Fields] {
    let server = member.server
    var ports: [(name: PortName, x: Int, top: Int)] = []
    if !server.members.isEmpty {
      let centres = server.members.map { (nicX[$0] ?? 0) + Size.nic.width / 2 }
      ports.append((.bond0, centres.reduce(0, +) / centres.count, bottom + 5 + Size.bond))
    }
    for name in PortName.nics where !server[name].bonded {
      ports.append((name, (nicX[name] ?? 0) + Size.nic.width / 2, bottom))
    }
    return ports.compactMap { port in
      var dots = (member.attached[port.name] ?? []).compactMap { entry -> Fields? in
        guard let y = laneY(of: entry.network) else { return nil }
        return dot(port.x, y, Lane.name(entry.network), entry.form.rawValue)
      }
      if server.isRouted(port.name), isRouted { dots.append(dot(port.x, laneY(0), "routed", "routed")) }
      guard let end = dots.compactMap({ $0["y"] as? Int }).max() else { return nil }
      return ["x": port.x, "y1": port.top, "y2": end, "dots": dots, "isOff": !server.isPoweredOn]
    }
  }

  private func dot(_ x: Int, _ y: Int, _ lane: String, _ form: String) -> Fields {
    ["x": x, "y": y, "lane": lane, "form": form, "textX": x + 11, "textY": y - 6, "isTagged": form == "tagged"]
  }

  private static func short(_ name: String) -> String { name.count > 17 ? name.prefix(16) + "…" : name }
}
