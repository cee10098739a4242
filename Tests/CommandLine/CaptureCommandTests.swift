import Foundation
import Testing

@testable import toprack

@Suite("Captures on the command line") struct CaptureCommandTests {
  @Test("a frame is a line: time, port, direction or reason, tcpdump's words, remark")
  func line() throws {
    func line(_ more: String) throws -> String {
      let text = """
        {"time":"2026-11-28T03:12:04.123456789Z","server":"web1","nic":"eth0","direction":"in",\(more)}
        """
      return String(try CaptureText.line(Array(text.utf8)).dropFirst(15))
    }
    #expect(try line(#""reason":null,"summary":"ARP, x","remark":null"#) == " web1/eth0 in ARP, x")
    #expect(try line(#""reason":"no-vlan","summary":"ARP, x""#) == " web1/eth0 drop(no-vlan) ARP, x")
    #expect(
      try line(#""summary":"IP","remark":"super-frame: 2 segments of 9 bytes""#).hasSuffix(
        "IP [super-frame: 2 segments of 9 bytes]"))
    #expect(try CaptureText.line(Array(#"{"lost":7}"#.utf8)).hasPrefix("7 frames"))
  }

  @Test("the time is that of the day where we are")
  func clock() throws {
    let time = "2026-11-28T23:12:04.123456789Z"
    #expect(CaptureText.clock(time, try #require(TimeZone(secondsFromGMT: 0))) == "23:12:04.123456")
    #expect(CaptureText.clock(time, try #require(TimeZone(secondsFromGMT: 3_600))) == "00:12:04.123456")
    #expect(CaptureText.clock(time, try #require(TimeZone(secondsFromGMT: -7_200))) == "21:12:04.123456")
    #expect(CaptureText.clock("nonsense") == "nonsense")
  }

  @Test("of a file whole blocks are passed on, in whatever pieces they come", arguments: [1, 3, 7, 28, 1_000])
  func blocks(size: Int) throws {
    func block(_ type: UInt8, _ length: UInt8) -> [UInt8] {
      [type, 0, 0, 0, length, 0, 0, 0] + .init(repeating: 9, count: Int(length) - 12) + [length, 0, 0, 0]
    }
    let file = block(10, 28) + block(1, 20) + block(6, 40) + block(6, 32)
    let cutter = BlockCutter()
    var passed: [UInt8] = []
    var ends: Set<Int> = [28, 48, 88, 120]
    for start in stride(from: 0, to: file.count, by: size) {
      try cutter.take(file[start..<min(start + size, file.count)]) {
        passed += $0
        #expect([28, 48, 88, 120].contains(passed.count))
      }
    }
    ends.remove(passed.count)
    #expect(passed == file && cutter.frames == 2 && ends.count == 3)
    #expect(throws: Failure.self) { try BlockCutter().take([UInt8](repeating: 255, count: 20)[...]) { _ in } }
  }

  @Test("of lines those that are whole are passed on, without empty ones")
  func lines() throws {
    let cutter = LineCutter()
    var lines: [String] = []
    for piece in ["\n", "on", "e\ntwo\n", "\nthr", "ee\n", "rest"] {
      try cutter.take(ArraySlice(piece.utf8)) { lines.append(String(decoding: $0, as: UTF8.self)) }
    }
    #expect(lines == ["one", "two", "three"])
  }

  @Test(
    "interfaces of Wireshark's list stand for servers and ports",
    arguments: [
      ("toprack:*", [String]()), ("toprack:web1", ["web1"]), ("toprack:web1:eth0", ["web1:eth0"]),
      ("toprack:shop/web1:bond0", ["shop/web1:bond0"]), ("toprack:a:b/web1", ["a:b/web1"]),
    ])
  func target(_ interface: String, _ places: [String]) {
    #expect(ExtcapTarget(interface)?.places == places)
  }

  @Test("and nothing else is one", arguments: ["eth0", "toprack", "toprack0", "toprack:"])
  func noTarget(_ interface: String) { #expect(ExtcapTarget(interface) == nil) }

  @Test("the program by Wireshark's name for it is the command")
  func name() {
    #expect(
      ExtcapCommand.arguments(of: ["/usr/lib/x86_64-linux-gnu/wireshark/extcap/toprack-extcap", "--extcap-interfaces"])
        == ["extcap", "--extcap-interfaces"])
    #expect(ExtcapCommand.arguments(of: ["/usr/bin/toprack", "status"]) == ["status"])
  }

  @Test("what Wireshark asks is understood, with options of a Wireshark to come, and empty ones")
  func request() {
    let request = ExtcapRequest([
      "--capture", "--extcap-interface", "toprack:web1", "--fifo", "/tmp/f", "--extcap-capture-filter", "not arp",
      "--port", "eth1", "--dropped", "--snaplen", "128", "--url", "", "--new-thing", "x", "--whole=true",
    ])
    #expect(request.question == .capture && request.value("--fifo") == "/tmp/f" && request.value("--url") == nil)
    let query = request.query(ExtcapTarget("toprack:web1")!)
    #expect(query.places == ["web1:eth1"] && query.filter == "not arp" && query.isDropped && query.isWhole)
    #expect(query.snapLength == 128 && query.direction == nil)
    #expect(ExtcapRequest(["--extcap-interfaces", "--extcap-version=4.0"]).question == .interfaces)
    #expect(ExtcapRequest(["--extcap-config", "--extcap-interface", "x"]).question == .configuration)
    #expect(ExtcapRequest(["--extcap-capture-filter", "arp", "--extcap-interface", "x"]).question == .filter)
    #expect(ExtcapRequest([]).question == nil)
    #expect(request.query(ExtcapTarget("toprack:web1:eth0")!).places == ["web1:eth0"])
  }
}
