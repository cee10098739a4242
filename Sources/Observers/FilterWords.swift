// The words of a filter, before libpcap sees them.

/// What a filter must not ask of the daemon.
///
/// libpcap looks names up while it compiles: `host web1` asks the resolver, which can take seconds and tells others
/// what is asked for. So a name that stands for an address is refused. Names of ports and protocols are in files, and
/// stay. `protochain` makes a program with loops, whose length a frame decides.
///
/// Source: pcap-filter(7) and scanner.l of libpcap 1.10.
enum FilterWords {
  /// Behind these a name is one of a port or a protocol.
  private static let services: Set<String> = ["port", "portrange", "proto", "protochain"]
  /// These leave open what the next name is: `port http or https`.
  private static let joining: Set<String> = ["and", "or", "not"]
  private static let others: Set<String> = [
    "src", "dst", "link", "ether", "fddi", "tr", "wlan", "arp", "rarp", "ip", "sctp", "tcp", "udp", "icmp", "igmp",
    "igrp", "pim", "vrrp", "carp", "radio", "ip6", "icmp6", "ah", "esp", "atalk", "aarp", "decnet", "lat", "sca",
    "moprc", "mopdl", "iso", "esis", "es-is", "isis", "is-is", "l1", "l2", "iih", "lsp", "snp", "csnp", "psnp", "clnp",
    "stp", "ipx", "netbeui", "host", "net", "mask", "gateway", "type", "subtype", "direction", "dir", "address1",
    "addr1", "address2", "addr2", "address3", "addr3", "address4", "addr4", "ra", "ta", "less", "greater", "byte",
    "broadcast", "multicast", "len", "length", "inbound", "outbound", "ifindex", "vlan", "mpls", "pppoed", "pppoes",
    "geneve", "on", "ifname", "rset", "rulenum", "rnr", "srnr", "rulesetname", "reason", "action", "llc", "pppoe",
    "icmptype", "icmpcode", "icmp-echoreply", "icmp-unreach", "icmp-sourcequench", "icmp-redirect", "icmp-echo",
    "icmp-routeradvert", "icmp-routersolicit", "icmp-timxceed", "icmp-paramprob", "icmp-tstamp", "icmp-tstampreply",
    "icmp-ireq", "icmp-ireqreply", "icmp-maskreq", "icmp-maskreply", "icmp6type", "icmp6code",
    "icmp6-destinationunreach", "icmp6-packettoobig", "icmp6-timeexceeded", "icmp6-parameterproblem", "icmp6-echo",
    "icmp6-echoreply", "icmp6-multicastlistenerquery", "icmp6-multicastlistenerreportv1",
    "icmp6-multicastlistenerdone", "icmp6-routersolicit", "icmp6-routeradvert", "icmp6-neighborsolicit",
    "icmp6-neighboradvert", "icmp6-redirect", "icmp6-routerrenum", "icmp6-nodeinformationquery",
    "icmp6-nodeinformationresponse", "icmp6-ineighbordiscoverysolicit", "icmp6-ineighbordiscoveryadvert",
    "icmp6-multicastlistenerreportv2", "icmp6-homeagentdiscoveryrequest", "icmp6-homeagentdiscoveryreply",
    "icmp6-mobileprefixsolicit", "icmp6-mobileprefixadvert", "icmp6-certpathsolicit", "icmp6-certpathadvert",
    "icmp6-multicastrouteradvert", "icmp6-multicastroutersolicit", "icmp6-multicastrouterterm", "tcpflags", "tcp-fin",
    "tcp-syn", "tcp-rst", "tcp-push", "tcp-ack", "tcp-urg", "tcp-ece", "tcp-cwr",
  ]

  /// What is wrong with the words of `expression`; nil: nothing.
  static func fault(in expression: String) -> String? {
    var isService = false
    for word in words(of: expression) {
      if word == "protochain" { return "protochain is not taken: its program has loops" }
      if services.contains(word) {
        isService = true
      } else if others.contains(word) {
        isService = false
      } else if !joining.contains(word), !isNumber(word), !isService {
        return "\(word) is a name, and names are not looked up; give the address"
      }
    }
    return nil
  }

  /// A backslash, which makes a name of a keyword, stays with its word.
  private static func words(of expression: String) -> [String] {
    expression.split { byte in
      !(byte.isASCII && (byte.isLetter || byte.isNumber) || "._-:\\$".contains(byte))
    }.map { $0.allSatisfy { $0 == "-" } ? "0" : String($0) }
  }

  /// Numbers, ranges of them, and addresses of every kind: what no name looks like.
  private static func isNumber(_ word: String) -> Bool {
    if word.hasPrefix("0x") || word.hasPrefix("0X") || word.hasPrefix("$") { return true }
    if word.contains(":") { return word.allSatisfy { $0.isHexDigit || ":.".contains($0) } }
    if word.allSatisfy({ $0.isNumber || ".-".contains($0) }) { return true }
    // A MAC address with other signs: six pairs, or three times four digits.
    let pairs = word.split(whereSeparator: { ".-".contains($0) })
    return pairs.allSatisfy { $0.allSatisfy(\.isHexDigit) }
      && (pairs.count == 6 && pairs.allSatisfy { $0.count <= 2 }
        || pairs.count == 3 && pairs.allSatisfy { $0.count == 4 })
  }
}
