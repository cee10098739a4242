// A limited number of places among callers who do not know each other.

/// Who has a place, and who has to go when somebody comes.
///
/// ## How it works
/// As long as there is room, everybody gets what they ask for. When there is none, the newcomer takes the place of the
/// caller who has most and waits longest: one whose request has not come, half of it or nothing, or who has been
/// answered and has not asked again. Those who are being answered lose a place only to a caller who has less than they,
/// and only what is beyond `share`. So one caller can have every place while nobody else wants one, and no caller can
/// keep another from having `share` of them as long as others have more. A caller who has most loses one of their own
/// places for each further one.
///
/// ## Invariants
/// There are at most `total` places, and at most `most` of one caller.
///
/// ## Threads
/// A value. It knows no clock: what waits longest is what began to wait first.
struct ConnectionShares<Caller: Hashable & Sendable, ID: Hashable & Sendable>: Sendable {
  struct Limits: Hashable, Sendable {
    var total: Int
    /// Of one caller, also when there is room; `nil`: all of them.
    var most: Int?
    /// Places that a caller keeps while others have fewer.
    var share: Int { max(1, total / 4) }
  }

  enum Admission: Hashable, Sendable {
    case admitted
    /// The other one has lost its place.
    case inPlace(of: ID)
    case refused
  }

  private struct Place: Sendable {
    let caller: Caller
    /// When it began to be what it is.
    var since: UInt64
    var isWaiting: Bool
  }

  let limits: Limits
  private var places: [ID: Place] = [:]
  private var counts: [Caller: Int] = [:]
  private var time: UInt64 = 0

  init(_ limits: Limits) { self.limits = limits }

  var count: Int { places.count }

  func count(of caller: Caller) -> Int { counts[caller] ?? 0 }

  /// Gives `caller` a place for `id`, which has none yet. It waits for a request at first.
  mutating func admit(_ id: ID, of caller: Caller) -> Admission {
    let victim: ID?
    if let most = limits.most, count(of: caller) >= most {
      victim = longest { $0.caller == caller && $0.isWaiting }
      if victim == nil { return .refused }
    } else if places.count >= limits.total {
      victim = self.victim(of: caller)
      if victim == nil { return .refused }
    } else {
      victim = nil
    }
    if let victim { remove(victim) }
    time += 1
    places[id] = Place(caller: caller, since: time, isWaiting: true)
    counts[caller, default: 0] += 1
    return victim.map(Admission.inPlace) ?? .admitted
  }

  /// `id` is being answered, or waits for its caller. One without a place is left alone.
  mutating func note(_ id: ID, isWaiting: Bool) {
    guard places[id] != nil else { return }
    time += 1
    places[id]?.since = time
    places[id]?.isWaiting = isWaiting
  }

  /// Gives the place back, if there still is one.
  mutating func remove(_ id: ID) {
    guard let place = places.removeValue(forKey: id) else { return }
    counts[place.caller] = counts[place.caller].flatMap { $0 > 1 ? $0 - 1 : nil }
  }

  private func victim(of caller: Caller) -> ID? {
    let own = count(of: caller)
    if let waiting = longest({ $0.isWaiting && ($0.caller == caller || count(of: $0.caller) > own) }) { return waiting }
    return longest { place in
      let count = count(of: place.caller)
      return !place.isWaiting && count > limits.share && count > own + 1
    }
  }

  /// Of those, one of the caller who has most: the one that is so for longest.
  private func longest(_ isMeant: (Place) -> Bool) -> ID? {
    var found: (id: ID, count: Int, since: UInt64)?
    for (id, place) in places where isMeant(place) {
      let count = count(of: place.caller)
      if let found, found.count > count || found.count == count && found.since < place.since { continue }
      found = (id, count, place.since)
    }
    return found?.id
  }
}
