import Rack
import Testing

@Suite("SSH public keys") struct SSHPublicKeyTests {
  struct Good: Sendable, CustomTestStringConvertible {
    let line: String, kind: SSHPublicKey.Kind, bits: Int
    var testDescription: String { "\(kind.rawValue), \(bits)" }

    init(_ line: String, _ kind: SSHPublicKey.Kind, _ bits: Int) {
      (self.line, self.kind, self.bits) = (line, kind, bits)
    }
  }

  static let good = [
    Good(KeyVectors.ed25519, .ed25519, 256), Good(KeyVectors.rsa2048, .rsa, 2048),
    Good(KeyVectors.rsa1024, .rsa, 1024), Good(KeyVectors.ecdsa256, .ecdsa256, 256),
    Good(KeyVectors.ecdsa384, .ecdsa384, 384), Good(KeyVectors.ecdsa521, .ecdsa521, 521),
    Good(KeyVectors.hardwareEd25519, .hardwareEd25519, 256), Good(KeyVectors.hardwareECDSA, .hardwareECDSA, 256),
  ]

  @Test("each type that OpenSSH has is read, with its length as ssh-keygen counts it", arguments: good)
  func reads(_ good: Good) throws {
    let key = try SSHPublicKey(reading: good.line)
    #expect(key.kind == good.kind && key.bits == good.bits && key.text == good.line && key.line == good.line)
    let words = good.line.split(separator: " ")
    #expect(key.comment == (words.count > 2 ? "anna@laptop" : ""))
  }

  @Test("white space around a key and between its parts makes no other key of it, and is kept in the text")
  func whiteSpace() throws {
    let key = try SSHPublicKey(reading: KeyVectors.ed25519)
    let words = KeyVectors.ed25519.split(separator: " ").map(String.init)
    for text in [
      "\(KeyVectors.ed25519)\n", " \t\(KeyVectors.ed25519)  \r\n\r\n", words.joined(separator: " \t "),
      "\n\(words.joined(separator: "\t"))",
    ] {
      let other = try SSHPublicKey(reading: text)
      #expect(other.text == text && other.line == key.line && other.blob == key.blob && other.comment == "anna@laptop")
    }
    let comment = try SSHPublicKey(reading: "\(words[0]) \(words[1]) Anna Ü.  of ssh-ed25519 ")
    #expect(comment.comment == "Anna Ü.  of ssh-ed25519" && comment.blob == key.blob)
  }

  struct Bad: Sendable, CustomTestStringConvertible {
    let testDescription: String, text: String, words: [String]

    init(_ name: String, _ text: String, _ words: String...) {
      (testDescription, self.text, self.words) = (name, text, words)
    }
  }

  private static let base64 = String(KeyVectors.ed25519.split(separator: " ")[1])

  static let bad = [
    Bad("nothing", "", "is empty", ".pub"), Bad("blanks", " \n\t\r\n", "is empty"),
    Bad(
      "one byte too many", "ssh-rsa \(String(repeating: "A", count: SSHPublicKey.limit - 7))", "has 16385 bytes",
      "16384"),
    Bad("a megabyte", String(repeating: "A", count: 1 << 20), "has 1048576 bytes"),
    Bad("a private key", KeyVectors.openSSHPrivate, "is a private key", "make a new pair"),
    Bad("its second line", String(KeyVectors.openSSHPrivate.split(separator: "\n")[1]), "is a private key"),
    Bad("a private key in PEM", "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n", "is a private key"),
    Bad("a private key in PKCS 8", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIE\n", "is a private key"),
    Bad("a private key of PuTTY", "PuTTY-User-Key-File-3: ssh-ed25519\n", "is a private key"),
    Bad("the form of RFC 4716", "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n", "ssh-keygen -i"),
    Bad("PEM", "-----BEGIN PUBLIC KEY-----\nMIIB\n", "not in OpenSSH's form"),
    Bad("two keys", "\(KeyVectors.ed25519)\n\(KeyVectors.ecdsa256)\n", "has 2 lines", "on one line"),
    Bad("a key broken in two", KeyVectors.ed25519.replacing("@", with: "\r\n"), "has 2 lines"),
    Bad("an escape in the comment", "\(KeyVectors.ed25519)\u{1B}[2J", "control character U+001B"),
    Bad("a NUL", "\(KeyVectors.ed25519)\0", "control character U+0000"),
    Bad("a C1 control", "\(KeyVectors.ed25519)\u{9B}x", "control character U+009B"),
    Bad("a tab in the comment", "\(KeyVectors.ed25519)\tx", "control character U+0009"),
    Bad("no key", "ssh-ed25519", "has no key behind its type"),
    Bad("no base64", "ssh-ed25519 anna@laptop", "malformed base64"),
    Bad("base64 without its padding", String(KeyVectors.ecdsa256.split(separator: "=")[0]), "malformed base64"),
    Bad(
      "base64 with stray bits", String(KeyVectors.dsa.dropLast(11)).replacing("ssh-dss", with: "ssh-rsa") + "d=",
      "malformed"),
    Bad("base64 of something else", "ssh-ed25519 aGVsbG8=", "is damaged"),
    Bad("a cut key", KeyVectors.cut, "is damaged"), Bad("a key and a byte", KeyVectors.longer, "is damaged"),
    Bad("another type in the blob", "ssh-rsa \(base64)", "says that it is ssh-rsa", "the key in it is ssh-ed25519"),
    Bad("DSA", KeyVectors.dsa, "is a DSA key", "ssh-keygen -t ed25519"),
    Bad("RSA of 1023 bits", KeyVectors.rsa1023, "is an RSA key of 1023 bits", "1024 to 16384"),
    Bad("RSA of 768 bits", KeyVectors.rsa768, "is an RSA key of 768 bits", "1024"),
    Bad("a negative modulus", KeyVectors.negative, "is damaged"),
    Bad("a modulus in two forms", KeyVectors.padded, "is damaged"),
    Bad("a short point", KeyVectors.short, "is an Ed25519 key of 248 bits", "256"),
    Bad("a compressed point", KeyVectors.compressed, "a point of 33 bytes on nistp256", "65"),
    Bad("another curve inside", KeyVectors.otherCurve, "is damaged"),
    Bad("options", "restrict,pty \(KeyVectors.ed25519)", "has options before its type"),
    Bad("options with blanks", #"command="echo hi",no-pty \#(KeyVectors.rsa2048)"#, "has options before its type"),
    Bad("a certificate", "ssh-ed25519-cert-v01@openssh.com \(base64)", "is a certificate"),
    Bad(
      "an unknown type", "ssh-ed448 \(base64)", #""ssh-ed448", which is no type of key"#, "ssh-ed25519",
      "ecdsa-sha2-nistp256"),
    Bad("a fingerprint", "SHA256:50sJEp9OThsSg54cfERni38pS14hzbJiSvm3yghJ1Ss", "no type of key"),
    Bad("protocol 1", "1024 65537 1234567 anna@laptop", "no type of key"),
    Bad("a name of a file", "/home/anna/.ssh/id_ed25519.pub", "no type of key"),
  ]

  @Test("what is no key is refused in one line, which says why and what would be", arguments: bad)
  func refuses(_ bad: Bad) throws {
    let fault = #expect(throws: SSHPublicKey.Fault.self) { try SSHPublicKey(reading: bad.text) }
    let message = fault?.message ?? ""
    #expect(message.hasPrefix("the SSH key ") && !message.contains("\n") && message.count < 400, "\(message)")
    for word in bad.words { #expect(message.contains(word), "\(message)") }
    #expect(!message.contains("b3BlbnNz") && !message.contains("MII"), "a private key is shown: \(message)")
  }

  @Test(
    "every byte of a key counts: one that is cut is refused, one that is changed is refused or another key"
  )
  func mutations() throws {
    for line in Self.good.map(\.line) {
      let key = try SSHPublicKey(reading: line)
      let words = line.split(separator: " ").map(String.init)
      for length in stride(from: 0, to: words[1].count, by: 4) {
        let cut = "\(words[0]) \(words[1].prefix(length)) x"
        #expect(throws: SSHPublicKey.Fault.self, "\(length) of \(words[0])") { try SSHPublicKey(reading: cut) }
      }
      var dice = SeededEntropy(seed: 7)
      let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
      for _ in 0..<300 {
        var letters = Array(words[1])
        letters[letters.indices.randomElement(using: &dice)!] = alphabet.randomElement(using: &dice)!
        guard let other = try? SSHPublicKey(reading: "\(words[0]) \(String(letters))") else { continue }
        #expect(other.kind == key.kind)
        #expect((other.blob == key.blob) == (String(letters) == words[1]))
      }
    }
  }
}
