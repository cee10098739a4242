/// What a link counted since it was made part of the bond. Names follow IEEE 802.1AX-2014 7.3.3 where it has one.
public struct MemberCounters: Equatable, Sendable, BitwiseCopyable {
  public var lacpdusReceived: UInt64 = 0
  public var lacpdusSent: UInt64 = 0
  /// Badly formed, or of a subtype that nobody may use.
  public var illegalReceived: UInt64 = 0
  /// Slow protocols of others, OAM for one, and frames to their address that are none.
  public var unknownReceived: UInt64 = 0
  public var markersReceived: UInt64 = 0
  public var markerResponsesReceived: UInt64 = 0
  public var markerResponsesSent: UInt64 = 0
  /// Markers over the limit of three in a second, which got no answer.
  public var markersIgnored: UInt64 = 0
  /// Changes of state of the receive and of the mux machine.
  public var receiveTransitions: UInt64 = 0
  public var muxTransitions: UInt64 = 0

  public init() {}
}
