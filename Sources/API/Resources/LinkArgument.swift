// How a link of a NIC is to be, as a caller writes it: `{"down": true, "to_server": {"loss": "1%", "delay": "20ms"}}`.
//
// Values are texts with units, or numbers under the names that answers have: a fraction, `delay_ms`, `rate_bps`.

import Impairments
import Rack

extension LinkUpdate {
  /// - Parameter replacing: what is not given goes back to what is usual.
  init(_ arguments: Arguments, replacing: Bool) throws(APIError) {
    self.init()
    var startsOver = replacing
    if try arguments.boolean("clear") == true { startsOver = true }
    isDown = try arguments.boolean("down")
    if let state = try arguments.string("state") {
      guard ["up", "down"].contains(state) else {
        throw .invalid("state \(Arguments.shown(.string(state))) is not known; valid are up and down")
      }
      isDown = state == "down"
    }
    if startsOver, isDown == nil { isDown = false }
    for direction in LinkDirection.allCases {
      let name = direction.member
      var update = ImpairmentUpdate(startsOver: startsOver)
      switch arguments.value(name) {
      case nil: break
      case .object(let members): try update.read(JSON.object(members), in: name)
      case .some(let other): throw .invalid("\(name) must be an object, not \(other.kind)")
      }
      guard !update.isEmpty else { continue }
      if direction == .toServer { toServer = update } else { fromServer = update }
    }
  }
}

extension LinkDirection {
  /// Its name in JSON where it is a member.
  var member: String { self == .toServer ? "to_server" : "from_server" }
}

extension ImpairmentUpdate {
  /// Reads what is there of one direction. `place`: its name, for what is wrong.
  mutating func read(_ json: JSON, in place: String) throws(APIError) {
    let reader = ImpairmentReader(json: json, place: place)
    if case .boolean(true)? = json["clear"] { startsOver = true }
    loss = try reader.fraction("loss")
    duplicate = try reader.fraction("duplicate")
    reorder = try reader.fraction("reorder")
    corrupt = try reader.fraction("corrupt")
    delay = try reader.time("delay", Measure.timeRule)
    jitter = try reader.time("jitter", Measure.timeRule)
    queue = try reader.time("queue", Measure.queueRule)
    rate = try reader.rate("rate")
    seed = try reader.seed("seed")
  }
}

private struct ImpairmentReader {
  let json: JSON
  let place: String

  private func value(_ name: String) -> JSON? { json[name]?.given }

  private func wrong(_ name: String, _ value: JSON, _ rule: String) -> APIError {
    .invalid("\(place): \(name) \(Arguments.shown(value)) is not valid; \(rule)")
  }

  func fraction(_ name: String) throws(APIError) -> Fraction? {
    guard let value = value(name) else { return nil }
    let fraction: Fraction? =
      switch value {
      case .string(let text): Fraction(reading: text)
      case .integer(let number): Fraction(Double(number))
      case .number(let number): Fraction(number)
      default: nil
      }
    guard let fraction else { throw wrong(name, value, "\(Fraction.rule), or a number from 0 to 1") }
    return fraction
  }

  /// A text, or a number of milliseconds as NAME_ms.
  func time(_ name: String, _ rule: String) throws(APIError) -> UInt64? {
    guard let value = value(name) else { return try number("\(name)_ms", times: 1_000_000, rule) }
    guard case .string(let text) = value, let time = Measure.time(text) else { throw wrong(name, value, rule) }
    return time
  }

  /// A text, or a number of bits a second as NAME_bps.
  func rate(_ name: String) throws(APIError) -> UInt64? {
    guard let value = value(name) else { return try number("\(name)_bps", times: 1, Measure.rateRule) }
    guard case .string(let text) = value, let rate = Measure.rate(text) else {
      throw wrong(name, value, Measure.rateRule)
    }
    return rate
  }

  func seed(_ name: String) throws(APIError) -> UInt64? {
    guard let value = value(name) else { return nil }
    let seed: UInt64? =
      switch value {
      case .string(let text): UInt64(text)
      case .integer(let number): UInt64(exactly: number)
      default: nil
      }
    guard let seed, Impairment.seeds.contains(seed) else { throw wrong(name, value, Measure.seedRule) }
    return seed
  }

  private func number(_ name: String, times factor: Double, _ rule: String) throws(APIError) -> UInt64? {
    guard let value = value(name) else { return nil }
    let number: Double? =
      switch value {
      case .integer(let number): Double(number)
      case .number(let number): number
      default: nil
      }
    guard let number, number >= 0, number * factor < 1e15 else { throw wrong(name, value, rule) }
    return UInt64((number * factor).rounded())
  }
}
