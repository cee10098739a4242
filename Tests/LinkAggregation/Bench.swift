import LinkAggregation
import Net
import Wire

/// The switch's system in all tests, and two servers.
let rack = MACAddress(0x0200_0000_0001)
let web1 = MACAddress(0x5254_0000_0001)
let web2 = MACAddress(0x5254_0000_0002)

/// A bond on a table: its clock, and what it has sent by each member.
struct Bench {
  var bond: Bond
  var now: Instant = 0
  /// False: the forwarding plane does not answer what it is told; `confirm` is the test's.
  var planeAnswers = true
  /// Everything that was sent, in order.
  var sent: [(at: Instant, member: Int, pdu: SlowProtocolPDU)] = []
  /// The last LACPDU of each member, also when `sent` was emptied since.
  private var said: [LACPDU?] = [nil, nil]

  init(fast: Bool = true, ports: [UInt16] = [11, 12], linksUp: Bool = true, isStatic: Bool = false) {
    bond = Bond(
      LACPConfiguration(system: rack, key: 7, fastRate: fast, isStatic: isStatic), ports: ports, at: 0)
    if linksUp {
      bond.setLink(member: 0, up: true, at: 0)
      bond.setLink(member: 1, up: true, at: 0)
    }
    collect()
  }

  /// Fetches what the bond has to say, with a forwarding plane that does at once what it is told.
  mutating func collect() {
    var done: UInt64?
    repeat {
      fetch()
      guard planeAnswers, done != bond.revision else { return }
      done = bond.revision
      bond.confirm(bond.revision, at: now)
    } while true
  }

  private mutating func fetch() {
    var frame = [UInt8](repeating: 0, count: SlowProtocolPDU.frameSize)
    while true {
      let next = unsafe frame.withUnsafeMutableBytes { bytes -> (Int, SlowProtocolPDU)? in
        guard let member = unsafe bond.nextTransmission(into: bytes.baseAddress!, at: now) else { return nil }
        return unsafe (member, SlowProtocolPDU.decode(UnsafeRawPointer(bytes.baseAddress!), count: bytes.count))
      }
      guard let next else { return }
      sent.append((now, next.0, next.1))
      if case .lacp(let pdu) = next.1 { said[next.0] = pdu }
    }
  }

  /// Lets the time go on to `time`, with each deadline on the way.
  mutating func advance(to time: Instant) {
    while let due = bond.deadline, due <= time {
      now = max(now, due)
      bond.tick(at: now)
      collect()
    }
    now = time
  }

  mutating func advance(by duration: Instant) { advance(to: now + duration) }

  mutating func link(_ member: Int, up: Bool) {
    bond.setLink(member: member, up: up, at: now)
    collect()
  }

  mutating func hear(_ pdu: LACPDU, on member: Int) {
    bond.receive(.lacp(pdu), on: member, at: now)
    collect()
  }

  /// Lets the partner have had time to hear that the bond is in sync: frames are sent from then on.
  mutating func settle() { advance(by: Timing.settling) }

  /// What the bond said last by `member`.
  func last(_ member: Int) -> LACPDU? { said[member] }

  /// A partner's LACPDU on `member`: port 1 or 2 of `system`, that knows what the bond last said.
  func word(
    _ member: Int, from system: MACAddress = web1, key: UInt16 = 15, port: UInt16? = nil,
    _ state: LACPState = [.activity, .timeout, .aggregation, .synchronization, .collecting, .distributing]
  ) -> LACPDU {
    let unknown = LACPParticipant(
      systemPriority: 0, system: MACAddress(0), key: 0, portPriority: 0, port: 0, state: [])
    return LACPDU(
      actor: LACPParticipant(
        systemPriority: 0xFFFF, system: system, key: key, portPriority: 255, port: port ?? UInt16(member + 1),
        state: state),
      partner: last(member)?.actor ?? unknown)
  }

  /// A partner that has both links in its aggregate, or `only` one.
  mutating func join(only one: Int? = nil) {
    let joining = one.map { $0...$0 } ?? 0...1
    for _ in 0..<2 {
      for member in joining { hear(word(member), on: member) }
    }
    settle()
  }

  func state(_ member: Int) -> MemberSnapshot? { bond.snapshot(at: now).first { $0.member == member } }

  static let none = Carriage.none
  /// `member` carries alone; LACP has opened `opened`, whose frames are taken too.
  static func fallback(_ member: Int, opened: Int...) -> Carriage {
    let opened = MemberSet(opened.map { MemberSet(member: $0) })
    let alone = MemberSet(member: member)
    return Carriage(kind: .fallback, collecting: opened.union(alone), distributing: alone, opened: opened)
  }
  static func aggregate(_ members: Int...) -> Carriage {
    let set = MemberSet(members.map { MemberSet(member: $0) })
    return Carriage(kind: .aggregate, collecting: set, distributing: set)
  }
}
