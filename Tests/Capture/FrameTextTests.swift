import CPcap
import Foundation
import Testing

@testable import Capture

/// Frames of every kind that a line is made of, from `Frames/frames.hex`.
enum SampleFrames {
  static let all: [[UInt8]] = {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Frames/frames.hex")
    let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
      let digits = Array(line.utf8)
      return stride(from: 0, to: digits.count - 1, by: 2).map {
        UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16) ?? 0
      }
    }
  }()
}

@Suite("A frame in one line") struct FrameTextTests {
  /// What tcpdump says of frames, of each of which `kept` bytes are in the file.
  private func tcpdump(_ frames: [[UInt8]], kept: Int) throws -> [String] {
    let folder = FileManager.default.temporaryDirectory.appending(path: "toprack-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "frames.pcap").path
    func bytes(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    var content = bytes(0xA1B2_C3D4) + [2, 0, 4, 0] + bytes(0) + bytes(0) + bytes(262_144) + bytes(1)
    for frame in frames {
      let some = frame.prefix(kept)
      content += bytes(1) + bytes(0) + bytes(UInt32(some.count)) + bytes(UInt32(frame.count)) + some
    }
    try Data(content).write(to: URL(filePath: file))
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["tcpdump", "-nn", "-S", "-t", "-r", file]
    let output = Pipe()
    (process.standardOutput, process.standardError) = (output, FileHandle.nullDevice)
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    // Frames of a type that it does not know follow as numbers, indented.
    return text.split(separator: "\n").filter { !$0.hasPrefix("\t") }.map(String.init)
  }

  /// Without what the two differ in on purpose: spaces, tags, and where the missing begins.
  private func plain(_ line: String) -> String {
    var words = line.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
    while words.first == "vlan" { words.removeFirst(words[safe: 4] == "DEI," ? 5 : 4) }
    return words.joined(separator: " ").trimmingCharacters(in: [":", " "])
  }

  @Test("says what tcpdump says")
  func same() throws {
    let theirs = try tcpdump(SampleFrames.all, kept: .max)
    try #require(theirs.count == SampleFrames.all.count && !theirs.isEmpty)
    for (frame, their) in zip(SampleFrames.all, theirs) {
      let our = FrameText.summary(of: frame, length: frame.count)
      // Two printers of tcpdump say more of a message than its kind.
      let isMore = ["router advertisement", "listener query", "v3 report", "[|", "IP5"].contains { our.contains($0) }
      if !isMore { #expect(plain(our) == plain(their)) }
    }
  }

  @Test("of the first 96 bytes says what tcpdump says of them")
  func cut() throws {
    let theirs = try tcpdump(SampleFrames.all, kept: 96)
    try #require(theirs.count == SampleFrames.all.count)
    for (frame, their) in zip(SampleFrames.all, theirs) {
      let our = FrameText.summary(of: Array(frame.prefix(96)), length: frame.count)
      if our.contains("[|") {
        #expect(their.contains("[|"), "\(our)")
      } else if !their.contains("[|"),
        !["router advertisement", "listener query", "v3 report"].contains(where: our.contains)
      {
        #expect(plain(our) == plain(their))
      }
    }
  }

  @Test("a tag is shown, two are shown one after the other")
  func tags() {
    let addresses: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]
    #expect(
      FrameText.summary(of: addresses + [0x81, 0, 0xA3, 0xE9, 0x88, 9, 1, 1], length: 128)
        == "vlan 1001, p 5, LACPv1, length 110")
    #expect(
      FrameText.summary(of: addresses + [0x88, 0xA8, 0, 9, 0x81, 0, 0x10, 7, 0x88, 9, 2, 1], length: 130)
        == "vlan 9, p 0, vlan 7, p 0, DEI, MARKERv1, length 108")
  }

  @Test("every beginning of every frame has a line, and none traps")
  func beginnings() {
    for frame in SampleFrames.all {
      for count in 0...frame.count {
        let line = FrameText.summary(of: Array(frame.prefix(count)), length: frame.count)
        #expect(!line.isEmpty && !line.contains("\n"))
      }
    }
  }

  @Test("frames with bytes changed at random have a line, and it is text", arguments: [1 as UInt64, 2, 3])
  func changed(seed: UInt64) {
    var state = seed
    func next(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
    for _ in 0..<20_000 {
      var frame = SampleFrames.all[next(SampleFrames.all.count)]
      for _ in 0...next(4) where !frame.isEmpty { frame[next(frame.count)] = UInt8(next(256)) }
      let line = FrameText.summary(of: frame, length: frame.count)
      #expect(!line.isEmpty && line.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
    }
  }
}

extension Array {
  fileprivate subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
