// What to change so that a traced frame is not dropped: the words of the log of drops.

import Advice
import Control
import Host
import Rack

extension Renderer {
  /// nil: it is not dropped, or not where this caller sees.
  func advice(for asked: RackTrace.Asked) -> String? {
    guard let reason = asked.trace.reason, let place = asked.trace.droppedAt, let server = rack.servers[place.server]
    else {
      return nil
    }
    let location = interfaces[server.id]?[place.nic]
    let facts = DropFacts(
      of: place.nic, server, in: rack, interface: location?.device, interfaceMTU: location?.mtu)
    return DropAdvice.of(reason, DroppedFrame(asked.frame, length: asked.frame.count), facts).sentence
  }
}
