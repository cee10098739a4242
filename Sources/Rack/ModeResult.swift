/// What it would do to take a server to a mode: the answer of `Rack.change(of:to:)`.
///
/// The command `setMode` does what this says, and nothing else, so whoever warns people or plans ahead asks for this
/// and needs no rule of its own.
public struct ModeResult: Hashable, Sendable {
  /// Networks of a port that the mode has no place for.
  public struct Displaced: Hashable, Sendable {
    public let port: PortName
    /// In the order of attachment.
    public let networks: [NetworkID]
  }

  public let mode: NetworkMode
  /// Why the mode cannot be had now; `nil`: it can. Of what is refused only `displaced` says more.
  public internal(set) var refusal: Refusal?
  /// The server is in the mode, and nothing changes.
  public internal(set) var isCurrent = false
  public internal(set) var addresses = AddressChange()
  /// NICs that leave the bond, and that join it.
  public internal(set) var leaving: [PortName] = [], joining: [PortName] = []
  /// They have to be detached first; the mode is refused while there are any.
  public internal(set) var displaced: [Displaced] = []

  init(_ mode: NetworkMode) { self.mode = mode }

  /// Whether the server can be taken to the mode, and is not there.
  public var isPossible: Bool { refusal == nil && !isCurrent }
}
