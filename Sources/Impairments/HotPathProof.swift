// The compiler's word that an impaired frame costs no allocation, no lock and no reference count. The attribute is
// underscored, so it stays in this one file of the module.

#if HOT_PATH_PROOF
  @_noLocks func proveArrival(_ link: inout ImpairedLink, _ now: UInt64) -> ImpairedLink.Fate {
    link.arrive(at: now, length: 1_514, header: 14, wireBytes: 1_514)
  }

  @_noLocks func proveHolding(_ link: inout ImpairedLink, _ passage: ImpairedLink.Passage, _ now: UInt64) -> Bool {
    link.hold(1, passage)
    return link.takePassed() != nil || link.takeDue(at: now) != nil
  }

  @_noLocks func proveLine(_ line: inout DelayLine, _ now: UInt64) -> Bool {
    line.put(1, bytes: 1_514, release: now) && line.take(at: now) != nil
  }
#endif
