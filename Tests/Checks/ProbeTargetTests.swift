import Testing

@testable import Checks

@Suite("What can be asked about") struct ProbeTargetTests {
  @Test("an address is one host's, and is written anew in its shortest form")
  func addresses() throws {
    for (text, written) in [
      ("10.0.1.2", "10.0.1.2"), ("127.0.0.1", "127.0.0.1"), ("2001:DB8:0:0::2", "2001:db8::2"), ("::1", "::1"),
    ] {
      let address = try ProbeAddress(reading: text)
      #expect(address.description == written)
      #expect(address.isIPv6 == text.contains(":"))
    }
  }

  @Test(
    "what is no address of a host, and what a program might take for an option, is refused",
    arguments: [
      "", "-f", "--help", "10.0.1", "10.0.1.2/24", "10.0.1.256", "010.0.1.2", "10.0.1.2 -f", "10.0.1.2\n", "web2",
      "0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1", "fe80::1", "fe80::1%eth0", "2001:db8::g", "１0.0.1.2",
      "10.0.1.2\u{0}", String(repeating: "1", count: 1_000),
    ])
  func noAddress(_ text: String) {
    #expect(throws: ProbeFault.self) { try ProbeAddress(reading: text) }
  }

  @Test("a port stands behind a colon, and an IPv6 address in brackets")
  func ports() throws {
    for (text, written) in [("10.0.1.2:80", "10.0.1.2:80"), ("[2001:db8::2]:65535", "[2001:db8::2]:65535")] {
      #expect(try ProbePort(reading: text).description == written)
    }
    for text in [
      "10.0.1.2", "10.0.1.2:", "10.0.1.2:0", "10.0.1.2:65536", "10.0.1.2:-1", "10.0.1.2:+80", "10.0.1.2:80x",
      "2001:db8::2:80", "[10.0.1.2:80", "[]:80", ":80", "web2:80", "10.0.1.2:999999", "10.0.1.2:８0",
    ] {
      #expect(throws: ProbeFault.self, "\(text)") { try ProbePort(reading: text) }
    }
    #expect(throws: ProbeFault.self) { try ProbePort("10.0.1.2", 0) }
  }

  @Test("a URL is read into its parts")
  func urls() throws {
    for (text, written) in [
      ("http://10.0.1.2", "http://10.0.1.2:80/"), ("https://10.0.1.2/a?b=c#d", "https://10.0.1.2:443/a?b=c"),
      ("HTTP://10.0.1.2:8080?x", "http://10.0.1.2:8080/?x"), ("http://[2001:db8::2]/", "http://[2001:db8::2]:80/"),
      ("http://10.0.1.2:80/a@b", "http://10.0.1.2:80/a@b"),
    ] {
      #expect(try ProbeURL(reading: text).description == written)
    }
  }

  @Test(
    "a URL of another scheme, with a name, a user or anything invisible is refused",
    arguments: [
      "", "10.0.1.2", "ftp://10.0.1.2/", "file:///etc/passwd", "http://", "http:///x", "http://web2/",
      "http://localhost/", "http://me@10.0.1.2/", "http://10.0.1.2/a b", "http://10.0.1.2/\r\nHost: x",
      "http://10.0.1.2/ä", "http://2001:db8::2/", "http://10.0.1.2:0/", "-http://10.0.1.2/", "http://224.0.0.1/",
      "http://10.0.1.2/" + String(repeating: "a", count: 2_048),
    ])
  func noURL(_ text: String) {
    #expect(throws: ProbeFault.self) { try ProbeURL(reading: text) }
  }

  @Test("a fault is one short line, whatever was given")
  func faults() {
    for text in ["\u{1B}[2Jx", String(repeating: "x\n", count: 5_000)] {
      do {
        _ = try ProbeAddress(reading: text)
        Issue.record("\(text.count) characters are an address")
      } catch {
        #expect(error.message.utf8.count < 400 && !error.message.contains("\n") && !error.message.contains("\u{1B}"))
      }
    }
  }
}
