// The words of a filter, before libpcap sees them.

import Glibc

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

  /// A word that is not taken.
  enum Fault { case loop, name(String) }

  /// What is wrong with the words of `expression`; nil: nothing.
  static func fault(in expression: String) -> Fault? {
    let words = words(of: expression)
    if words.contains("protochain") { return .loop }
    return names(in: words).first.map { .name($0) }
  }

  /// `expression` with an address where names stand: what libpcap says of it, it says of its form.
  static func form(of expression: String) -> String {
    let names = Set(names(in: words(of: expression)))
    var (form, word) = ("", "")
    for character in expression + " " {
      if isPart(character) {
        word.append(character)
      } else {
        form += names.contains(word) ? "192.0.2.1" : word
        form.append(character)
        word = ""
      }
    }
    return form
  }

  /// Names that libpcap would look up.
  private static func names(in words: [String]) -> [String] {
    var isService = false
    return words.filter { word in
      if services.contains(word) {
        isService = true
      } else if others.contains(word) {
        isService = false
      } else {
        return !joining.contains(word) && !isNumber(word) && !isService
      }
      return false
    }
  }

  private static func isPart(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber) || "._-:\\$".contains(character)
  }

  /// A backslash, which makes a name of a keyword, stays with its word.
  private static func words(of expression: String) -> [String] {
    expression.split {
      !isPart($0)
    }.map { $0.allSatisfy { $0 == "-" } ? "0" : String($0) }
  }

  /// Numbers and addresses of every kind, exactly as libpcap's scanner has them: what is longer is a name to it.
  private static func isNumber(_ word: String) -> Bool {
    let digits = word.drop { $0 == "-" }
    if digits.lowercased().hasPrefix("0x") { return digits.dropFirst(2).allSatisfy(\.isHexDigit) }
    if word.hasPrefix("$") { return word.count <= 3 && word.dropFirst().allSatisfy(\.isHexDigit) }
    let numbers = digits.split(separator: ".", omittingEmptySubsequences: false)
    if numbers.count <= 4, numbers.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isWholeNumber) }) { return true }
    if word.contains(":"), word.allSatisfy({ $0.isWholeNumber || $0 == ":" }) { return true }
    var address = in6_addr()
    if unsafe inet_pton(AF_INET6, word, &address) == 1 { return true }
    // MAC addresses: six pairs, or three times four digits.
    return [":", ".", "-"].contains { sign in
      let parts = word.split(separator: sign, omittingEmptySubsequences: false)
      guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isHexDigit) }) else { return false }
      return parts.count == 6 && parts.allSatisfy { $0.count <= 2 }
        || sign == "." && parts.count == 3 && parts.allSatisfy { $0.count == 4 }
    }
  }
}
