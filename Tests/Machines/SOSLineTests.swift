import Machines
import Net
import Testing

@Suite("What is said on console.sock") struct SOSLineTests {
  @Test("lines are read, and what is none is not")
  func lines() {
    #expect(SOSLine("keys web1") == .keys(login: "web1"))
    #expect(
      SOSLine("console web1 ssh-ed25519 AAAA 192.0.2.7 40 120 xterm-256color")
        == .console(
          SOSCall(
            login: "web1", key: "ssh-ed25519 AAAA", from: "192.0.2.7", size: TerminalSize(rows: 40, columns: 120),
            terminal: "xterm-256color")))
    // No terminal; and a terminal's name that goes into an environment is a plain word.
    #expect(
      SOSLine("console web1 ssh-rsa AAAA ::1 0 0 ../x")
        == .console(SOSCall(login: "web1", key: "ssh-rsa AAAA", from: "::1", size: nil, terminal: "vt100")))
    for line in [
      "", "keys", "keys ", "keys a b", "console web1", "console  ssh-rsa AAAA ::1 0 0 vt100",
      "console web1 ssh-rsa AAAA ::1 x 0 vt100", "console web1 ssh-rsa AAAA ::1 0 0 vt100 more", "shell web1",
    ] { #expect(SOSLine(line) == nil, "\(line)") }
  }

  @Test("frames are the same however they come in pieces; what is no frame ends it", arguments: [1, 2, 3] as [UInt64])
  func frames(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var wanted: [SOSFrameReader.Frame] = []
    var bytes: [UInt8] = []
    for _ in 0..<50 {
      if Bool.random(using: &random) {
        let keys = (0..<Int.random(in: 0...600, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        bytes += [0, UInt8(keys.count >> 8), UInt8(keys.count & 0xFF)] + keys
        wanted.append(.keys(keys))
      } else {
        bytes += [1, 0, 4, 0, 40, 0, 120]
        wanted.append(.window(TerminalSize(rows: 40, columns: 120)))
      }
    }
    var (reader, found) = (SOSFrameReader(), [SOSFrameReader.Frame]())
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = rest.prefix(Int.random(in: 1...200, using: &random))
      found += reader.read(piece) ?? []
      rest = rest.dropFirst(piece.count)
    }
    #expect(found == wanted)
    #expect(reader.read([1, 0, 3, 0, 0, 0]) == nil, "a window of three bytes")
    var other = SOSFrameReader()
    #expect(other.read([7, 0, 0]) == nil)
    var third = SOSFrameReader()
    #expect(third.read([1, 0, 4, 0, 0, 0, 80]) == [.window(nil)], "no terminal has no rows")
  }

  @Test("output is cut where a frame ends, and the end says why")
  func output() {
    let bytes = [UInt8](repeating: 7, count: 0x1_0001)
    let frames = SOSFrame.output(bytes)
    #expect(frames.count == bytes.count + 6 && Array(frames[0..<3]) == [0, 0xFF, 0xFF])
    #expect(Array(frames[(3 + 0xFFFF)...]) == [0, 0, 2, 7, 7])
    #expect(SOSFrame.output([]).isEmpty && SOSFrame.end(nil) == [1, 0, 0])
    #expect(SOSFrame.end("gone") == [1, 0, 4] + Array("gone".utf8))
  }
}
