// Finds out whether what a lab promises is so: each check is tried until it is true or its time is over.

import Checks
import Control
import Host
import Labs
import Rack

/// Runs checks for a caller.
///
/// So many at a time, whatever their number; the results are in their order. What cannot get better by waiting (an
/// address that is none, a virtual machine, a server that is not there) fails at once. It changes nothing, but it sends:
/// who asks must be one who may write.
struct CheckRunner: Sendable {
  /// At a time.
  static let limit = 16
  /// Between two attempts.
  private static let pause = Duration.milliseconds(200)
  /// Of one attempt by TCP or HTTP, in milliseconds: the last one may end after the check's time, and not be too short
  /// to say what is so.
  private static let attemptTime = 1_000...3_000

  let call: Call
  let probes: Probes

  /// Servers are named by their hostnames in `project`, which the caller must see. Ends early, with what there is, when
  /// the task is cancelled.
  func run(_ checks: [LabCheck], in project: ProjectID) async -> [CheckResult] {
    await withTaskGroup(of: (Int, CheckResult).self) { group in
      var results = [CheckResult?](repeating: nil, count: checks.count)
      var next = 0
      func begin() {
        guard next < checks.count, !Task.isCancelled else { return }
        let (index, check) = (next, checks[next])
        next += 1
        group.addTask { (index, await result(of: check, in: project)) }
      }
      for _ in 0..<Self.limit { begin() }
      while let (index, result) = await group.next() {
        results[index] = result
        begin()
      }
      return results.compactMap(\.self)
    }
  }

  // MARK: One check

  /// What one look at the world has shown.
  struct Attempt {
    var verdict: CheckResult.Verdict
    var seen: String
    /// Another one would show the same.
    var isFinal = false

    static func passed(_ seen: String) -> Attempt { Attempt(verdict: .passed, seen: seen, isFinal: true) }
    static func failed(_ seen: String) -> Attempt { Attempt(verdict: .failed, seen: seen) }
    static func hopeless(_ seen: String) -> Attempt { Attempt(verdict: .failed, seen: seen, isFinal: true) }
    static func provesNothing(_ seen: String) -> Attempt { Attempt(verdict: .provesNothing, seen: seen) }
  }

  private func result(of check: LabCheck, in project: ProjectID) async -> CheckResult {
    let began = ContinuousClock.now
    let deadline = began + .milliseconds(check.milliseconds)
    let attempt = await attempts(at: check.question, in: project, until: deadline)
    return CheckResult(
      name: check.name, verdict: attempt.verdict, seen: attempt.seen.visibleInLine,
      milliseconds: Int(began.duration(to: .now) / .milliseconds(1)))
  }

  private func attempts(
    at question: LabCheck.Question, in project: ProjectID, until deadline: ContinuousClock.Instant
  ) async -> Attempt {
    if case .deaf(let from, let to) = question { return await deaf(from, to, project, until: deadline) }
    while true {
      let left = max(1, Int(ContinuousClock.now.duration(to: deadline) / .milliseconds(1)))
      let attempt = await attempt(at: question, in: project, left: left)
      if attempt.isFinal || Task.isCancelled || ContinuousClock.now + Self.pause >= deadline { return attempt }
      try? await Task.sleep(for: Self.pause)
    }
  }

  private func attempt(at question: LabCheck.Question, in project: ProjectID, left: Int) async -> Attempt {
    do throws(ProbeFault) {
      switch question {
      case .ping(let from, let to):
        let address = try ProbeAddress(reading: to)
        let origin = try await origin(from, project).origin
        let report = try await probes.ping(address, from: origin, count: left < 1_500 ? 1 : 3, for: call)
        return report.answered > 0 ? .passed(report.words) : .failed(report.words)
      case .tcp(let from, let host, let port):
        let place = try ProbePort(host, port)
        let origin = try await origin(from, project).origin
        let answer = try await probes.connect(
          place, from: origin, milliseconds: Self.time(left), for: call)
        return answer.isThere ? .passed(answer.seen) : .failed(answer.seen)
      case .http(let from, let text, let status):
        let url = try ProbeURL(reading: text)
        let origin = try await origin(from, project).origin
        let answer = try await probes.get(
          url, from: origin, milliseconds: Self.time(left), for: call)
        guard answer.isThere else { return .failed(answer.seen) }
        return answer.status == status ? .passed(answer.seen) : .failed("\(answer.seen), not \(status)")
      case .lacp(let name, let nic): return await lacp(try await server(name, project), nic)
      case .link(let name, let nic): return await link(try await server(name, project), nic)
      // Has its own way.
      case .deaf: return .provesNothing("nothing was sent")
      }
    } catch {
      return .hopeless(error.message)
    }
  }

  private static func time(_ left: Int) -> Int { min(max(left, attemptTime.lowerBound), attemptTime.upperBound) }

  private func server(_ name: String, _ project: ProjectID) async throws(ProbeFault) -> Server {
    let view = await call.view()
    guard let server = view.servers(named: name).first(where: { $0.project == project }) else {
      let place = view[project].map { " in project \($0.name)" } ?? ""
      throw ProbeFault("there is no server \(Arguments.shown(.string(name)))\(place)")
    }
    return server
  }

  private func origin(
    _ name: String, _ project: ProjectID
  ) async throws(ProbeFault) -> (server: Server, origin: ProbeOrigin) {
    let server = try await server(name, project)
    guard server.isPoweredOn else { throw ProbeFault("\(name) is switched off: 'toprack server power \(name) on'") }
    return (server, try await probes.origin(of: server, call))
  }

  private func lacp(_ server: Server, _ nic: PortName?) async -> Attempt {
    let members = await call.lacp(of: server)
    var seen: [String] = []
    for nic in nic.map({ [$0] }) ?? PortName.nics {
      guard let member = members.first(where: { $0.port == nic }) else {
        return .failed("\(nic.rawValue) is in no bond: the mode of \(server.hostname) is \(server.mode.rawValue)")
      }
      guard !member.isInSync else { continue }
      let what = member.partner == nil ? "no partner on" : "the partner is not in sync on"
      seen.append("\(what) \(nic.rawValue)" + (member.problem.map { ": \($0)" } ?? ""))
    }
    if !seen.isEmpty { return .failed(seen.joined(separator: "; ")) }
    return .passed("in sync on \((nic.map { [$0] } ?? PortName.nics).map(\.rawValue).joined(separator: " and "))")
  }

  private func link(_ server: Server, _ nic: PortName) async -> Attempt {
    guard let status = await call.counters(of: server)[nic] else { return .failed("\(nic.rawValue) is not there") }
    return status.linkUp ? .passed("\(nic.rawValue) is up") : .failed("link of \(nic.rawValue) is down")
  }

  // MARK: Deaf

  /// Asks for the whole time. It passes when nobody has answered, frames have left, and the links by which they leave
  /// were up at each look. Where the other is in the same network, the frames that leave are ARP requests and neighbour
  /// solicitations: they are questions as good as any.
  private func deaf(
    _ from: String, _ to: String, _ project: ProjectID, until deadline: ContinuousClock.Instant
  ) async -> Attempt {
    var evidence = DeafEvidence()
    do throws(ProbeFault) {
      let address = try ProbeAddress(reading: to)
      repeat {
        let (server, origin) = try await origin(from, project)
        let way = try await probes.way(to: address, from: origin, for: call)
        let egress = await egress(of: server, way)
        let before = await traffic(of: server)
        let report = try await probes.ping(address, from: origin, count: 2, for: call)
        evidence.add(report, way, egress, before, await traffic(of: server))
        if evidence.isAnswered || Task.isCancelled { break }
        try? await Task.sleep(for: Self.pause)
      } while ContinuousClock.now < deadline
    } catch {
      return .hopeless(error.message)
    }
    return evidence.verdict(of: from)
  }

  /// The server's NICs that are among the interfaces of the way.
  private func egress(of server: Server, _ way: Way) async -> Set<PortName> {
    guard case .by(_, let interfaces) = way else { return [] }
    let view = await call.view()
    return Set(PortName.nics.filter { view.location(of: $0, server).map { interfaces.contains($0.device) } ?? false })
  }

  /// What its NICs have sent, without LACPDUs, which they send in any case.
  private func traffic(of server: Server) async -> [PortName: DeafEvidence.Traffic] {
    let members = await call.lacp(of: server)
    return await call.counters(of: server).reduce(into: [:]) { traffic, nic in
      let lacpdus = members.first { $0.port == nic.key }?.counters.lacpdusReceived ?? 0
      traffic[nic.key] = DeafEvidence.Traffic(isUp: nic.value.linkUp, frames: Int(nic.value.rxPackets) - Int(lacpdus))
    }
  }
}
