/// The product's one rule: which networks of a port are tagged there. It stands here and nowhere else.
///
///     the port                   its networks
///     routed: bond0 in layer 3   all tagged, since what is untagged is routed
///     with one network           untagged
///     with several               all tagged but the native one
///
/// A native network that is left alone on its port stays native: it is untagged, and stays so when another one comes.
extension Port {
  /// How the frames of a network look on a port.
  public enum Form: String, Hashable, Sendable, CaseIterable {
    /// The only network of its port, and not native.
    case untagged
    case tagged
    /// Untagged, whatever else is on the port.
    case native

    /// Whether frames carry a tag.
    public var isTagged: Bool { self == .tagged }
  }
}

extension Server {
  /// Whether the server's addresses and elastic blocks belong to the port. They are routed to it while it is on the
  /// wire (`wiring`).
  public func isRouted(_ port: PortName) -> Bool { port == .bond0 && layer == 3 }

  /// How the frames of a network look on the port that it is on.
  public func form(of network: NetworkID, on name: PortName) -> Port.Form {
    let port = self[name]
    if isRouted(name) { return .tagged }
    if port.native == network { return .native }
    return port.networks.count > 1 ? .tagged : .untagged
  }
}
