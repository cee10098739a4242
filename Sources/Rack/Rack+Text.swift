// How much text a project has the rack keep: its name, what its servers are called, and descriptions, tags, userdata
// and customdata. It is written to a disk that everybody's changes need, so it has a quota in bytes; numbers of things
// bound it at a gigabyte.

extension Project {
  var textSize: Int { name.utf8.count + customdata.utf8.count }
}

extension Server {
  var textSize: Int { hostname.utf8.count + details.textSize }
}

extension ServerDetails {
  fileprivate var textSize: Int {
    size(description) + size(tags) + userdata.utf8.count + customdata.utf8.count + size(ipxeScriptURL)
  }
}

extension Lab {
  var textSize: Int {
    name.utf8.count + applied.utf8.count
      + checkpoints.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
  }
}

extension VirtualNetwork {
  var textSize: Int { size(description) + size(tags) }
}

extension Reservation {
  var textSize: Int { size(note.details) + size(note.tags) + note.customdata.utf8.count }
}

private func size(_ text: String?) -> Int { text?.utf8.count ?? 0 }
private func size(_ tags: [String]) -> Int { tags.reduce(0) { $0 + $1.utf8.count } }

extension Rack {
  /// What makes the text of a project longer fits its quota. What makes it shorter is always taken.
  func mustHaveRoom(forTextOf changes: [Change]) throws(Refusal) {
    for (id, more) in textGrowth(changes) where more > 0 {
      let (used, limit) = (usage(of: id).text, quotas.text << 20)
      guard used + more > limit else { continue }
      let name = projects[id]?.name ?? changes.projectName(id) ?? "\(id)"
      throw .invalid(
        "project \(name.quoted) has \(used) bytes of text (names, descriptions, tags, userdata, customdata), its quota "
          + "is \(limit), and this would add \(more): \(max(0, limit - used)) more are valid; shorten or delete something "
          + "first, or have quota-text raised in the settings of toprackd")
    }
  }

  private func textGrowth(_ changes: [Change]) -> [ProjectID: Int] {
    var growth: [ProjectID: Int] = [:]
    for change in changes {
      switch change {
      case .project(let new): growth[new.id, default: 0] += new.textSize - (projects[new.id]?.textSize ?? 0)
      case .server(let new, replacing: let old): growth[new.project, default: 0] += new.textSize - (old?.textSize ?? 0)
      case .network(let new): growth[new.project, default: 0] += new.textSize - (networks[new.id]?.textSize ?? 0)
      case .reservation(let new):
        growth[new.project, default: 0] += new.textSize - (reservations[new.id]?.textSize ?? 0)
      case .lab(let new, replacing: let old): growth[new.project, default: 0] += new.textSize - (old?.textSize ?? 0)
      // An SSH key has few bytes, and their number has a quota; there are few mirrors.
      case .projectDeleted, .serverDeleted, .networkDeleted, .reservationDeleted, .pool, .token, .tokenDeleted, .sshKey,
        .sshKeyDeleted, .labDeleted, .mirror, .mirrorDeleted, .aging, .lacpRate, .failedSwitches:
        break
      }
    }
    return growth
  }
}

extension [Change] {
  fileprivate func projectName(_ id: ProjectID) -> String? {
    for case .project(let project) in self where project.id == id { return project.name }
    return nil
  }
}
