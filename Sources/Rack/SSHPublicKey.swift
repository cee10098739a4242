import FoundationEssentials

/// A public key as OpenSSH writes it: one line of type, key in base64, and comment.
///
///     ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI… anna@laptop
///
/// What `init(reading:)` lets through can stand in a list of authorized keys as it is: it is one line, begins with its
/// type, has no options and no control characters, and its base64 holds a whole key of that type. No refusal shows more
/// of a text than its first word, because people paste the wrong file.
///
/// Sources: sshd(8), "AUTHORIZED_KEYS FILE FORMAT"; the blobs of RFC 4253 6.6 (RSA), RFC 5656 3.1 (ECDSA), RFC 8709 4
/// (Ed25519), and OpenSSH's PROTOCOL.u2f (sk-…). That RSA keys begin at 1024 bits is OpenSSH's own rule
/// (sshd_config(5), RequiredRSASize), and so is that there is no DSA.
public struct SSHPublicKey: Hashable, Sendable {
  /// The first word of the line.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    case ed25519 = "ssh-ed25519"
    case rsa = "ssh-rsa"
    case ecdsa256 = "ecdsa-sha2-nistp256"
    case ecdsa384 = "ecdsa-sha2-nistp384"
    case ecdsa521 = "ecdsa-sha2-nistp521"
    /// Those of security keys, which sign only when they are touched.
    case hardwareEd25519 = "sk-ssh-ed25519@openssh.com"
    case hardwareECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"
  }

  /// As it was given, the newline at its end too: clients compare it with what they have sent.
  public let text: String
  public let kind: Kind
  /// The key as SSH sends it, of which fingerprints are made. Two lines with the same one are the same key.
  public let blob: [UInt8]
  /// For people; may be empty.
  public let comment: String
  /// Length of the key in bits, as ssh-keygen counts it: of RSA, that of the modulus.
  public let bits: Int

  /// Bytes of the text.
  public static let limit = 16 << 10
  public static let rsaBits = 1024...16_384

  /// For a list of authorized keys: type, key and comment, and nothing else.
  public var line: String {
    "\(kind.rawValue) \(Data(blob).base64EncodedString())" + (comment.isEmpty ? "" : " \(comment)")
  }

  /// Whether a text is, or has in it, what should have been kept secret.
  public static func isPrivate(_ text: String) -> Bool {
    // The last is how a private key of OpenSSH begins in base64: "openssh-key-v1".
    ["PRIVATE KEY-----", "PuTTY-User-Key-File", "b3BlbnNzaC1rZXktdjE"].contains { text.contains($0) }
  }

  /// Why a text is no key that can be used.
  public struct Fault: Error, Hashable, Sendable {
    public let message: String

    fileprivate init(_ rest: String) { message = "the SSH key " + rest }
  }

  /// Takes a line apart; white space around it counts for nothing.
  public init(reading text: String) throws(Fault) {
    let line = try Self.line(in: text)
    let (kind, rest) = try Self.kind(of: line)
    let base64 = String(rest.prefix { !Self.isBlank($0) })
    guard !base64.isEmpty else {
      throw Fault("has no key behind its type; \(Self.rule)")
    }
    guard let data = Data(base64Encoded: base64), data.base64EncodedString() == base64 else {
      throw Fault("has malformed base64 behind its type: it is cut off or changed; \(Self.rule)")
    }
    (self.text, self.kind, blob) = (text, kind, Array(data))
    comment = Self.trimmed(rest.dropFirst(base64.unicodeScalars.count))
    bits = try Self.bits(of: blob, kind)
  }

  private static let rule = "valid is one line as ssh-keygen writes it into the file that ends in .pub"
}

/// The line and its words.
extension SSHPublicKey {
  private typealias Scalars = Substring.UnicodeScalarView

  private static func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" }
  private static func isBreak(_ scalar: Unicode.Scalar) -> Bool { scalar == "\n" || scalar == "\r" }

  private static func trimmed(_ scalars: Scalars) -> String {
    var rest = scalars.drop { isBlank($0) || isBreak($0) }
    while let last = rest.last, isBlank(last) || isBreak(last) { rest.removeLast() }
    return String(String.UnicodeScalarView(rest))
  }

  /// The one line of a text. What is no key at all is told apart here, before anything of it is shown.
  private static func line(in text: String) throws(Fault) -> Scalars {
    guard text.utf8.count <= limit else { throw Fault("has \(text.utf8.count) bytes; valid are up to \(limit)") }
    let line = trimmed(text[...].unicodeScalars)
    guard !line.isEmpty else { throw Fault("is empty; \(rule)") }
    if isPrivate(line) {
      throw Fault(
        "is a private key, which nobody else should ever have: make a new pair, and give the public one, which is in the "
          + "file that ends in .pub")
    }
    if line.hasPrefix("-----BEGIN") || line.hasPrefix("---- BEGIN") {
      throw Fault("is not in OpenSSH's form, which 'ssh-keygen -i -f FILE' prints; \(rule)")
    }
    let lines = line.unicodeScalars.split(whereSeparator: isBreak).count { !trimmed($0).isEmpty }
    guard lines == 1 else { throw Fault("has \(lines) lines; valid is one key, on one line") }
    if let control = line.unicodeScalars.first(where: { $0.steersText && !isBlank($0) }) {
      throw Fault("has the control character U+\(hex(control)); \(rule)")
    }
    return line[...].unicodeScalars
  }

  private static func hex(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  /// The type, and what stands behind it.
  private static func kind(of line: Scalars) throws(Fault) -> (Kind, Scalars) {
    let word = String(String.UnicodeScalarView(line.prefix { !isBlank($0) }))
    if let kind = Kind(rawValue: word) {
      let rest = line.dropFirst(word.unicodeScalars.count).drop(while: isBlank)
      if trimmed(rest.drop { !isBlank($0) }).unicodeScalars.contains("\t") {
        throw Fault("has the control character U+0009 in its comment; \(rule)")
      }
      return (kind, rest)
    }
    let valid = Kind.allCases.map(\.rawValue).listed()
    if word == dsa {
      throw Fault("is a DSA key, which OpenSSH takes no more; valid are \(valid): make one by 'ssh-keygen -t ed25519'")
    }
    if word.hasSuffix("-cert-v01@openssh.com") {
      throw Fault("is a certificate; give the key that it is for, of type \(valid)")
    }
    let others = line.dropFirst(word.unicodeScalars.count).split(whereSeparator: isBlank)
    if others.contains(where: { isType(String(String.UnicodeScalarView($0))) }) {
      throw Fault("has options before its type, which cannot be given; \(rule), from the type on")
    }
    throw Fault("begins with \(word.quoted), which is no type of key; valid are \(valid)")
  }

  private static let dsa = "ssh-dss"
  private static func isType(_ word: String) -> Bool { Kind(rawValue: word) != nil || word == dsa }
}

/// The key itself.
extension SSHPublicKey {
  /// Checks that `blob` is one whole key of `kind`, and says how long it is.
  private static func bits(of blob: [UInt8], _ kind: Kind) throws(Fault) -> Int {
    var reader = Reader(rest: blob[...])
    guard let name = reader.string() else { throw damaged }
    let word = String(decoding: name, as: UTF8.self)
    guard word == kind.rawValue else {
      guard isType(word) else { throw damaged }
      throw Fault("says that it is \(kind.rawValue), and the key in it is \(word): they are of two keys; \(rule)")
    }
    let bits: Int
    switch kind {
    case .ed25519: bits = try ed25519(&reader)
    case .hardwareEd25519:
      bits = try ed25519(&reader)
      try application(&reader)
    case .rsa: bits = try rsa(&reader)
    case .ecdsa256: bits = try ecdsa(&reader, "nistp256", 256)
    case .ecdsa384: bits = try ecdsa(&reader, "nistp384", 384)
    case .ecdsa521: bits = try ecdsa(&reader, "nistp521", 521)
    case .hardwareECDSA:
      bits = try ecdsa(&reader, "nistp256", 256)
      try application(&reader)
    }
    guard reader.rest.isEmpty else { throw damaged }
    return bits
  }

  private static let damaged = Fault("is damaged: there is no whole key in its base64; \(rule)")

  private static func ed25519(_ reader: inout Reader) throws(Fault) -> Int {
    guard let point = reader.string() else { throw damaged }
    guard point.count == 32 else {
      throw Fault("is an Ed25519 key of \(point.count * 8) bits; valid are 256")
    }
    return 256
  }

  private static func rsa(_ reader: inout Reader) throws(Fault) -> Int {
    guard reader.positive() != nil, let modulus = reader.positive() else { throw damaged }
    let bits = modulus.count * 8 - (modulus.first?.leadingZeroBitCount ?? 0)
    guard rsaBits.contains(bits) else {
      throw Fault(
        "is an RSA key of \(bits) bits; valid are \(rsaBits.words): make another by 'ssh-keygen -t ed25519', or "
          + "'ssh-keygen -t rsa -b 3072'")
    }
    return bits
  }

  private static func ecdsa(_ reader: inout Reader, _ curve: String, _ bits: Int) throws(Fault) -> Int {
    guard let name = reader.string(), name.elementsEqual(curve.utf8), let point = reader.string() else { throw damaged }
    // SEC 1 2.3.3: uncompressed, 4 and both coordinates; OpenSSH has no other form.
    let size = 1 + 2 * ((bits + 7) / 8)
    guard point.count == size, point.first == 4 else {
      throw Fault("has a point of \(point.count) bytes on \(curve); valid are \(size), uncompressed")
    }
    return bits
  }

  /// For whom a security key signs: "ssh:".
  private static func application(_ reader: inout Reader) throws(Fault) {
    guard let name = reader.string(), !name.isEmpty else { throw damaged }
  }

  /// Values of RFC 4251 5, one after another; `nil` where the bytes do not hold one.
  private struct Reader {
    var rest: ArraySlice<UInt8>

    mutating func string() -> ArraySlice<UInt8>? {
      guard rest.count >= 4 else { return nil }
      let size = Int(rest.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
      guard rest.count - 4 >= size else { return nil }
      let bytes = rest.dropFirst(4).prefix(size)
      rest = rest.dropFirst(4 + size)
      return bytes
    }

    /// The magnitude of a positive number, in its only form: ssh-keygen would compute the fingerprint of another blob.
    mutating func positive() -> ArraySlice<UInt8>? {
      guard let bytes = string(), let first = bytes.first, first & 0x80 == 0 else { return nil }
      guard first == 0 else { return bytes }
      guard let second = bytes.dropFirst().first, second & 0x80 != 0 else { return nil }
      return bytes.dropFirst()
    }
  }
}
