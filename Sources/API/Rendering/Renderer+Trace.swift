// What the switch would do with a frame.

import Control
import Rack
import Switching

extension Renderer {
  func trace(_ asked: RackTrace.Asked) -> JSON {
    let trace = asked.trace
    return [
      "verdict": .string(trace.verdict.rawValue), "reason": JSON(trace.reason?.name),
      "steps": .array(trace.steps.map { ["step": .string($0.name.rawValue), "text": .string($0.text)] }),
      "egress": .array(trace.egress.map(egress)), "advice": JSON(advice(for: asked)),
    ]
  }

  private func egress(_ egress: RackTrace.Egress) -> JSON {
    let tag = egress.tag.map(JSON.integer) ?? .null
    switch egress.receiver {
    case .server(_, let hostname, let port, let nic):
      return ["server": .string(hostname), "port": .string(port.rawValue), "nic": .string(nic.rawValue), "tag": tag]
    case .own(let name): return ["server": nil, "port": nil, "nic": .string(name), "tag": tag]
    case .hidden: return ["server": nil, "port": nil, "nic": nil, "tag": tag]
    }
  }
}
