import Foundation
import Testing

extension Integration {
  @Suite("Settings of the daemon") struct SettingsTests {
    @Test("without io_uring frames, floods and super-frames cross as well, and status says so")
    func plainInputAndOutput() throws {
      let lab = try Lab(settings: "io: readwrite\n")
      #expect(try lab.toprack.json("status")["io"].string == "read/write")
      try lab.networks(100, 200)
      let a = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      let trunk = try lab.individual("t", 100, 200)
      for size in [14, 15, 60, 1_514] {
        let frame = Frame(to: .broadcast, from: a.eth0.mac, "", size: size)
        try a.eth0.send(frame)
        try b.eth0.expect(frame)
        if size >= 16 { try trunk.eth0.expect(frame.with(tags: [.c(100)])) }
      }
      let tagged = Frame(to: b.eth0.mac, from: trunk.eth0.mac, tags: [.c(100, priority: 2)], "tagged", size: 800)
      try trunk.eth0.send(tagged)
      try b.eth0.expect(tagged.with(tags: []))
      try a.namespace.run("ip", "address", "add", "10.9.0.1/24", "dev", "eth0")
      try b.namespace.run("ip", "address", "add", "10.9.0.2/24", "dev", "eth0")
      let stream = try TCPStream.measure(from: a.namespace, to: "10.9.0.2", in: b.namespace, for: .seconds(1))
      print("TCP with plain reads and writes: \((stream.gigabitsPerSecond * 100).rounded() / 100) Gbit/s")
      #expect(stream.gigabitsPerSecond > 0)
    }

    @Test("a flood of forged sources from one port displaces its own stations, not those of another port")
    func stationLimit() throws {
      let lab = try Lab(settings: "station-limit: 256\nstation-limit-per-port: 64\n")
      try lab.networks(100)
      let quiet = try lab.individual("quiet", 100).eth0
      let noisy = try lab.individual("noisy", 100).eth0
      let listener = try lab.individual("listener", 100).eth0
      let hello = Frame(to: .broadcast, from: quiet.mac, "here I am")
      try quiet.send(hello)
      try listener.expect(hello)
      for number in 1...5_000 {
        // To a reserved station behind the listener, so that each frame has been seen when the next goes out.
        let frame = Frame(to: listener.mac, from: .station(number), "forged \(number)")
        try noisy.send(frame)
        #expect(try listener.next() == frame)
      }
      let stations = try lab.stations()
      #expect(stations["ewr1 100 \(quiet.mac)"] == "quiet eth0")
      #expect(stations.values.filter { $0 == "noisy eth0" }.count <= 64)
      #expect(try lab.toprack.json("status")["station_limit"].int ?? 0 <= 256)
      while try noisy.next(within: .zero) != nil {}
      let frame = Frame(to: quiet.mac, from: listener.mac, "to the quiet one alone")
      try listener.send(frame)
      while let arrived = try quiet.next() {
        if arrived == frame { break }
      }
      try noisy.expectNothing(sentinelFrom: listener)
    }

    @Test(
      "a wrong setting stops the start with exit status 2 and a line that names file and setting",
      arguments: [
        ("station-limit: many", "station-limit"), ("storm-limit: -1", "storm-limit must be a whole number from 0"),
        ("storm-limit: much", "storm-limit must be a whole number from 0"), ("stations: 5", "stations"),
        ("io: magic", "io"),
        ("placement: x", "placement must be own ("),
        ("quota-servers: 0", "quota-servers must be a whole number from 1 to 5000"),
        ("quota-networks: -1", "quota-networks must be"), ("quota-addresses: 40000", "from 1 to 32768"),
        ("quota-text: 0", "quota-text must be a whole number from 1 to 1024"),
        ("quota-ssh-keys: 257", "quota-ssh-keys must be a whole number from 1 to 256"),
        ("provisioning: later", "provisioning must be at-once"),
        ("sos-host: a b", "sos-host must be a host and perhaps a port"),
        ("log-level: loud", "log-level"), ("state: [", "YAML"),
        ("uplink: seventeen-letters", "uplink must be the name of an interface"),
        ("dns: [1.1.1.1, x]", "dns must be host"),
        (
          "pools:\n  ewr1:\n    public-ipv4: 127.0.0.0/8",
          "pools.ewr1.public-ipv4 must not have addresses of 127.0.0.0/8"
        ),
        ("pools:\n  lhr1:\n    public-ipv4: 203.0.113.0/24", "pools.lhr1.public-ipv4 is not a setting"),
        ("pools:\n  ewr1:\n    private-ipv4: 198.18.0.0/24", "198.18.0.0/19 overlaps pools.ewr1.private-ipv4"),
        ("uplink-ipv4: 10.64.0.0/24", "uplink-ipv4 10.64.0.0/24 overlaps pools.ewr1.private-ipv4"),
      ])
    func wrongSetting(_ text: String, _ says: String) throws {
      let directory = FileManager.default.temporaryDirectory.appendingPathComponent("toprack-settings-\(UUID())").path
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: directory) }
      let file = "\(directory)/toprackd.yaml"
      try text.write(toFile: file, atomically: true, encoding: .utf8)
      let finished = try run(
        [
          "\(Daemon.binaries)/toprackd", "--config", file, "--state", "\(directory)/state", "--socket",
          "\(directory)/s",
        ],
        limit: .seconds(10))
      #expect(finished.status == 2)
      #expect(finished.errors.contains(file), "\(finished.errors)")
      #expect(finished.errors.contains(says), "\(finished.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(directory)/state"), "nothing was made")
    }
  }
}
