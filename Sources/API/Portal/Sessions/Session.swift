// Who is signed in at the portal. In memory alone: a restart of the daemon signs everybody out.

import Crypto
import Rack
import Synchronization

/// One browser that is signed in, as it was when it was looked up.
struct Session: Hashable, Sendable {
  /// Whose rights it has. They are looked up anew with each request, so that a revoked token ends its sessions.
  enum Identity: Hashable, Sendable {
    case token(TokenID)
    /// A user of the machine, who came by the Unix socket; good there alone.
    case user(String)
  }

  let identity: Identity
  /// Stands in each form, and so proves that the form is one of ours.
  let formToken: String
}

/// All sessions, by the digest of what their cookies say: nothing that is in memory here is a key.
///
/// ## Limits
/// A session ends when it is not used for `idleLimit`, and after `lifeLimit` in any case. When there are
/// `identityLimit` of one identity, the one of them that was not used for longest gives way; when there are `limit` in
/// all, one of the identity that has most.
///
/// ## Threads
/// Safe to share.
final class Sessions: Sendable {
  static let limit = 1024
  static let identityLimit = 32
  static let idleLimit = Duration.seconds(2 * 3600)
  static let lifeLimit = Duration.seconds(12 * 3600)

  private struct Entry {
    let session: Session
    let began: Duration
    var lastUsed: Duration
    /// What the next page is to say.
    var notes: [Note] = []
  }

  private let now: @Sendable () -> Duration
  private let entries = Mutex<[[UInt8]: Entry]>([:])

  /// `now`: time on a clock that never goes back.
  init(now: @escaping @Sendable () -> Duration = RateLimiter.monotonic()) { self.now = now }

  /// Begins one, and says what its cookie says.
  func begin(_ identity: Session.Identity) -> String {
    let key = TokenText.make()
    let time = now()
    entries.withLock { entries in
      entries = entries.filter { !Self.hasEnded($0.value, at: time) }
      var counts: [Session.Identity: Int] = [:]
      for entry in entries.values { counts[entry.session.identity, default: 0] += 1 }
      if counts[identity, default: 0] >= Self.identityLimit {
        Self.dropOldest(of: &entries) { $0.session.identity == identity }
      } else if entries.count >= Self.limit, let most = counts.values.max() {
        Self.dropOldest(of: &entries) { counts[$0.session.identity] == most }
      }
      entries[TokenText.digest(key)] = Entry(
        session: Session(identity: identity, formToken: TokenText.make()), began: time, lastUsed: time)
    }
    return key
  }

  private static func dropOldest(of entries: inout [[UInt8]: Entry], among: (Entry) -> Bool) {
    let those = entries.filter { among($0.value) }
    guard let oldest = those.min(by: { $0.value.lastUsed < $1.value.lastUsed })?.key else { return }
    entries[oldest] = nil
  }

  /// The session of a cookie, which is thereby used; `nil`: there is none, or it has ended.
  func session(_ key: String) -> Session? {
    let (digest, time) = (TokenText.digest(key), now())
    return entries.withLock { entries in
      guard var entry = entries[digest] else { return nil }
      guard !Self.hasEnded(entry, at: time) else {
        entries[digest] = nil
        return nil
      }
      entry.lastUsed = time
      entries[digest] = entry
      return entry.session
    }
  }

  /// Whether the session is still there. Does not count as using it.
  func isOpen(_ key: String) -> Bool {
    let (digest, time) = (TokenText.digest(key), now())
    return entries.withLock { $0[digest].map { !Self.hasEnded($0, at: time) } ?? false }
  }

  func end(_ key: String) {
    let digest = TokenText.digest(key)
    entries.withLock { $0[digest] = nil }
  }

  var count: Int { entries.withLock { $0.count } }

  private static func hasEnded(_ entry: Entry, at time: Duration) -> Bool {
    time - entry.lastUsed >= idleLimit || time - entry.began >= lifeLimit
  }
}

/// What a change has done, for the page that follows it.
struct Note: Hashable, Sendable {
  let title: String
  let lines: [String]

  init(_ title: String, _ lines: [String] = []) { (self.title, self.lines) = (title, lines) }
}

extension Sessions {
  /// Notes that one session can have at once; a browser that never shows a page gathers no more.
  private static let noteLimit = 8

  func leave(_ note: Note, for key: String) {
    let digest = TokenText.digest(key)
    entries.withLock { entries in
      guard let notes = entries[digest]?.notes else { return }
      entries[digest]?.notes = (notes + [note]).suffix(Self.noteLimit)
    }
  }

  /// Each note once.
  func takeNotes(of key: String) -> [Note] {
    let digest = TokenText.digest(key)
    return entries.withLock { entries in
      defer { entries[digest]?.notes = [] }
      return entries[digest]?.notes ?? []
    }
  }
}
