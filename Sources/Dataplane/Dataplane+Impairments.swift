public import Impairments
public import Switching

/// What is wrong with the links of NICs, as far as the forwarding plane is told.
///
/// Each direction of a NIC's link has a setting (`Impairment`); one that does nothing is none. The workers do not know
/// them yet: here is where a letter to the owner of the NIC leaves, which has an `ImpairedLink` for each direction that
/// needs one, in a table by `NICIndex`, and keeps the frames that wait in its `DelayLine`.
///
/// ## What the caller relies on
/// - A setting holds for the index until another one is set, whether or not something is attached there: a NIC that is
///   lost and made again has it still. Whoever gives an index up sets it to nothing.
/// - Called once for each change of a NIC, after the programs of its ports and before its carrier; each call is the
///   whole setting, and changes no frame that waits.
/// - What is lost, or finds the queue of the rate full, is counted as `impaired` at the NIC, whichever way it went.
extension Dataplane {
  /// What becomes of frames on the link of `nic` from now on: of those `to` the server and of those `from` it.
  public func setImpairment(to: Impairment, from: Impairment, of nic: NICIndex) async {}
}
