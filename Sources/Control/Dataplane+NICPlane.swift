import Dataplane
import Host

/// The forwarding plane is what `Host` attaches NICs to.
extension Dataplane: NICPlane {}
