// The text of tokens: made here, shown once, and from then on known by its digest alone.

import Crypto
import Rack

enum TokenText {
  /// Of 62 letters and digits each: 238 bits.
  static let length = 40
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")

  /// A new one, from the system's generator.
  static func make() -> String {
    var source = SystemRandomNumberGenerator()
    return String((0..<length).map { _ in alphabet.randomElement(using: &source)! })
  }

  /// Whether it could be one of ours.
  static func isWellFormed(_ text: String) -> Bool { text.count == length && text.allSatisfy(alphabet.contains) }

  static func digest(_ text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

  /// The token of this text. The time that it takes says nothing about how much of the text is right: it is a digest
  /// that is compared, with all of them, to the end. There are at most `Rack.tokenLimit`.
  static func token(_ text: String, among tokens: some Sequence<AccessToken>) -> AccessToken? {
    let digest = digest(text)
    var found: AccessToken?
    for token in tokens {
      var difference: UInt8 = 0
      for (one, other) in zip(token.digest, digest) { difference |= one ^ other }
      if difference == 0 { found = token }
    }
    return found
  }
}
