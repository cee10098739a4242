import Switching

/// Which interface is due when: a binary heap with one entry for each port.
///
/// ## How it works
/// `places` knows where in the heap a port stands, so that a deadline that moves is moved and never stands twice: memory is bounded by
/// the number of interfaces, whatever a hostile server makes the timers do.
///
/// ## Invariants
/// 1. No entry is due before its parent, `(index - 1) / 2`.
/// 2. `places[entries[i].port] == i` for every i, and nothing else is in `places`.
struct Schedule {
  struct Entry: Equatable {
    var due: UInt64
    var port: PortIndex
  }

  private var entries: [Entry] = []
  private var places: [PortIndex: Int] = [:]

  /// The one that is due first.
  var first: Entry? { entries.first }

  /// `port` is due at `due`; nil: never.
  mutating func set(_ port: PortIndex, due: UInt64?) {
    if let place = places[port] {
      if let due {
        guard due != entries[place].due else { return }
        entries[place].due = due
        settle(place)
      } else {
        remove(place)
      }
    } else if let due {
      entries.append(Entry(due: due, port: port))
      places[port] = entries.count - 1
      settle(entries.count - 1)
    }
  }

  private mutating func remove(_ place: Int) {
    swap(place, entries.count - 1)
    places[entries.removeLast().port] = nil
    if place < entries.count { settle(place) }
  }

  /// Moves the entry at `start` up or down until invariant 1 holds.
  private mutating func settle(_ start: Int) {
    var place = start
    while place > 0, entries[place].due < entries[(place - 1) / 2].due {
      swap(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
    while true {
      let children = (2 * place + 1..<2 * place + 3).clamped(to: 0..<max(entries.count, 2 * place + 1))
      guard let least = children.min(by: { entries[$0].due < entries[$1].due }), least < entries.count,
        entries[least].due < entries[place].due
      else { return }
      swap(place, least)
      place = least
    }
  }

  private mutating func swap(_ one: Int, _ other: Int) {
    entries.swapAt(one, other)
    places[entries[one].port] = one
    places[entries[other].port] = other
  }
}
