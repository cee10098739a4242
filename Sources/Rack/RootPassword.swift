public import FoundationEssentials

/// The first password of a machine's root, made with it and with each installation, and told for a day.
public struct RootPassword: Hashable, Sendable {
  public let text: String
  public let madeAt: Date

  public init(text: String, madeAt: Date) { (self.text, self.madeAt) = (text, madeAt) }

  /// 80 random bits. Without l, o, 0 and 1, since people type it.
  init(with source: inout some Entropy) {
    let letters = Array("abcdefghijkmnpqrstuvwxyz23456789")
    var text = ""
    for _ in 0..<2 {
      let bits = source.bits48()
      for place in 0..<8 { text.append(letters[Int(truncatingIfNeeded: bits >> UInt64(5 * place)) & 31]) }
    }
    self.init(text: text, madeAt: source.now)
  }

  /// Seconds for which it is told.
  public static let lifetime: TimeInterval = 24 * 3600

  func isTold(at now: Date) -> Bool { now.timeIntervalSince(madeAt) < Self.lifetime }
}

extension Server {
  /// `nil`: there is none, or it is not told any more.
  public func rootPassword(at now: Date) -> String? {
    rootPassword.flatMap { $0.isTold(at: now) ? $0.text : nil }
  }
}
