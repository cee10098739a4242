public import Impairments
public import Switching

/// What is wrong with the links of NICs, as far as the forwarding plane is told.
///
/// Each direction of a NIC's link has a setting (`Impairment`); one that does nothing is none. The worker
/// that owns the NIC has an `Impairer` with the links that need one; whoever else has a frame for such a NIC gives it to
/// that worker.
///
/// ## What the caller relies on
/// - A setting holds for the index until another one is set, whether or not something is attached there: a NIC that is
///   lost and made again has it still. Whoever gives an index up sets it to nothing.
/// - Called once for each change of a NIC, after the programs of its ports and before its carrier; each call is the
///   whole setting, and changes no frame that waits.
/// - What is lost, or finds the queue of the rate full, is counted as `impaired` at the NIC, whichever way it went.
extension Dataplane {
  /// What becomes of frames on the link of `nic` from now on: of those `to` the server and of those `from` it.
  public func setImpairment(to: Impairment, from: Impairment, of nic: NICIndex) async {
    slowPath.post(.impair(nic, !to.isNothing))
    loopGuard.post(.impair(nic, !to.isNothing))
    await tellWorkers { .impair(to: to, from: from, nic, reply: $0) }
  }
}
