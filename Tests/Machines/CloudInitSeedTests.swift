import Testing

@testable import Machines

@Suite("The seed of cloud-init") struct CloudInitSeedTests {
  private static let seed = CloudInitSeed(
    instance: "0e1b1a9c-0000-4000-8000-000000000001", hostname: "web1", keys: ["ssh-ed25519 AAAA me@laptop"],
    userdata: "#!/bin/sh\ntouch /tmp/x\n", network: "version: 2\n")

  private func text(_ name: String, _ seed: CloudInitSeed) -> String? {
    seed.files.first { $0.name == name }?.text
  }

  @Test("who the machine is, its keys, the user's data as it is, and its network")
  func files() {
    #expect(Self.seed.files.map(\.name) == ["meta-data", "user-data", "vendor-data", "network-config"])
    #expect(
      text("meta-data", Self.seed) == """
        instance-id: "0e1b1a9c-0000-4000-8000-000000000001"
        local-hostname: "web1"
        public-keys:
          - "ssh-ed25519 AAAA me@laptop"

        """)
    #expect(text("user-data", Self.seed) == "#!/bin/sh\ntouch /tmp/x\n")
    #expect(text("vendor-data", Self.seed)?.hasPrefix("#cloud-config\ndisable_root: false\n") == true)
    #expect(text("network-config", Self.seed) == "version: 2\n")
  }

  @Test("nothing to tell: no keys, no network, and user data that says nothing")
  func empty() {
    let seed = CloudInitSeed(instance: "i", hostname: "h", keys: [], userdata: "", network: nil)
    #expect(seed.files.map(\.name) == ["meta-data", "user-data", "vendor-data"])
    #expect(text("meta-data", seed) == "instance-id: \"i\"\nlocal-hostname: \"h\"\n")
    #expect(text("user-data", seed) == "#cloud-config\n{}\n")
  }

  @Test("a key's comment is text, whatever is in it")
  func quoting() {
    var seed = Self.seed
    seed.keys = ["ssh-rsa AAAA a\"b\\c: [x] #y\u{85}\u{2028}\u{1}é"]
    #expect(text("meta-data", seed)?.contains(#"  - "ssh-rsa AAAA a\"b\\c: [x] #y\u0085\u2028\u0001é""#) == true)
  }
}
