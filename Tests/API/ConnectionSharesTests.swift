import HTTPTypes
import Net
import Testing

@testable import API

@Suite("Shares of connections") struct ConnectionSharesTests {
  private typealias Shares = ConnectionShares<String, Int>

  /// `places`: by caller, in their order, numbered from 0.
  private func full(_ places: String..., total: Int? = nil, most: Int? = nil) -> Shares {
    var shares = Shares(Shares.Limits(total: total ?? places.count, most: most))
    for (id, caller) in places.enumerated() { #expect(shares.admit(id, of: caller) == .admitted) }
    return shares
  }

  @Test("one caller can have every place while nobody else wants one")
  func alone() {
    var shares = Shares(Shares.Limits(total: 100))
    for id in 0..<100 { #expect(shares.admit(id, of: "a") == .admitted) }
    #expect(shares.admit(100, of: "a") == .inPlace(of: 0), "a further one costs one of their own")
    #expect(shares.count == 100)
  }

  @Test("a newcomer takes the place of the caller who has most and waits longest")
  func newcomer() {
    var shares = full("a", "b", "a", "a", "b")
    #expect(shares.admit(10, of: "c") == .inPlace(of: 0))
    #expect(shares.admit(11, of: "d") == .inPlace(of: 1), "a and b have two each, and b's has waited longest")
    #expect(shares.count(of: "a") == 2 && shares.count(of: "b") == 1)
  }

  @Test("who is being answered keeps the place, and who has been answered waits from then on")
  func busy() {
    var shares = full("a", "a", "a", "b")
    shares.note(0, isWaiting: false)
    shares.note(1, isWaiting: false)
    shares.note(1, isWaiting: true)
    #expect(shares.admit(10, of: "c") == .inPlace(of: 2))
    #expect(shares.admit(11, of: "d") == .inPlace(of: 1))
  }

  @Test("what one who is answered everywhere has beyond the share goes to those who have less")
  func beyondShare() {
    var shares = Shares(Shares.Limits(total: 16))
    for id in 0..<16 {
      _ = shares.admit(id, of: "a")
      shares.note(id, isWaiting: false)
    }
    for id in 16..<28 {
      guard case .inPlace(let other) = shares.admit(id, of: "b") else { break }
      #expect(other == id - 16, "the longest first")
      shares.note(id, isWaiting: false)
    }
    #expect(shares.count(of: "a") == 8 && shares.count(of: "b") == 8, "until both have the same")
    for id in 40..<60 {
      _ = shares.admit(id, of: "c")
      shares.note(id, isWaiting: false)
    }
    #expect(shares.count(of: "c") >= shares.limits.share)
    #expect(["a", "b", "c"].map { shares.count(of: $0) }.min() == 5, "no two differ by more than one")
  }

  @Test("with a limit of its own a caller gets one more for the one of its own that waits longest, or none")
  func most() {
    var shares = full("a", "a", "b", total: 10, most: 2)
    #expect(shares.admit(10, of: "a") == .inPlace(of: 0))
    for id in [1, 10] { shares.note(id, isWaiting: false) }
    #expect(shares.admit(11, of: "a") == .refused)
    shares.remove(1)
    #expect(shares.admit(12, of: "a") == .admitted)
    #expect(shares.count(of: "a") == 2 && shares.count(of: "b") == 1)
  }

  @Test("places that are given back, twice or by one who had none, are counted once")
  func remove() {
    var shares = full("a", "b")
    shares.remove(0)
    shares.remove(0)
    shares.remove(77)
    shares.note(77, isWaiting: false)
    #expect(shares.count == 1 && shares.count(of: "a") == 0)
    #expect(shares.admit(2, of: "a") == .admitted)
  }

  @Test("random callers: the limits hold, and whoever has less than the share gets a place while others have more")
  func random() {
    var dice = SeededGenerator(seed: 4711)
    let callers = ["a", "b", "c", "d", "e", "f"]
    var shares = Shares(Shares.Limits(total: 24))
    var owners: [Int: String] = [:]
    for id in 0..<20_000 {
      let caller = callers[min(Int(dice.next() % 10), 5)]
      let counts = callers.map { shares.count(of: $0) }
      let own = shares.count(of: caller)
      switch shares.admit(id, of: caller) {
      case .admitted: owners[id] = caller
      case .inPlace(let other):
        #expect(owners[other].map { $0 == caller || counts[callers.firstIndex(of: $0)!] > own } == true)
        owners[other] = nil
        owners[id] = caller
      case .refused:
        #expect(own >= shares.limits.share || counts.allSatisfy { $0 <= max(shares.limits.share, own + 1) })
      }
      #expect(shares.count <= 24 && shares.count == owners.count)
      if let some = owners.keys.sorted().randomElement(using: &dice) {
        switch dice.next() % 4 {
        case 0:
          shares.remove(some)
          owners[some] = nil
        case 1: shares.note(some, isWaiting: false)
        case 2: shares.note(some, isWaiting: true)
        default: break
        }
      }
    }
  }
}

@Suite("Who a stranger is") struct CallerAddressTests {
  @Test(
    "an address of IPv4 is itself in either form, one of IPv6 is its network of 64 bits",
    arguments: [
      ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
      ("2001:db8:1:2::1", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80:0:0:0::/64"), ("", "an unknown address"),
    ])
  func address(_ text: String, _ share: String) { #expect(CallerAddress(text).description == share) }

  @Test("hosts that choose their address have one rate")
  func peers() {
    #expect(Peer.address("2001:db8::1").share == Peer.address("2001:db8::2:1").share)
    #expect(Peer.address("192.0.2.1").share != Peer.address("192.0.2.2").share)
    #expect(Peer.user("anna").share != Peer.user("bert").share)
  }
}

@Suite("Shares of callers") struct CallerSharesTests {
  private func access(_ name: String) -> Access { Access(scope: .all, by: name) }

  @Test("each has so many, and one more when one has gone; a refusal says what to do")
  func limit() throws {
    let shares = CallerShares(2, "event streams")
    let first = try shares.take(access("anna"))
    var second: CallerShares.Lease? = try shares.take(access("anna"))
    let error = #expect(throws: APIError.self) { try shares.take(access("anna")) }
    #expect(error?.status == .tooManyRequests && error?.retryAfter == 1)
    #expect(
      error?.messages == ["anna has 2 event streams open, which is the limit: end one of them, and try again"])
    _ = try shares.take(access("bert"))
    #expect(shares.count(of: "user bert") == 0, "nobody holds it")
    second = nil
    #expect(second == nil && shares.count(of: "user anna") == 1)
    _ = try shares.take(access("anna"))
    withExtendedLifetime(first) {}
  }
}
