// A member of a bond as LACP sees it: Toprack's own view, not part of the Metal API.

import Control
import Net
import Rack

extension Renderer {
  /// Flat, so that `jq` and tables need no depth. What belongs to the partner is null while there is none.
  func lacp(_ member: LACPMember) -> JSON {
    let partner = member.partner
    let actor: JSON = [
      "server": .string(member.hostname), "server_id": member.server.json, "project": projectName(of: member.server),
      "port": .string(member.port.rawValue), "number": .integer(member.actor.port),
      "link_up": .boolean(member.linkUp), "selected": .boolean(member.selected),
      "collecting": .boolean(member.collecting), "distributing": .boolean(member.distributing),
      "fallback": .boolean(member.fallback), "actor_system": .string(member.actor.system.description),
      "actor_system_priority": .integer(member.actor.systemPriority), "actor_key": .integer(member.actor.key),
      "actor_port": .integer(member.actor.port), "actor_port_priority": .integer(member.actor.portPriority),
      "actor_state": .array(member.actor.state.map(JSON.string)),
    ]
    return actor.adding(
      ("partner_system", JSON(partner?.system.description)),
      ("partner_system_priority", optional(partner?.systemPriority)), ("partner_key", optional(partner?.key)),
      ("partner_port", optional(partner?.port)), ("partner_port_priority", optional(partner?.portPriority)),
      ("partner_state", partner.map { .array($0.state.map(JSON.string)) } ?? .null),
      ("receive_state", .string(member.machines.receive)), ("periodic_state", .string(member.machines.periodic)),
      ("mux_state", .string(member.machines.mux)), ("actor_churn_state", .string(member.machines.actorChurn)),
      ("partner_churn_state", .string(member.machines.partnerChurn)), ("counters", counters(member.counters)),
      ("last_lacpdu_ms", optional(member.sinceLastLACPDU.map { Int(clamping: $0) })),
      ("problem", JSON(member.problem)))
  }

  private func counters(_ counters: LACPMember.Counters) -> JSON {
    func count(_ value: UInt64) -> JSON { .integer(Int(clamping: value)) }
    return [
      "lacpdus_received": count(counters.lacpdusReceived), "lacpdus_sent": count(counters.lacpdusSent),
      "illegal_received": count(counters.illegalReceived), "unknown_received": count(counters.unknownReceived),
      "markers_received": count(counters.markersReceived),
      "marker_responses_received": count(counters.markerResponsesReceived),
      "marker_responses_sent": count(counters.markerResponsesSent), "markers_ignored": count(counters.markersIgnored),
      "receive_transitions": count(counters.receiveTransitions), "mux_transitions": count(counters.muxTransitions),
      "actor_churns": count(counters.actorChurns), "partner_churns": count(counters.partnerChurns),
    ]
  }

  private func optional(_ value: Int?) -> JSON { value.map(JSON.integer) ?? .null }
}
