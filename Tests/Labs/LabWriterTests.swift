import Labs
import Rack
import Testing

@Suite("Writing lab files") struct LabWriterTests {
  @Test("what is written is read as the same file", arguments: 1...300)
  func sameAgain(_ seed: Int) throws {
    var lab = RandomFile(seed: seed)
    let file = lab.file()
    let text = LabWriter.yaml(file, schema: "https://example.org/lab.json")
    switch LabReader.read(text) {
    case .success(let (again, _)): #expect(again == file, "seed \(seed):\n\(text)")
    case .failure(let faults): Issue.record("seed \(seed): \(faults)\n\(text)")
    }
    #expect(text.split(separator: "\n").first == "# yaml-language-server: $schema=https://example.org/lab.json")
  }

  @Test("keys in order, small things in one line, neighbours as a range, texts as blocks")
  func example() throws {
    var file = try LabReading.file(LabReading.example)
    file.servers[2].value.userdata = "#!/bin/sh\n\necho ä\n"
    file.servers[2].value.description = "no: 5"
    file.checks += ["web1", "web2"].map { LabCheck(.link(server: $0, nic: .eth1)) }
    #expect(
      LabWriter.yaml(file) == """
        lab: shop
        defaults: {facility: ewr1, plan: c3.small.x86, project: shop}
        networks:
          web: {vxlan: 1001}
          db: {vxlan: 1002, description: back end}
        servers:
          web[1-2]: {mode: hybrid, ports: {eth1: [web]}}
          fw1:
            mode: layer2-bonded
            description: "no: 5"
            userdata: |
              #!/bin/sh

              echo ä
            place: netns
            nics: {eth0: eth1, eth1: eth2}
            ports: {bond0: {networks: [web, db], native: web}}
          db1:
            mode: layer2-individual
            ports: {eth0: [db], eth1: []}
            vm: {kernel: /labs/k, initrd: /labs/i, memory: 256M}
        addresses:
          front: {size: 29, server: web1}
        checks:
          - {from: web1, ping: 10.0.1.2, within: 10s}
          - {server: fw1, lacp: both, within: 10s}
          - {server: "web[1-2]", link: eth1}

        """)
  }

  @Test("an empty lab")
  func empty() { #expect(LabWriter.yaml(LabFile(name: "a")) == "lab: a\n") }

  @Test(
    "which names are a range",
    arguments: [
      (["web1", "web2", "web3"], ["web[1-3]"]), (["web1", "web3"], ["web1", "web3"]), (["w9", "w10"], ["w[9-10]"]),
      (["w09", "w10"], ["w[09-10]"]), (["w09", "w010"], ["w09", "w010"]), (["w99", "w100"], ["w[99-100]"]),
      (["w099", "w100"], ["w[099-100]"]), (["1", "2"], ["\"[1-2]\""]), (["a", "b"], ["a", "b"]),
      (["w2", "w1"], ["w2", "w1"]),
      (["w0", "w1"], ["w[0-1]"]), (["w999999999", "w1000000000"], ["w999999999", "w1000000000"]),
      (["w00", "w01"], ["w[00-01]"]),
    ])
  func ranges(_ names: [String], _ written: [String]) {
    let text = LabWriter.yaml(LabFile(name: "a", servers: names.map { LabEntry($0, LabServer()) }))
    #expect(text == "lab: a\nservers:\n" + written.map { "  \($0): {}\n" }.joined())
  }

  @Test("a range has up to 1000 servers")
  func long() throws {
    let file = LabFile(name: "a", servers: (1...2500).map { LabEntry("w\($0)", LabServer()) })
    let text = LabWriter.yaml(file)
    #expect(text == "lab: a\nservers:\n  w[1-1000]: {}\n  w[1001-2000]: {}\n  w[2001-2500]: {}\n")
    #expect(try LabReading.file(text) == file)
  }
}
