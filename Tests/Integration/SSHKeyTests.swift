import Foundation
import Testing

extension Integration {
  @Suite("SSH keys") struct SSHKeyTests {
    /// A lab with a key pair of each type in its directory, made by ssh-keygen.
    private struct Desk {
      let lab: Lab

      init(settings: String = "", _ types: [String] = ["ed25519"]) throws {
        lab = try Lab(settings: settings)
        for type in types {
          try runSuccessfully(["ssh-keygen", "-q", "-t", type, "-N", "", "-C", "anna@laptop", "-f", file(type)])
        }
      }

      func file(_ type: String) -> String { "\(lab.daemon.directory)/\(type)" }
      func text(_ type: String) throws -> String { try String(contentsOfFile: file(type) + ".pub", encoding: .utf8) }

      /// As ssh-keygen prints it.
      func fingerprint(_ type: String, _ hash: String) throws -> String {
        let words = try runSuccessfully(["ssh-keygen", "-l", "-E", hash, "-f", file(type) + ".pub"]).text.split(
          separator: " ")
        return String(words[1])
      }
    }

    @Test("keys of ssh-keygen are added from a file and from standard input, listed, shown, and removed")
    func commands() throws {
      let desk = try Desk(["ed25519", "rsa", "ecdsa"])
      let lab = desk.lab
      let said = try lab.toprack("ssh-key", "add", "laptop", desk.file("ed25519") + ".pub", "--tag", "a")
      let (md5, sha256) = (try desk.fingerprint("ed25519", "md5"), try desk.fingerprint("ed25519", "sha256"))
      #expect(said.contains("SSH key laptop added for servers of all projects") && said.contains(sha256))
      let piped = try run([
        "sh", "-c", "exec \"$0\" --socket \"$1\" ssh-key add ci - --project default < \"$2\"",
        "\(Daemon.binaries)/toprack", lab.daemon.socket, desk.file("rsa") + ".pub",
      ])
      #expect(piped.status == 0 && piped.text.contains("for servers of default"), "\(piped.errors)")

      let shown = try lab.toprack.json("ssh-key", "show", "laptop")
      #expect(shown["fingerprint"].string == String(md5.dropFirst("MD5:".count)))
      #expect(shown["toprack"]["sha256"].string == sha256 && shown["tags"] == .array([.string("a")]))
      #expect(shown["key"].string == (try desk.text("ed25519")))
      for name in [sha256, String(md5.dropFirst(4)), try #require(shown["id"].string)] {
        #expect(try lab.toprack("ssh-key", "show", name).contains("laptop"))
      }
      let listed = try lab.toprack("ssh-key", "list")
      for words in ["laptop  all", "ci      default", sha256, "ssh-rsa"] { #expect(listed.contains(words), "\(words)") }
      #expect(try lab.toprack.json("ssh-key", "list", "--project", "default").array?.count == 1)

      let again = try lab.toprack.attempt(["ssh-key", "add", "x", desk.file("ed25519") + ".pub"])
      #expect(again.status == 1 && again.errors.contains("the user has this SSH key already: \"laptop\""))
      try lab.toprack("ssh-key", "add", "ci", desk.file("ecdsa") + ".pub")
      let ambiguous = try lab.toprack.attempt(["ssh-key", "remove", "ci"])
      #expect(ambiguous.status == 1 && ambiguous.errors.contains("is the name of 2 SSH keys"), "\(ambiguous.errors)")
      try lab.toprack("ssh-key", "remove", "ci", "--project", "default")
      #expect(try lab.toprack("ssh-key", "remove", "laptop") == "SSH key laptop removed\n")
      #expect(try lab.toprack.attempt(["ssh-key", "show", "laptop"]).status == 1)
      #expect(try lab.toprack.json("ssh-key", "list").array?.count == 1)
      let events = try lab.toprack("events")
      #expect(events.contains("SSH key laptop of the user removed") && events.contains("SSH key ci added"))
      let verified = try lab.verify()
      #expect(verified.status == 0, "\(verified.text)")
    }

    @Test("a private key is not even sent; what is no key is refused in one line")
    func wrong() throws {
      let desk = try Desk()
      let secret = try desk.lab.toprack.attempt(["ssh-key", "add", "laptop", desk.file("ed25519")])
      #expect(secret.status == 1 && secret.errors.contains("was not sent anywhere"), "\(secret.errors)")
      let garbage = desk.file("garbage")
      for (text, words) in [
        ("", "is empty"), ("hello\n", "no type of key"), ("\(try desk.text("ed25519"))ssh-rsa x\n", "has 2 lines"),
        (String(repeating: "A", count: 1_000_000), "valid are up to 16384"),
        ("no-pty \(try desk.text("ed25519"))", "options"),
      ] {
        try text.write(toFile: garbage, atomically: true, encoding: .utf8)
        let refused = try desk.lab.toprack.attempt(["ssh-key", "add", "laptop", garbage])
        #expect(refused.status == 1 && refused.errors.contains(words), "\(refused.errors)")
        #expect(refused.errors.split(separator: "\n").count == 1)
      }
      #expect(try desk.lab.toprack.attempt(["ssh-key", "add", "x", "/nowhere.pub"]).errors.contains("/nowhere.pub"))
      #expect(try desk.lab.toprack.json("ssh-key", "list").array?.isEmpty == true)
    }

    @Test("a server is told its keys by the metadata service, in each form, and they outlive the daemon")
    func metadata() throws {
      let desk = try Desk(settings: "sos-host: \"console.{facility}.example.net:2222\"\n", ["ed25519", "rsa"])
      let lab = desk.lab
      try lab.toprack("ssh-key", "add", "laptop", desk.file("ed25519") + ".pub")
      try lab.toprack("ssh-key", "add", "ci", desk.file("rsa") + ".pub", "--project", "default")
      let server = try lab.routed("a")
      func ask(_ path: String) throws -> String {
        try server.namespace.attempt(
          ["curl", "-s", "-m", "5", "--noproxy", "*", "http://169.254.169.254\(path)"]
        ).text
      }
      func expect(_ types: [String], _ labels: [String]) throws {
        let lines = try types.map { String(try desk.text($0).dropLast()) }
        let document = try JSON(Data(ask("/metadata").utf8))
        #expect(document["ssh_keys"].array?.compactMap(\.string) == lines)
        #expect(document["crypted_root_password"].string?.hasPrefix("$6$") == true)
        #expect(try ask("/2009-04-04/meta-data/public-keys") == lines.joined(separator: "\n"))
        #expect(
          try ask("/latest/meta-data/public-keys/")
            == labels.enumerated().map { "\($0.offset)=\($0.element)" }.joined(separator: "\n"))
        for (number, line) in lines.enumerated() {
          #expect(try ask("/2009-04-04/meta-data/public-keys/\(number)/openssh-key") == line)
        }
      }
      try expect(["rsa", "ed25519"], ["ci", "laptop"])
      let device = try lab.toprack.json("server", "show", "a")
      let id = try #require(device["id"].string)
      #expect(device["sos"].string == "\(id)@console.ewr1.example.net:2222")
      #expect(device["ssh_keys"].array?.count == 2)
      let password = try #require(device["root_password"].string)

      lab.daemon.kill()
      try lab.daemon.start()
      try expect(["rsa", "ed25519"], ["ci", "laptop"])
      #expect(try lab.toprack.json("server", "show", "a")["root_password"].string == password)
      try lab.toprack("ssh-key", "remove", "ci")
      try expect(["ed25519"], ["laptop"])
      #expect(try lab.verify().status == 0)
    }

    @Test("a project's quota of keys ends where the settings say")
    func quota() throws {
      let desk = try Desk(settings: "quota-ssh-keys: 1\n", ["ed25519", "rsa"])
      try desk.lab.toprack("ssh-key", "add", "one", desk.file("ed25519") + ".pub", "--project", "default")
      let refused = try desk.lab.toprack.attempt(
        ["ssh-key", "add", "two", desk.file("rsa") + ".pub", "--project", "default"])
      #expect(refused.status == 1 && refused.errors.contains("quota-ssh-keys"), "\(refused.errors)")
      try desk.lab.toprack("ssh-key", "add", "two", desk.file("rsa") + ".pub")
    }
  }
}
