public import Switching

/// What to change so that a frame like this one is not dropped again.
///
/// ## How it works
/// A pure function of the reason, the frame and the facts of the rack as they are now. One case a reason, without
/// `default`: a new reason does not compile until it has its advice here, and in docs/drops.md, which a test compares.
/// Where the rack has been changed since, so that the frame would pass now, the advice says that.
///
/// The same words are used by the log of drops, by traces and by `toprack why`.
public struct DropAdvice: Hashable, Sendable {
  /// What is wrong, a colon, and what to do about it; no full stop.
  public var text: String
  /// The command that cures it, or that shows what has to be known first; nil: there is none.
  public var command: String?

  init(_ text: String, _ command: String? = nil) { (self.text, self.command) = (text, command) }

  /// Both in one line.
  public var sentence: String { command.map { "\(text); \($0)" } ?? text }

  public static func text(reason: DropReason, frame: DroppedFrame, facts: DropFacts) -> String {
    of(reason, frame, facts).text
  }

  public static func command(reason: DropReason, frame: DroppedFrame, facts: DropFacts) -> String? {
    of(reason, frame, facts).command
  }

  public static func of(_ reason: DropReason, _ frame: DroppedFrame, _ facts: DropFacts) -> DropAdvice {
    let drop = DropCase(frame: frame, facts: facts)
    return switch reason {
    case .runt: drop.runt
    case .truncatedTag: drop.truncatedTag
    case .reservedVLAN: drop.reservedVLAN
    case .reservedAddress: drop.reservedAddress
    case .slowProtocol: drop.slowProtocol
    case .invalidSource: drop.invalidSource
    case .noPort: drop.noPort
    case .noVLAN: drop.noVLAN
    case .vlanNotAllowed: drop.vlanNotAllowed
    case .untaggedNotAllowed: drop.untaggedNotAllowed
    case .noGateway: drop.noGateway
    case .bondStandby: drop.bondStandby
    case .samePort: drop.samePort
    case .noReceiver: drop.noReceiver
    case .mtuExceeded: drop.mtuExceeded
    case .linkDown: drop.linkDown
    case .transmitFailed: drop.transmitFailed
    case .spoofedSource: drop.spoofedSource
    case .martian: drop.martian
    case .classE: drop.classE
    case .multicast: drop.multicast
    case .linkLocal: drop.linkLocal
    case .notForGateway: drop.notForGateway
    case .unknownProtocol: drop.unknownProtocol
    case .malformedPacket: drop.malformedPacket
    case .badChecksum: drop.badChecksum
    case .sourceRoute: drop.sourceRoute
    case .ttlExceeded: drop.ttlExceeded
    case .noRoute: drop.noRoute
    case .packetTooBig: drop.packetTooBig
    case .neighbourUnreachable: drop.neighbourUnreachable
    case .gatewayBusy: drop.gatewayBusy
    case .notAnswered: drop.notAnswered
    case .badOffload: drop.badOffload
    case .storm: drop.storm
    case .loopGuard: drop.loopGuard
    case .receiverSlow: drop.receiverSlow
    case .impaired: drop.impaired
    }
  }
}

/// One frame that was dropped, and where: what the advices are made of.
struct DropCase {
  let frame: DroppedFrame
  let facts: DropFacts

  var place: String { facts.place }
  var server: DropFacts.ServerFacts? { facts.server }
  /// `source 10.9.9.9`, or `its source address`.
  var source: String { frame.from.map { "source \($0)" } ?? "the source address" }
  var destination: String { frame.to.map { "\($0)" } ?? "the destination" }
  /// Prints what the server's system has to be told.
  var configuration: String? { server.map { "toprack server network-config \($0.word)" } }
}
