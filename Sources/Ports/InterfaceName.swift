/// Root in a server's namespace calls an interface what it likes: the kernel forbids "/", ":" and white space, and
/// nothing else.
extension String {
  /// The name of an interface in a sentence: printable ASCII, and each other byte as `\x1b`. A backslash is one of the
  /// others, so that no two names look the same. A name stays as it is where it is used to find its interface, and in
  /// JSON.
  public var asInterfaceName: String {
    func isPlain(_ byte: UInt8) -> Bool { 0x21...0x7E ~= byte && byte != UInt8(ascii: "\\") }
    if utf8.allSatisfy(isPlain) { return self }
    return utf8.reduce(into: "") { text, byte in
      if isPlain(byte) {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text += (byte < 0x10 ? "\\x0" : "\\x") + String(byte, radix: 16)
      }
    }
  }
}
