import Observers
import Switching

/// A capture as a pcapng file, in pieces.
///
/// ## How it works
/// `head` begins it, with all interfaces that there are; `blocks` adds frames, before them interfaces that are new;
/// `end` says how many there were. An interface has one block for as long as its name stays: names are how readers
/// tell them apart.
public struct CaptureFile {
  private let application: String
  private let filter: String?
  private let snapLength: Int
  private let source: CaptureSource
  private struct Block {
    var interface: CaptureInterface
    var frames: UInt64 = 0
  }
  private var blocks: [Block] = []
  private var numbers: [String: Int] = [:]
  private var generation: Int?
  private let began: UInt64

  /// `time`: nanoseconds since 1970, now.
  public init(_ source: CaptureSource, application: String, at time: UInt64) {
    (self.source, self.application, began) = (source, application, time)
    let order = source.watch.order
    filter = order.filter.flatMap { $0.expression.isEmpty ? nil : $0.expression }
    snapLength = order.snapLength
  }

  public mutating func head() -> [UInt8] {
    var file: [UInt8] = []
    PcapNG.section(application: application, to: &file)
    addNews(to: &file)
    return file
  }

  /// Frames, oldest first; before them the interfaces that have come meanwhile. Empty when there is nothing new.
  public mutating func blocks(_ frames: [CapturedFrame]) -> [UInt8] {
    var file: [UInt8] = []
    addNews(to: &file)
    for frame in frames {
      let number = number(of: frame.interface, &file)
      blocks[number].frames += 1
      var packet = PcapNG.Packet(
        interface: number, time: frame.time, length: frame.length, isInbound: !frame.isOutgoing, lost: frame.lost)
      if let reason = frame.reason { packet.comments.append("dropped: \(reason)") }
      if let remark = frame.remark { packet.comments.append(remark) }
      PcapNG.packet(packet, frame.bytes[...], to: &file)
    }
    return file
  }

  /// `lost`: frames that found no room, of whatever interface: the first one's statistics have them.
  public mutating func end(lost: UInt64, at time: UInt64) -> [UInt8] {
    var file: [UInt8] = []
    for (number, block) in blocks.enumerated() {
      let isFirst = number == 0
      PcapNG.statistics(
        of: number, received: block.frames + (isFirst ? lost : 0), lost: isFirst ? lost : 0,
        comment: isFirst && lost > 0 ? "lost: of all interfaces together" : nil, from: began, to: time, to: &file)
    }
    return file
  }

  private mutating func addNews(to file: inout [UInt8]) {
    guard let news = source.news(after: generation) else { return }
    generation = news.generation
    for (_, interface) in news.interfaces.sorted(by: { ($0.value.name, $0.key.value) < ($1.value.name, $1.key.value) })
    {
      _ = number(of: interface, &file)
    }
  }

  private mutating func number(of interface: CaptureInterface, _ file: inout [UInt8]) -> Int {
    if let number = numbers[interface.name] { return number }
    PcapNG.interface(interface, snapLength: snapLength, filter: filter, to: &file)
    numbers[interface.name] = blocks.count
    blocks.append(Block(interface: interface))
    return blocks.count - 1
  }
}
