// Whether a server's links and bond are as they should be, in a word.

import Control
import Rack

struct Health: Sendable {
  enum Level: String { case good, fair, bad, off }

  let level: Level
  /// `loop`: a port of the server is shut; `storm`: it sends more floods than it may.
  let mark: String?
  let links: String
  /// `nil`: no NIC is in the bond.
  let bond: String?

  /// `lacp`: the members of the server's bond.
  init(_ server: Server, _ nics: [PortName: NICTraffic], _ lacp: [LACPMember]) {
    mark = nics.values.contains { $0.isShut } ? "loop" : nics.values.contains { $0.storms } ? "storm" : nil
    guard server.isPoweredOn else {
      (level, links, bond) = (.off, "off", nil)
      return
    }
    let up = PortName.nics.filter { nics[$0]?.linkUp == true }
    links =
      switch up.count {
      case 2: "2 links"
      case 1: "\(up[0].rawValue) only"
      default: "no link"
      }
    let bonded = server.members
    // A NIC that nobody uses may be down: there is neither a bond nor a network on it.
    let used = PortName.nics.filter { server[$0].bonded || !server[$0].networks.isEmpty }
    let isWhole = used.allSatisfy(up.contains)
    let isDead = !used.isEmpty && !used.contains(where: up.contains)
    guard !bonded.isEmpty else {
      bond = nil
      level = isDead ? .bad : isWhole ? (used.isEmpty && up.isEmpty ? .off : .good) : .fair
      return
    }
    let distributing = lacp.filter { $0.distributing && $0.partner != nil && !$0.fallback }.count
    let hasPartner = lacp.contains { $0.partner != nil && !$0.fallback }
    // A bond that needs no LACP is whole without a partner.
    let needsPartner = hasPartner || server.bondingMode == .lacp
    bond =
      hasPartner
      ? "LACP \(distributing)/\(bonded.count)" : needsPartner ? "no LACP partner" : server.bondingMode.name
    level = isDead ? .bad : isWhole && (!needsPartner || hasPartner && distributing == bonded.count) ? .good : .fair
  }

  var fields: Fields {
    var fields: Fields = [
      "level": (mark == nil ? level : .bad).rawValue, "links": mark.map { "\(links), \($0)" } ?? links,
    ]
    fields["bond"] = bond
    return fields
  }
}

extension NICTraffic {
  /// What a list would show of a NIC that is known in full.
  init(_ nic: NICStatus) {
    self.init(
      linkUp: nic.linkUp, rxBytes: nic.rxBytes, txBytes: nic.txBytes, isShut: nic.shut != nil, storms: nic.storms)
  }
}
