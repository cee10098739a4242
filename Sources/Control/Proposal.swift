public import Rack

/// Several commands as one: decided in one go on the rack as it is then, committed together, or not at all.
///
/// Who proposes runs commands on a copy of the rack (`Rack.perform`), so that every rule holds for each, and returns
/// what they have come to. It is called when its turn comes, perhaps more than once, and must be quick: nothing else is
/// decided meanwhile.
public struct Proposal: Sendable {
  /// There is less to be kept afterwards: it is taken also when the disk of the state is full.
  public let givesBack: Bool
  let decide: @Sendable (_ rack: Rack, _ entropy: inout SystemEntropy) throws -> Outcome

  public init(
    givesBack: Bool = false,
    decide: @escaping @Sendable (_ rack: Rack, _ entropy: inout SystemEntropy) throws -> Outcome
  ) {
    (self.givesBack, self.decide) = (givesBack, decide)
  }
}
