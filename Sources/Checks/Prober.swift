import Dispatch
import Host
import Ports
import Synchronization

/// Where a probe is sent from.
public struct ProbeOrigin: Hashable, Sendable {
  /// `nil`: the host's own network.
  public var namespace: String?
  /// The interface that it leaves by; `nil`: as the routes there say.
  public var device: String?

  public init(namespace: String?, device: String? = nil) { (self.namespace, self.device) = (namespace, device) }
}

/// Asks from inside servers' networks, by programs that run there: ping(8), ip(8), and for TCP and HTTP a child of this
/// very program (`ProbeClient`). Nothing that answers is read by the daemon itself, but the line that a child prints.
///
/// ## Threads
/// Safe to share. A program blocks a thread of its own; at most `limit` run at a time, and the others wait in order.
public final class Prober: Sendable {
  public static let limit = 32
  /// Of what ping and the child print.
  private static let outputLimit = 8 << 10
  private static let listLimit = 8 << 20

  private let queue = DispatchQueue(label: "toprack.probes", attributes: .concurrent)
  private let state = Mutex((running: 0, waiting: [CheckedContinuation<Void, Never>]()))
  private let program: String

  /// `program`: what does TCP and HTTP.
  public init(program: String = "/proc/self/exe") { self.program = program }

  /// Sends some echo requests, 200 ms apart, and waits a second for the last answer.
  public func ping(
    _ address: ProbeAddress, from origin: ProbeOrigin, count: Int
  ) async throws(ProbeFault) -> PingReport {
    guard let ping = SystemProgram(named: "ping") else {
      throw ProbeFault("ping is not here: apt-get install iputils-ping")
    }
    let device = origin.device.map { ["-I", $0] } ?? []
    let words = ["-n", "-c", "\(count)", "-i", "0.2", "-W", "1"] + device + ["--", address.description]
    return PingReport(reading: try await run(ping, words, origin).output)
  }

  /// What came of an attempt.
  public struct Answer: Hashable, Sendable {
    public var isThere: Bool
    /// Of HTTP.
    public var status: Int?
    /// `connected`, `connection refused`, `200 OK`.
    public var seen: String
  }

  public func connect(
    _ place: ProbePort, from origin: ProbeOrigin, milliseconds: Int
  ) async throws(ProbeFault) -> Answer {
    try await child(["tcp", "\(place)"], origin, milliseconds)
  }

  public func get(_ url: ProbeURL, from origin: ProbeOrigin, milliseconds: Int) async throws(ProbeFault) -> Answer {
    try await child(["http", "\(url)"], origin, milliseconds)
  }

  private func child(
    _ words: [String], _ origin: ProbeOrigin, _ milliseconds: Int
  ) async throws(ProbeFault) -> Answer {
    let words = [ProbeClient.word] + words + [origin.device ?? "-", "\(milliseconds)"]
    let result = try await run(SystemProgram(path: program), words, origin)
    let line =
      result.output.split(whereSeparator: \.isNewline).first.map(String.init) ?? "the probe ended without a word"
    guard result.status == 0 || result.status == 1 else { throw ProbeFault(line) }
    return Answer(isThere: result.status == 0, status: Int(line.prefix { $0.isNumber }), seen: line)
  }

  /// How packets to `address` leave.
  public func way(to address: ProbeAddress, from origin: ProbeOrigin) async throws(ProbeFault) -> Way {
    guard let ip = SystemProgram(named: "ip") else { throw ProbeFault("ip is not here: apt-get install iproute2") }
    let device = origin.device.map { ["oif", $0] } ?? []
    let route = try await run(ip, ["-j", "route", "get", address.description] + device, origin)
    let links = try await run(ip, ["-j", "-d", "address", "show"], origin, limit: Self.listLimit)
    return Way(route: route.output, links: links.output)
  }

  // MARK: Programs

  private func run(
    _ program: SystemProgram, _ words: [String], _ origin: ProbeOrigin, limit: Int = Prober.outputLimit
  ) async throws(ProbeFault) -> SystemProgram.Result {
    await take()
    defer { giveBack() }
    let result = await withCheckedContinuation { continuation in
      queue.async {
        continuation.resume(
          returning: Result { () throws(PortsFault) in
            try program.run(words, in: origin.namespace, outputLimit: limit)
          })
      }
    }
    do { return try result.get() } catch { throw ProbeFault("\(error)") }
  }

  private func take() async {
    await withCheckedContinuation { continuation in
      let isFree = state.withLock { state in
        guard state.running < Self.limit else {
          state.waiting.append(continuation)
          return false
        }
        state.running += 1
        return true
      }
      if isFree { continuation.resume() }
    }
  }

  private func giveBack() {
    let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
      if !state.waiting.isEmpty { return state.waiting.removeFirst() }
      state.running -= 1
      return nil
    }
    next?.resume()
  }
}
