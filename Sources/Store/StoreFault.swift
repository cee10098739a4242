/// Why the state could not be opened, read or written. The message names the file, what is wrong and what to do.
public struct StoreFault: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Hashable, Sendable {
    /// Another process uses the state directory.
    case locked
    /// Others than its owner may write the state directory, or have.
    case open
    /// There has been a database, and it is not there any more.
    case gone
    /// A backup of another rack than the one that is there.
    case otherRack
    /// Written by a newer version.
    case newer
    /// Not a state of ours, or damaged.
    case damaged
    /// Addresses are in use that the ranges of the settings do not have.
    case outsidePlan
    /// Another row has what must be there once: somebody else has written it, as the rack knows its own. Nothing was
    /// written.
    case clash
    /// There is no room on the disk; nothing was written.
    case full
    /// The operating system or the disk refused; nothing was written.
    case unavailable
  }

  public let kind: Kind
  public let message: String
  /// Which of the changes of a commit clashes.
  public let change: Int?
  public var description: String { message }

  init(_ kind: Kind, _ message: String, change: Int? = nil) {
    (self.kind, self.message, self.change) = (kind, message, change)
  }
}
