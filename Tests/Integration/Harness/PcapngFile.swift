import Foundation

/// A pcapng file as a test looks at it: its interfaces, and its frames with what stands beside them.
///
/// Read by the format's rules and nothing of ours; other readers (tshark, capinfos, scapy, tcpdump) are asked beside it.
struct PcapngFile {
  struct Frame: Equatable {
    var interface: String
    var isInbound: Bool
    var comments: [String]
    var length: Int
    var bytes: [UInt8]
    var time: UInt64

    var seen: IntegrationFrame? { IntegrationFrame(bytes) }
  }

  private(set) var interfaces: [String] = []
  private(set) var descriptions: [String] = []
  private(set) var frames: [Frame] = []
  /// Frames of which the statistics at the end say that they were lost; nil: there are none.
  private(set) var lost: Int?

  init(_ data: Data) throws {
    let bytes = [UInt8](data)
    func number(_ at: Int, _ size: Int = 4) -> Int { (0..<size).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) } }
    func options(_ start: Int, _ end: Int) -> [(code: Int, value: ArraySlice<UInt8>)] {
      var (at, found): (Int, [(Int, ArraySlice<UInt8>)]) = (start, [])
      while at + 4 <= end {
        let (code, length) = (number(at, 2), number(at + 2, 2))
        if code == 0 { break }
        found.append((code, bytes[(at + 4)..<(at + 4 + length)]))
        at += 4 + (length + 3) / 4 * 4
      }
      return found
    }
    func texts(_ options: [(code: Int, value: ArraySlice<UInt8>)], _ code: Int) -> [String] {
      options.filter { $0.code == code }.map { String(decoding: $0.value, as: UTF8.self) }
    }
    var at = 0
    while at < bytes.count {
      guard at + 12 <= bytes.count, case let length = number(at + 4), at + length <= bytes.count,
        number(at + length - 4) == length
      else { throw HarnessError("the file ends inside a block, at \(at) of \(bytes.count) bytes") }
      let (body, end) = (at + 8, at + length - 4)
      switch number(at) {
      case 1:
        let found = options(body + 8, end)
        interfaces.append(texts(found, 2).first ?? "")
        descriptions.append(texts(found, 3).first ?? "")
      case 5:
        let count = options(body + 12, end).first { $0.code == 5 }.map {
          $0.value.reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        lost = (lost ?? 0) + (count ?? 0)
      case 6:
        let kept = number(body + 12)
        let found = options(body + 20 + (kept + 3) / 4 * 4, end)
        let flags = found.first { $0.code == 2 }?.value.first ?? 0
        frames.append(
          Frame(
            interface: interfaces[number(body)], isInbound: flags & 3 == 1, comments: texts(found, 1),
            length: number(body + 16), bytes: Array(bytes[(body + 20)..<(body + 20 + kept)]),
            time: UInt64(number(body + 4)) << 32 | UInt64(number(body + 8))))
      default: break
      }
      at += length
    }
  }
}

/// A frame of the harness; a capture has frames of its own.
typealias IntegrationFrame = Frame

/// `toprack capture -w`, while it runs.
final class RunningCapture {
  let file: String
  private let process: ChildProcess

  /// Returns when the capture is in force: its interfaces are in the file.
  init(in lab: Lab, _ arguments: [String], command: [String]? = nil) throws {
    file = "\(lab.daemon.directory)/\(UUID().uuidString).pcapng"
    let tool = command ?? ["\(Daemon.binaries)/toprack", "--socket", lab.daemon.socket]
    let process = try ChildProcess(tool + ["capture", "-w", file] + arguments)
    self.process = process
    let file = file
    guard try lab.poll(until: { process.hasExited || ((try? Data(contentsOf: URL(filePath: file)))?.count ?? 0) > 28 })
    else {
      throw HarnessError("the capture did not begin")
    }
    if process.hasExited {
      throw HarnessError("the capture ended: \(String(decoding: process.standardError, as: UTF8.self))")
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: file) }

  var soFar: Int { (try? Data(contentsOf: URL(filePath: file)).count) ?? 0 }
  func signal(_ number: Int32) { process.signal(number) }

  /// Waits for its end, which is good, and reads what it has written.
  func end(after number: Int32? = SIGINT) throws -> PcapngFile {
    if let number { process.signal(number) }
    guard let status = process.wait(until: .after(.seconds(30))) else { throw HarnessError("the capture did not end") }
    guard status == 0 else {
      throw HarnessError("the capture ended with \(status): \(String(decoding: process.standardError, as: UTF8.self))")
    }
    return try PcapngFile(Data(contentsOf: URL(filePath: file)))
  }
}
