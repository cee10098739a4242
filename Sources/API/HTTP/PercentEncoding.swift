// Percent-encoding of URLs, RFC 3986 2.1.

enum PercentEncoding {
  /// The text that `encoded` stands for. What is not well-formed stays as it is.
  static func decode(_ encoded: some StringProtocol) -> String {
    guard encoded.utf8.contains(UInt8(ascii: "%")) else { return String(encoded) }
    return String(validating: octets(Array(encoded.utf8)[...]), as: UTF8.self) ?? String(encoded)
  }

  /// The same of a part of a form, where a plus sign is a space. What is no UTF-8 then is repaired.
  static func decode(form encoded: some Collection<UInt8>) -> String {
    let plain = encoded.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
    guard plain.contains(UInt8(ascii: "%")) else { return String(decoding: plain, as: UTF8.self) }
    return String(validating: octets(plain[...]), as: UTF8.self) ?? String(decoding: plain, as: UTF8.self)
  }

  private static func octets(_ encoded: ArraySlice<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(encoded.count)
    var rest = encoded
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), let value = octet(rest.prefix(2)) {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return bytes
  }

  /// `text` with everything escaped but unreserved characters and the comma, which stands plain in lists.
  static func encode(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
      if isPlain(byte) {
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        encoded += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
      }
    }
    return encoded
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "~"), UInt8(ascii: ","):
      true
    default: false
    }
  }

  private static func octet(_ digits: ArraySlice<UInt8>) -> UInt8? {
    guard digits.count == 2, digits.first != UInt8(ascii: "+") else { return nil }
    return UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
  }
}
