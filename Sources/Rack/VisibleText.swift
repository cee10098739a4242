/// Words of others, as they may stand in a sentence, a log or a terminal.
///
/// What others have named can clear a screen, move the cursor over another line, or turn the direction of writing. In
/// JSON everything stays as it is.
extension Unicode.Scalar {
  /// C0, DEL and C1, the separators of lines, and the marks that embed, override or isolate a direction (UAX #9).
  public var steersText: Bool {
    switch value {
    case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  /// `\x1b`, `\u{202e}`
  fileprivate var escape: String {
    let digits = String(value, radix: 16)
    return value < 0x100 ? (value < 0x10 ? "\\x0" : "\\x") + digits : "\\u{\(digits)}"
  }
}

extension String {
  /// With what steers text written visibly, as `\x1b`; lines and tabs stay.
  public var visible: String { visible { $0.steersText && $0 != "\n" && $0 != "\t" } }

  /// The same as one line: its end and a tab are written visibly, too.
  public var visibleInLine: String { visible(\.steersText) }

  private func visible(_ isHidden: (Unicode.Scalar) -> Bool) -> String {
    guard unicodeScalars.contains(where: isHidden) else { return self }
    return unicodeScalars.reduce(into: "") { text, scalar in
      if isHidden(scalar) { text += scalar.escape } else { text.unicodeScalars.append(scalar) }
    }
  }
}
