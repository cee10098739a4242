import Testing

/// A text, and all that is wrong with it.
struct LabFaultVector: Sendable, CustomTestStringConvertible {
  let name: String
  let text: String
  let faults: [String]
  var testDescription: String { name }

  init(_ name: String, _ text: String, _ faults: String...) {
    (self.name, self.text, self.faults) = (name, text, faults)
  }

  /// Of what is no YAML, or more than a file may be.
  static let yaml = [
    LabFaultVector("nothing", "", "1:1: the file is empty; it begins with lab: and a name"),
    LabFaultVector("a comment", "# lab\n", "1:1: the file is empty; it begins with lab: and a name"),
    LabFaultVector(
      "a list", "- a\n", "1:1: a file is made of keys with values, and this is a list; it begins with lab: and a name"),
    LabFaultVector("a tab", "lab: a\nservers:\n\tweb1: {}\n", "3:1: a tab stands here; YAML is indented by spaces"),
    LabFaultVector(
      "a bracket", "lab: a\nservers: {web1: {tags: [a}}\n",
      "2:26: not YAML: did not find expected ',' or ']' while parsing a flow sequence"),
    LabFaultVector(
      "a range in braces", "lab: a\nservers: {w: }\nchecks: [{from: w[1-2], ping: 10.0.0.1}]\n",
      #"3:18: [ begins a list here; inside of { } a range stands in quotes, as "web[1-3]""#),
    LabFaultVector("two documents", "lab: a\n---\nlab: b\n", "2:1: a second document begins here; a file has one"),
    LabFaultVector(
      "a NUL", "lab: ä\u{0}\n",
      #"1:7: the character U+0000 is invisible; valid is an escape of it in double quotes, as "\x1B" or "\u202E""#),
    LabFaultVector(
      "a direction", "lab: a\nproject: \u{202E}b\n",
      #"2:10: the character U+202E is invisible; valid is an escape of it in double quotes, as "\x1B" or "\u202E""#),
    LabFaultVector(
      "an unknown alias", "lab: a\nnetworks: {n: &net {}, m: *nat}\n",
      #"2:27: the anchor "nat" is not known; the nearest is "net""#),
    LabFaultVector(
      "an alias of itself", "lab: a\nnetworks: {n: &n {tags: *n}}\n",
      #"2:25: the anchor "n" is not known; there is none"#),
    LabFaultVector(
      "a tag", "lab: !!int 5\n", #"1:6: the tag "tag:yaml.org,2002:int" is not known; a file has no tags"#),
    LabFaultVector("a key that is a map", "lab: a\n? {a: b}\n: c\n", "2:3: a key is a word, and this one is none"),
    LabFaultVector("a key that is an alias", "lab: &a a\n*a : c\n", "2:1: a key is a word, and this one is an alias"),
    LabFaultVector(
      "a merge of a word", "lab: a\n<<: b\n",
      #"2:1: << takes over the keys of an alias, or of a list of them, and stands before "b""#),
    LabFaultVector(
      "keys twice, and another fault",
      """
      lab: a
      servers:
        web1: {mtu: 1400, mtu: 1500}
        "web2": {mode: hybird}
        web2: {}
      lab: b
      """,
      #"3:21: key "mtu" stands here again; it stands in line 3"#,
      #"4:18: unknown mode "hybird"; the nearest is "hybrid"; valid are layer3, hybrid, layer2-bonded and layer2-individual"#,
      #"5:3: key "web2" stands here again; it stands in line 4"#,
      #"6:1: key "lab" stands here again; it stands in line 1"#),
  ]

  /// Of keys and values.
  static let values = [
    LabFaultVector(
      "no lab", "servers: {}\n",
      #"1:1: a lab file has no key lab, which it needs: 1 to 32 of a-z, 0-9 and "-""#),
    LabFaultVector(
      "a lab's name", "lab: My Lab\n", #"1:6: lab name "My Lab" is not valid; valid is 1 to 32 of a-z, 0-9 and "-""#),
    LabFaultVector("no name", "lab:\n", #"1:5: lab has no value; valid is 1 to 32 of a-z, 0-9 and "-""#),
    LabFaultVector(
      "unknown keys", "lab: a\nserver: {}\nzzzzzzz: 1\nservers: {w: {mdoe: x}}\n",
      #"2:1: unknown key "server" in a lab file; the nearest is "servers""#,
      #"3:1: unknown key "zzzzzzz" in a lab file; valid are lab, project, defaults, networks, servers, addresses and checks"#,
      #"4:15: unknown key "mdoe" in server "w"; the nearest is "mode""#),
    LabFaultVector(
      "columns are characters", "lab: a\nnetworks: {n: {description: ä👩‍💻e\u{301}, vxlan: 1}}\n",
      "2:41: vxlan 1 is out of range; valid are 2 to 3999"),
    LabFaultVector(
      "VLAN numbers",
      "lab: a\nnetworks: {a: {vxlan: 4095}, b: {vxlan: 1}, c: {vxlan: 0}, d: {vxlan: 012}, e: {vxlan: 0x10}}\n",
      "2:23: vxlan 4095 is out of range; valid are 2 to 3999", "2:41: vxlan 1 is out of range; valid are 2 to 3999",
      "2:56: vxlan 0 is out of range; valid are 2 to 3999",
      #"2:71: vxlan "012" is not valid; valid is a number, 2 to 3999"#,
      #"2:88: vxlan "0x10" is not valid; valid is a number, 2 to 3999"#),
    LabFaultVector(
      "numbers",
      "lab: a\nnetworks: {a: {vxlan: \"7\"}, b: {vxlan: [7]}, c: {vxlan: 1e3}, d: {vxlan: 99999999999999999999}}\n",
      #"2:23: vxlan "7" is not valid; valid is a number, 2 to 3999"#,
      "2:40: vxlan is a list; valid is a number, 2 to 3999",
      #"2:57: vxlan "1e3" is not valid; valid is a number, 2 to 3999"#,
      #"2:74: vxlan "99999999999999999999" is not valid; valid is a number, 2 to 3999"#),
    LabFaultVector(
      "truth values", "lab: a\nservers: {w: {configure: yes}}\n",
      #"2:26: configure "yes" is not valid; valid is true or false"#),
    LabFaultVector(
      "names of networks", "lab: a\nnetworks: {-a: {}, \"a b\": {}}\n",
      #"2:12: network name "-a" is not valid; valid is 1 to 63 letters, digits, "-", "_" and ".", the first a letter or digit"#,
      #"2:20: network name "a b" is not valid; valid is 1 to 63 letters, digits, "-", "_" and ".", the first a letter or digit"#
    ),
    LabFaultVector(
      "hostnames", "lab: a\nservers: {a_b: {}}\n",
      #"2:11: hostname "a_b" is not valid; valid are 1 to 63 letters, digits, "-" and ".", no part of it empty or beginning or ending with "-""#
    ),
    LabFaultVector(
      "ranges", "lab: a\nservers:\n  w[3-1]:\n  w[1-10000]:\n  w[01-100]:\n  w[1]:\n  w[a-b]:\n  w[1-2][3-4]:\n",
      #"3:3: range "w[3-1]" begins with more than it ends with; valid is a range as web[1-50] or web[01-12]"#,
      #"4:3: range "w[1-10000]" has 10000 servers; valid are up to 1000 in one range"#,
      #"5:3: range "w[01-100]" has numbers of different lengths, of which one begins with 0; valid is a range as web[1-50] or web[01-12]"#,
      #"6:3: "w[1]" is not valid; valid is a range as web[1-50] or web[01-12]"#,
      #"7:3: "w[a-b]" is not valid; valid is a range as web[1-50] or web[01-12]"#,
      #"8:3: "w[1-2][3-4]" is not valid; valid is a range as web[1-50] or web[01-12]"#),
    LabFaultVector(
      "shapes", "lab: a\ndefaults: [x]\nnetworks: 5\nservers: {w: x, v: {ports: {eth0: 7}}}\nchecks: {}\n",
      "2:11: defaults is a list; valid are the keys facility, plan, place, project and os",
      #"3:11: networks is "5"; valid are names with their keys, as NAME: {…}"#,
      #"4:14: server "w" is "x"; valid are the keys plan, facility, mode, os, description, tags, userdata, mtu, place, nics, configure, ports, links and vm"#,
      #"4:35: eth0 is "7"; valid is a list of networks, or networks and native"#,
      "5:9: checks is keys with values; valid is a list, as [a, b]"),
    LabFaultVector(
      "words of the catalogue",
      "lab: a\ndefaults: {facility: ewr, plan: c3.smal.x86, os: debian_13}\nnetworks: {n: {metro: nyc}}\n",
      #"2:22: unknown facility "ewr"; the nearest is "ewr1"; valid are ewr1, sjc1, dfw2, ams1, fra2, nrt1, sin3, syd2, ny5, sv15, dc13, da11 and am6"#,
      #"2:33: unknown plan "c3.smal.x86"; the nearest is "c3.small.x86"; valid are \#(plans)"#,
      #"2:50: unknown os "debian_13"; the nearest is "debian_12"; valid are \#(systems)"#,
      #"3:23: unknown metro "nyc"; the nearest is "ny"; valid are ny, sv, da, am, fr, ty, sg, sy and dc"#),
    LabFaultVector(
      "hybrid-bonded", "lab: a\nservers: {w: {mode: hybrid-bonded}}\n",
      "2:21: mode hybrid-bonded is layer3 with a network on bond0; write mode: layer3 and ports: {bond0: [NETWORK]}"),
    LabFaultVector(
      "sizes and times",
      "lab: a\nservers: {w: {vm: {disk: d, memory: 512, cpus: 0, restart: always}}}\nchecks: [{server: w, link: eth0, within: 5}]\n",
      #"2:37: memory "512" is not valid; valid is a whole number and a unit, at least 64M, as 512M or 2G"#,
      "2:48: cpus 0 is out of range; valid are 1 to 256",
      #"2:60: unknown restart "always"; valid are no and on-failure"#,
      #"3:42: within "5" is not valid; valid is a whole number and a unit, up to an hour, as 500ms, 5s or 2m"#),
    LabFaultVector(
      "places", "lab: a\nservers: {w: {place: nets}, v: {place: \"netns:\"}, u: {place: netns:a/b}}\n",
      #"2:22: unknown place "nets"; the nearest is "netns"; valid are host, netns, netns:NAME and vm"#,
      #"2:40: place "netns:" is not valid; valid is host, netns, netns:NAME or vm"#,
      #"2:62: network namespace "a/b" is not valid; valid are 1 to 255 bytes without "/" and control characters, other than "." and "..""#
    ),
    LabFaultVector(
      "texts",
      "lab: a\nservers: {w: {description: \"a\\u202eb\", mtu: 900, nics: {eth0: lo}, vm: {kernel: k, append: \"a\\nb\"}}}\n",
      #"2:28: description "a\u{202e}b" is not valid; valid are up to 255 characters without controls"#,
      "2:45: mtu 900 is out of range; valid are 1280 to 9216",
      ##"2:63: interface name "lo" is not valid; valid are 1 to 15 letters, digits, "-", "_" and ".", not beginning with "-", other than lo, bond0, all, default, "." and "..""##,
      #"2:92: append "a\u{a}b" is not valid; valid is one line of at most 2048 bytes"#),
  ]

  private static let plans =
    "c3.small.x86, c3.medium.x86, c2.medium.x86, m2.xlarge.x86, m3.large.x86, m3.small.x86, n2.xlarge.x86, "
    + "s3.xlarge.x86, m1.xlarge.x86, c1.xlarge.x86, s1.large.x86, c1.large.arm, t1.small.x86, c1.small.x86 and x1.small.x86"
  private static let systems =
    "debian_12, debian_11, ubuntu_24_04, ubuntu_22_04, ubuntu_20_04, rocky_9, alpine_3 and custom_ipxe"

  /// Of what takes more than one key to see.
  static let rules = [
    LabFaultVector(
      "projects", "lab: a\nproject: x\ndefaults: {project: y}\n",
      #"3:21: project is "y" here and "x" outside of defaults; a lab is in one project"#),
    LabFaultVector(
      "facility and metro", "lab: a\nnetworks: {n: {facility: ewr1, metro: ny}}\n",
      "2:32: facility and metro are given; a network reaches one of them"),
    LabFaultVector(
      "a VLAN twice",
      "lab: a\nnetworks: {n: {vxlan: 7}, m: {vxlan: 7, facility: ewr1}, o: {vxlan: 7, metro: ny}, p: {vxlan: 7, metro: ny}}\n",
      #"2:38: network "n" has vxlan 7 in facility ewr1 already; each network of a place has its own"#,
      #"2:95: network "o" has vxlan 7 in metro ny already; each network of a place has its own"#),
    LabFaultVector(
      "ranges that overlap", "lab: a\nservers:\n  w[1-3]:\n  w[3-4]:\n  W2:\n",
      "4:3: w[3-4] and w[1-3] both have w3; a server is in one range",
      "5:3: W2 and w2 differ in upper and lower case only; hostnames do not"),
    LabFaultVector(
      "too many servers",
      "lab: a\nservers:\n  a[1-1000]:\n  b[1-1000]:\n  c[1-1000]:\n  d[1-1000]:\n  e[1-1000]:\n  f1:\n",
      "8:3: there are more than 5000 servers; a rack holds up to 5000"),
    LabFaultVector(
      "ports of modes",
      """
      lab: a
      networks: {n: }
      servers:
        a: {mode: layer2-individual, ports: {bond0: [n]}}
        b: {mode: hybrid, ports: {eth0: [n], eth1: [n]}}
        c: {mode: layer3, ports: {eth0: [n], bond0: [n]}}
        d: {mode: layer2-bonded, ports: {eth1: []}}
        e: {ports: {eth1: [n]}}
      """,
      "4:40: port bond0 takes no networks in mode layer2-individual; valid are eth0 and eth1, or mode layer2-bonded",
      "5:29: port eth0 takes no networks in mode hybrid; valid is eth1, or mode layer2-individual",
      "6:29: port eth0 takes no networks in mode layer3; valid is bond0, where the facility offers hybrid-bonded",
      "7:36: port eth1 takes no networks in mode layer2-bonded; valid is bond0, or mode hybrid or layer2-individual"),
    LabFaultVector(
      "networks of ports",
      """
      lab: a
      networks: {web: {vxlan: 7}, db: , met: {vxlan: 7, metro: ny}}
      servers:
        a: {ports: {eth1: [wep, db, db]}}
        b: {ports: {bond0: {networks: [web, db], native: bd}, eth1: {networks: [web], native: web}}}
        c: {mode: layer3, ports: {bond0: {networks: [web, db], native: web}}}
        d: {ports: {eth1: [web, met], eth0: {native: web}}}
      """,
      #"4:22: network "wep" is not in this file; the nearest is "web""#,
      #"4:31: network "db" stands here twice; a port carries it once"#,
      #"5:52: native "bd" is not on this port; the nearest is "db""#,
      "5:89: native is chosen among two networks or more; a single one is untagged anyway",
      "6:66: in mode layer3 the networks on bond0 are tagged, and none can be native; leave it out",
      #"7:27: networks "web" and "met" both have vxlan 7; a port carries it once"#,
      "7:39: eth0 has no key networks, which it needs: a list, as [a, b]",
      #"7:48: native "web" is not on this port; there is none"#),
    LabFaultVector(
      "keys that do not go together",
      """
      lab: a
      defaults: {place: host}
      servers:
        a: {nics: {eth0: x}}
        b: {configure: true}
        c: {place: vm, configure: true}
        d: {vm: {disk: d, initrd: i, append: x}, place: netns, configure: true}
        e: {vm: {kernel: k, snapshot: true}}
        f: {vm: {memory: 1G}}
        g: {place: netns, nics: {eth0: eth1}}
        h: {place: netns:x}
        i[1-3]: {place: netns:x}
      """,
      "4:7: nics names interfaces inside a network namespace, and place is host; valid is place: netns, netns:NAME or vm",
      "5:18: configure sets up interfaces inside a network namespace, and place is host; valid is place: netns",
      "6:29: configure sets up interfaces inside a network namespace, and a machine (vm) sets up its own",
      "7:21: initrd is for a kernel, and vm has none", "7:32: append is for a kernel, and vm has none",
      "7:69: configure sets up interfaces inside a network namespace, and a machine (vm) sets up its own",
      "8:23: snapshot is for a disk, and vm has none", "9:7: vm has neither a disk nor a kernel; it boots one of them",
      #"10:21: interface name "eth1" is given to eth0 and to eth1; each needs a name of its own"#,
      #"12:19: servers h and i1 are both in the network namespace "x", which holds one"#),
    LabFaultVector(
      "blocks", "lab: a\nservers: {web1: }\naddresses: {f: {size: 28}, g: {size: 32, server: web11}, h: {}}\n",
      "3:23: size 28 is out of range; valid are 29 to 32",
      #"3:50: server "web11" is not in this file; the nearest is "web1""#,
      "3:61: address block \"h\" has no key size, which it needs: a number, 29 to 32"),
    LabFaultVector(
      "checks",
      """
      lab: a
      servers: {web1: , web2: }
      checks:
        - {from: web1}
        - {from: web1, ping: 10.0.0.1, deaf: 10.0.0.2}
        - {server: web1, ping: 10.0.0.1}
        - {lacp: both}
        - {from: "web[1-9]", ping: 10.0.0.1}
        - {from: web1, ping: web2}
        - {from: web1, tcp: 10.0.0.1}
        - {from: web1, http: https://a/}
        - {server: web1, link: bond0}
        - {server: web1, link: eth0, status: 200}
        - {from: web1, ping: 10.0.0.1, status: 99}
      """,
      "4:5: the check asks nothing; valid is one of ping, tcp, http, deaf, lacp and link",
      "5:34: the check asks ping and deaf; one asks one thing: make it two checks",
      "6:6: ping goes with from, not with server: from: web1",
      "7:5: lacp needs server, a server or a range of them",
      #"8:12: server "web3" is not in this file; the nearest is "web1""#,
      #"9:24: ping "web2" is not valid; valid is an IP address"#,
      #"10:23: tcp "10.0.0.1" is not valid; valid is an IP address and a port, as 10.0.1.2:80 or [fd00::1]:80"#,
      #"11:24: http "https://a/" is not valid; valid is a URL as http://10.0.1.2/, up to 1024 ASCII characters"#,
      #"12:26: unknown link "bond0"; valid are eth0 and eth1"#,
      "13:32: status goes with http, not with link",
      "14:42: status 99 is out of range; valid are 100 to 599"),
  ]
}
