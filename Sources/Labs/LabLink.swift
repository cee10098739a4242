public import Impairments
public import Rack

/// The link of a NIC in a file. What is not said is as usual.
public struct LabLink: Codable, Hashable, Sendable {
  public var toServer: LabImpairment?
  public var fromServer: LabImpairment?
  public var down: Bool?

  public init(toServer: LabImpairment? = nil, fromServer: LabImpairment? = nil, down: Bool? = nil) {
    (self.toServer, self.fromServer, self.down) = (toServer, fromServer, down)
  }

  /// As a file says it: nothing of what is usual.
  init(_ link: NICLink) {
    toServer = LabImpairment(link.toServer)
    fromServer = LabImpairment(link.fromServer)
    down = link.isDown ? true : nil
  }

  /// The keys of one NIC.
  init(_ node: LabNode) {
    toServer = node["to-server"].flatMap(LabImpairment.init)
    fromServer = node["from-server"].flatMap(LabImpairment.init)
    down = node["down"]?.boolean == true ? true : nil
  }

  public var link: NICLink {
    NICLink(
      isDown: down ?? false, toServer: toServer?.impairment ?? Impairment(),
      fromServer: fromServer?.impairment ?? Impairment())
  }
}

/// What is wrong with one direction, in numbers that JSON keeps exactly: millionths, nanoseconds, bits a second.
public struct LabImpairment: Codable, Hashable, Sendable {
  public var loss: Int?
  public var duplicate: Int?
  public var reorder: Int?
  public var corrupt: Int?
  public var delay: Int?
  public var jitter: Int?
  public var rate: Int?
  public var queue: Int?
  public var seed: Int?

  /// `nil`: nothing is set.
  public init?(_ setting: Impairment) {
    func share(_ fraction: Fraction) -> Int? { fraction == .zero ? nil : Int(fraction.millionths) }
    func number(_ value: UInt64) -> Int? { value == 0 ? nil : Int(value) }
    (loss, duplicate) = (share(setting.loss), share(setting.duplicate))
    (reorder, corrupt) = (share(setting.reorder), share(setting.corrupt))
    (delay, jitter, rate) = (number(setting.delay), number(setting.jitter), number(setting.rate))
    queue = setting.queue == Impairment.defaultQueue ? nil : Int(setting.queue)
    seed = setting.seed.map { Int($0) }
    let all = [loss, duplicate, reorder, corrupt, delay, jitter, rate, queue, seed]
    if all.allSatisfy({ $0 == nil }) { return nil }
  }

  /// The keys of one direction, whose words have been checked.
  init?(_ node: LabNode) {
    func share(_ name: String) -> Fraction { node[name]?.text.flatMap { Fraction(reading: $0) } ?? .zero }
    func time(_ name: String) -> UInt64? { node[name]?.text.flatMap(Measure.time) }
    var setting = Impairment()
    (setting.loss, setting.duplicate) = (share("loss"), share("duplicate"))
    (setting.reorder, setting.corrupt) = (share("reorder"), share("corrupt"))
    (setting.delay, setting.jitter) = (time("delay") ?? 0, time("jitter") ?? 0)
    setting.rate = node["rate"]?.text.flatMap(Measure.rate) ?? 0
    setting.queue = time("queue") ?? Impairment.defaultQueue
    setting.seed = node["seed"]?.integer.flatMap { UInt64(exactly: $0) }
    self.init(setting)
  }

  /// What is out of range is as usual: it is from a text that somebody has written.
  public var impairment: Impairment {
    func share(_ value: Int?) -> Fraction {
      value.flatMap { UInt32(exactly: $0) }.flatMap { Fraction(millionths: $0) } ?? .zero
    }
    func number(_ value: Int?) -> UInt64 { value.flatMap { UInt64(exactly: $0) } ?? 0 }
    var setting = Impairment()
    (setting.loss, setting.duplicate) = (share(loss), share(duplicate))
    (setting.reorder, setting.corrupt) = (share(reorder), share(corrupt))
    (setting.delay, setting.jitter, setting.rate) = (number(delay), number(jitter), number(rate))
    setting.queue = queue.flatMap { UInt64(exactly: $0) } ?? Impairment.defaultQueue
    setting.seed = seed.flatMap { UInt64(exactly: $0) }
    return setting.isValid ? setting : Impairment()
  }
}
