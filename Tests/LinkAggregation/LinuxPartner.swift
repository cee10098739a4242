/// A server's end of the links, written after the Linux bonding driver (mode 802.3ad) and not after our own machines: it
/// knows frames only, has a clock of 100 ms as the driver has, and coupled control.
///
/// Two aggregators are not modelled: a port joins when it agrees with the partner of the first port that has one, as the
/// driver's `stable` selection ends with one active aggregator.
struct LinuxPartner {
  enum Receive { case disabled, expired, defaulted, current }
  enum Mux { case detached, waiting, attached, collectingDistributing }

  /// The 18 bytes of a participant without the state, and the state.
  struct End: Equatable {
    var identity: [UInt8] = Array(repeating: 0, count: 14)
    var state: UInt8 = 0
    /// System priority, system and key.
    var group: [UInt8] { Array(identity[0..<10]) }
  }

  struct Port {
    var carrier = false
    var receive = Receive.disabled
    var mux = Mux.detached
    var partner = End(state: 0x01)
    var defaulted = true
    var expired = false
    var isSelected = false
    var needToTransmit = false
    /// Ticks left.
    var receiveTimer = 0
    var waitTimer = 0
    var periodicTimer = 0
    /// Ticks at which the last three LACPDUs went.
    var sent: [Int] = []
  }

  let system: [UInt8]
  var key: UInt16
  let fast: Bool
  let active: Bool
  var ports: [Port]
  var tickCount = 0
  static let ticksPerSecond = 10

  init(system: [UInt8], key: UInt16 = 15, fast: Bool, active: Bool = true) {
    self.system = system
    self.key = key
    self.fast = fast
    self.active = active
    ports = [Port(), Port()]
  }

  func isCarrying(_ index: Int) -> Bool { ports[index].mux == .collectingDistributing }

  private func actor(_ index: Int) -> End {
    let port = ports[index]
    var state: UInt8 = 0x04 | (active ? 0x01 : 0) | (fast ? 0x02 : 0)
    if port.mux == .attached || port.mux == .collectingDistributing { state |= 0x08 }
    if port.mux == .collectingDistributing { state |= 0x30 }
    if port.defaulted { state |= 0x40 }
    if port.expired { state |= 0x80 }
    let identity =
      [0xFF, 0xFF] + system + [UInt8(key >> 8), UInt8(key & 0xFF), 0, 255, 0, UInt8(index + 1)]
    return End(identity: identity, state: state)
  }

  // MARK: Frames

  private func frame(_ index: Int) -> [UInt8] {
    let own = actor(index)
    let other = ports[index].partner
    var bytes: [UInt8] = [0x01, 0x80, 0xC2, 0, 0, 2] + system + [0x88, 0x09, 1, 1]
    bytes += [1, 20] + own.identity + [own.state, 0, 0, 0]
    bytes += [2, 20] + other.identity + [other.state, 0, 0, 0]
    bytes += [3, 16] + [UInt8](repeating: 0, count: 14)
    return bytes + [UInt8](repeating: 0, count: 124 - bytes.count)
  }

  mutating func setCarrier(_ index: Int, _ up: Bool) {
    ports[index].carrier = up
    if !up {
      ports[index].receive = .disabled
      ports[index].isSelected = false
      ports[index].partner.state &= ~0x08
      runMux(index)
    }
  }

  mutating func receive(_ frame: [UInt8], on index: Int) {
    precondition(frame.count == 124 && Array(frame[12..<16]) == [0x88, 0x09, 1, 1], "not an LACPDU")
    let theirs = End(identity: Array(frame[18..<32]), state: frame[32])
    let ofUs = End(identity: Array(frame[38..<52]), state: frame[52])
    guard ports[index].carrier, theirs.identity[2..<8] != system[...] else { return }
    let own = actor(index)
    if theirs.identity != ports[index].partner.identity || (theirs.state ^ ports[index].partner.state) & 0x04 != 0 {
      ports[index].isSelected = false
    }
    if ofUs.identity != own.identity || (ofUs.state ^ own.state) & 0x0F != 0 { ports[index].needToTransmit = true }
    let wasShort = ports[index].partner.state & 0x02 != 0
    ports[index].partner = theirs
    if ofUs.identity != own.identity || (ofUs.state ^ own.state) & 0x04 != 0 { ports[index].partner.state &= ~0x08 }
    ports[index].defaulted = false
    ports[index].expired = false
    ports[index].receive = .current
    ports[index].receiveTimer = (fast ? 3 : 90) * Self.ticksPerSecond
    if !wasShort, theirs.state & 0x02 != 0 { ports[index].periodicTimer = 0 }
    runMux(index)
  }

  // MARK: Clock

  /// One tick of the driver's work queue. Returns the frames that go out now.
  mutating func tick() -> [(port: Int, frame: [UInt8])] {
    tickCount += 1
    var frames: [(Int, [UInt8])] = []
    for index in ports.indices {
      runReceiveTimer(index)
      runPeriodic(index)
      select(index)
      runMux(index)
      if let frame = transmit(index) { frames.append((index, frame)) }
    }
    return frames
  }

  private mutating func runReceiveTimer(_ index: Int) {
    guard ports[index].carrier else { return }
    if ports[index].receive == .disabled {
      expire(index)
    } else if ports[index].receiveTimer > 0 {
      ports[index].receiveTimer -= 1
      guard ports[index].receiveTimer == 0 else { return }
      if ports[index].receive == .current {
        expire(index)
      } else {
        ports[index].receive = .defaulted
        ports[index].isSelected = false
        ports[index].partner = End(state: 0x01)
        ports[index].defaulted = true
        ports[index].expired = false
      }
    }
  }

  private mutating func expire(_ index: Int) {
    ports[index].receive = .expired
    ports[index].partner.state = ports[index].partner.state & ~0x08 | 0x02
    ports[index].receiveTimer = 3 * Self.ticksPerSecond
    ports[index].periodicTimer = 0
    ports[index].expired = true
  }

  private mutating func runPeriodic(_ index: Int) {
    guard ports[index].carrier, active || ports[index].partner.state & 0x01 != 0 else { return }
    if ports[index].periodicTimer > 0 { ports[index].periodicTimer -= 1 }
    guard ports[index].periodicTimer == 0 else { return }
    // A passive end does not call a partner that nobody has heard.
    ports[index].needToTransmit = ports[index].needToTransmit || active || !ports[index].defaulted
    ports[index].periodicTimer = (ports[index].partner.state & 0x02 != 0 ? 1 : 30) * Self.ticksPerSecond
  }

  private mutating func select(_ index: Int) {
    guard ports[index].carrier, !ports[index].defaulted, !ports[index].isSelected else { return }
    let incumbent = ports.first { $0.isSelected }
    if let incumbent, incumbent.partner.group != ports[index].partner.group { return }
    ports[index].isSelected = ports[index].mux == .detached
  }

  private mutating func runMux(_ index: Int) {
    let port = ports[index]
    switch port.mux {
    case .detached:
      guard port.isSelected else { return }
      ports[index].mux = .waiting
      ports[index].waitTimer = 2 * Self.ticksPerSecond
    case .waiting:
      if !port.isSelected {
        enter(.detached, index)
      } else if port.waitTimer > 0 {
        ports[index].waitTimer -= 1
      } else {
        enter(.attached, index)
      }
    case .attached:
      if !port.isSelected {
        enter(.detached, index)
      } else if port.partner.state & 0x08 != 0 {
        enter(.collectingDistributing, index)
      }
    case .collectingDistributing:
      if !port.isSelected || port.partner.state & 0x08 == 0 { enter(port.isSelected ? .attached : .detached, index) }
    }
  }

  private mutating func enter(_ state: Mux, _ index: Int) {
    ports[index].mux = state
    ports[index].needToTransmit = true
  }

  private mutating func transmit(_ index: Int) -> [UInt8]? {
    guard ports[index].carrier, ports[index].needToTransmit else { return nil }
    ports[index].sent.removeAll { tickCount - $0 >= Self.ticksPerSecond }
    guard ports[index].sent.count < 3 else { return nil }
    ports[index].sent.append(tickCount)
    ports[index].needToTransmit = false
    return frame(index)
  }
}
