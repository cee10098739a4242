import Testing

/// One network card of a simulated machine, up, with a test on the machine's side of it: `send` is what its operating
/// system sends, and what arrives is seen by libpcap.
final class NIC {
  let machine: String
  let port: String
  let namespace: NetworkNamespace
  let interface: String
  let mac: MAC
  /// Keeps the rack alive as long as one of its NICs is in use.
  private let lab: Lab
  private let capture: Capture
  private let socket: PacketSocket

  init(of lab: Lab, machine: String, port: String, interface: String, namespace: NetworkNamespace, mac: MAC) throws {
    self.lab = lab
    self.machine = machine
    self.port = port
    self.namespace = namespace
    self.interface = interface
    self.mac = mac
    // libpcap opens no interface that is down.
    try namespace.run("ip", "link", "set", interface, "up")
    capture = try Capture(on: interface, in: namespace)
    socket = try PacketSocket(on: interface, in: namespace)
  }

  var name: String { "\(machine) \(port)" }
  /// Frames that the capture had no room for.
  var lostByCapture: Int { capture.lost }

  func send(_ frame: Frame) throws { try socket.send(frame.bytes) }
  /// Sends bytes that need not be a frame. Returns the errno of a refusal by the kernel, or 0.
  func trySend(_ bytes: [UInt8]) -> Int32 { socket.trySend(bytes) }

  func bringUp() throws { try namespace.run("ip", "link", "set", interface, "up") }
  func takeDown() throws { try namespace.run("ip", "link", "set", interface, "down") }

  /// The next test frame that arrived. Sentinels are for `expectNothing` alone and not reported here, nor is what
  /// the kernel sends by itself.
  func next(within limit: Duration = .seconds(5)) throws -> Frame? {
    try next(until: .after(limit)) { $0.etherType == Frame.experiment1 }
  }

  /// The next test frame that arrives must be `frame`, to the byte.
  func expect(
    _ frame: Frame, _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let arrived = try next()
    #expect(arrived == frame, "\(name) \(comment())", sourceLocation: sourceLocation)
  }

  /// No test frame may have arrived. `peer`, from which frames do reach this NIC, sends a sentinel; when that is here,
  /// whatever was on its way before it must have been here first.
  func expectNothing(
    sentinelFrom peer: NIC, tags: [Frame.Tag] = [], _ comment: @autoclosure () -> String = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let sentinel = Frame(
      to: .broadcast, from: peer.mac, tags: tags, etherType: Frame.experiment2,
      payload: Array("sentinel \(Self.sentinels.next()) from \(peer.name)".utf8))
    try peer.send(sentinel)
    let arrived = try next(until: .after(.seconds(5))) {
      $0.etherType == Frame.experiment1 || $0.payload == sentinel.payload
    }
    guard let arrived else {
      Issue.record("the sentinel did not reach \(name) \(comment())", sourceLocation: sourceLocation)
      return
    }
    #expect(
      arrived.payload == sentinel.payload, "\(name) should have heard nothing \(comment())",
      sourceLocation: sourceLocation)
  }

  /// The next frame that `wanted` accepts; others are passed over.
  func next(until deadline: Deadline, where wanted: (Frame) -> Bool) throws -> Frame? {
    while let bytes = try capture.next(until: deadline) {
      if let frame = Frame(bytes), wanted(frame) { return frame }
    }
    return nil
  }

  private static let sentinels = Counter()
}
