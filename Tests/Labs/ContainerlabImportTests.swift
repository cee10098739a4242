import Labs
import Rack
import Testing

@Suite("Labs from containerlab") struct ContainerlabImportTests {
  @Test("two nodes and a link, as most topologies begin")
  func pair() throws {
    let (file, notes) = try ContainerlabImport.read(
      """
      name: pair
      topology:
        nodes:
          srl: {kind: nokia_srlinux, image: srlinux:latest, startup-config: srl.cfg}
          ceos: {kind: arista_ceos, image: ceos:4}
        links:
          - endpoints: ["srl:e1-1", "ceos:eth1"]
      """
    ).get()
    #expect(
      file
        == LabFile(
          name: "pair", networks: [LabEntry("srl-ceos", LabNetwork())],
          servers: [
            LabEntry(
              "srl",
              LabServer(
                mode: .layer2Individual, place: .namespace("clab-pair-srl"),
                nics: LabNICNames(eth0: "e1-1", eth1: "eth1"),
                ports: [.eth0: LabPort(networks: ["srl-ceos"])])),
            LabEntry(
              "ceos",
              LabServer(
                mode: .layer2Individual, place: .namespace("clab-pair-ceos"),
                nics: LabNICNames(eth0: "eth1", eth1: "eth2"),
                ports: [.eth0: LabPort(networks: ["srl-ceos"])])),
          ]))
    #expect(
      notes == [
        "node srl: not carried over: kind, image, startup-config", "node ceos: not carried over: kind, image",
        "interfaces of the links are made by Toprack: take links out of the topology before 'containerlab deploy', or "
          + "their names are taken",
      ])
    #expect(try LabReading.file(LabWriter.yaml(file)) == file)
  }

  @Test("a ring with the long form, parallel links, kinds, groups, a management network and odd names")
  func ring() throws {
    let (file, notes) = try ContainerlabImport.read(
      """
      name: My_Ring
      prefix: __lab-name
      mgmt: {network: custom, ipv4-subnet: 172.100.100.0/24}
      topology:
        defaults: {kind: linux}
        kinds: {linux: {image: alpine}}
        groups: {hosts: {binds: [a]}}
        nodes:
          r_1: {exec: [ip a]}
          r2:
          lone: {group: hosts}
        links:
          - type: veth
            mtu: 1500
            endpoints:
              - {node: r_1, interface: ethernet-1/1, mac: "02:00:00:00:00:01"}
              - {node: r2, interface: eth1}
          - endpoints: ["r2:eth2", "r_1:eth2"]
      """
    ).get()
    #expect(file.name == "my-ring")
    #expect(file.networks.map(\.name) == ["r-1-r2", "r2-r-1"])
    #expect(file.servers.map(\.name) == ["r-1", "r2", "lone"])
    #expect(
      file.servers.map(\.value.place) == [
        .namespace("My_Ring-r_1"), .namespace("My_Ring-r2"), .namespace("My_Ring-lone"),
      ])
    #expect(file.servers[0].value.nics == LabNICNames(eth0: "eth1", eth1: "eth2"))
    #expect(
      file.servers[1].value.ports == [.eth0: LabPort(networks: ["r-1-r2"]), .eth1: LabPort(networks: ["r2-r-1"])])
    #expect(
      notes.dropLast() == [
        "the lab is called my-ring: \"My_Ring\" has other characters than a-z, 0-9 and -",
        "the file: not carried over: mgmt",
        "topology.kinds: what it says about images and configuration is left to containerlab",
        "topology.defaults: what it says about images and configuration is left to containerlab",
        "topology.groups: what it says about images and configuration is left to containerlab",
        "node r_1 is server r-1", "node r_1: not carried over: exec", "link 1: not carried over: mtu",
        "link 1, endpoint r_1: not carried over: mac", "interface ethernet-1/1 of node r_1 is called eth1",
        "node lone has no links: its server is in no network",
      ])
  }

  @Test("what leaves the lab is named and left out")
  func outside() throws {
    let (file, notes) = try ContainerlabImport.read(
      """
      name: out
      prefix: ""
      topology:
        nodes:
          a: {kind: linux}
          b: {kind: linux}
          br0: {kind: bridge}
        links:
          - endpoints: ["a:eth1", "b:eth1"]
          - endpoints: ["a:eth2", "host:a-eth2"]
          - endpoints: ["a:eth3", "mgmt-net:a-eth3"]
          - endpoints: ["b:eth2", "br0:eth1"]
          - endpoints: ["macvlan:enp0s3", "a:eth4"]
          - {type: vxlan, endpoint: {node: a, interface: eth5}, remote: 10.0.0.1, vni: 100}
          - {type: host, endpoint: {node: a, interface: eth6}, host-interface: x}
          - endpoints: ["a:eth7", "b:eth7"]
      """
    ).get()
    #expect(file.networks.map(\.name) == ["a-b", "a-b-2"])
    #expect(file.servers.map(\.value.place) == [.namespace("a"), .namespace("b")])
    #expect(file.servers[0].value.nics == LabNICNames(eth0: "eth1", eth1: "eth7"))
    #expect(
      notes.filter { $0.contains("link ") || $0.contains("br0") } == [
        "node br0 is of the kind bridge, which is no container: it is no server here",
        "link 2 goes to host:a-eth2, out of the lab: not carried over",
        "link 3 goes to mgmt-net:a-eth3, out of the lab: not carried over",
        "link 4 goes to br0, a bridge: not carried over",
        "link 5 goes to macvlan:enp0s3, out of the lab: not carried over",
        "link 6 is of the type vxlan, which leaves the lab: not carried over",
        "link 7 is of the type host, which leaves the lab: not carried over",
      ])
  }

  @Test("what cannot be is refused with its place")
  func faults() {
    func faults(_ text: String) -> [String] {
      switch ContainerlabImport.read(text) {
      case .success: []
      case .failure(let faults): faults.faults.map { "\($0.line):\($0.column): \($0.message)" }
      }
    }
    #expect(
      faults("lab: a\n") == ["1:1: this is no containerlab topology: it has no key topology with nodes in it"])
    #expect(
      faults(
        """
        name: spine
        topology:
          nodes: {s1: , l1: , l2: , l3: }
          links:
            - endpoints: [s1:eth1, l1:eth1]
            - endpoints: [s1:eth2, l2:eth1]
            - endpoints: [s1:eth3, l3:eth1]
            - endpoints: [s1:eth4, l4:eth1]
            - endpoints: [s1:eth5]
            - endpoints: [s1, l1:eth2]
        """) == [
          "3:11: node \"s1\" has 3 links, and a server has two NICs; valid are up to two",
          "8:28: link 4 names node \"l4\", which is not there; the nearest is \"l1\"",
          "9:7: link 5 has no two endpoints, as [\"a:eth1\", \"b:eth1\"]",
          "10:19: link 6 has an endpoint that is \"s1\"; valid is NODE:INTERFACE, or node and interface",
        ])
    #expect(faults("name: x\ntopology: {nodes: {a_b: , a-b: , \"ä\": }}\n").count == 2)
    #expect(faults(":").count == 1)
  }
}
