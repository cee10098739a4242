import Rack

extension LabBuilder {
  private static let asked = ["ping", "tcp", "http", "deaf"]

  mutating func buildChecks(_ node: LabNode?) -> [LabCheck] {
    var built: [LabCheck] = []
    for (index, item) in (node?.items ?? []).enumerated() {
      for check in checks(item) {
        guard built.count < LabSchema.checkLimit else {
          faults.add(
            at: item.place, "there are more than \(LabSchema.checkLimit) checks; that is as many as a file has")
          return built
        }
        locate(LabNode.Entry(key: "\(built.count)", place: item.place, value: item), ["checks"])
        built.append(check)
      }
      if faults.isFull || index > LabSchema.checkLimit { break }
    }
    return built
  }

  /// Of each server that it names one.
  private mutating func checks(_ node: LabNode) -> [LabCheck] {
    let questions = LabSchema.questions.map { $0[1] }
    let asked = (node.entries ?? []).filter { questions.contains($0.key) }
    guard let question = asked.first else {
      faults.add(at: node.place, "the check asks nothing; valid is one of \(questions.listed())")
      return []
    }
    if asked.count > 1 {
      faults.add(
        at: asked[1].place, "the check asks \(question.key) and \(asked[1].key); one asks one thing: make it two checks"
      )
    }
    let isAsked = Self.asked.contains(question.key)
    let (who, other) = isAsked ? ("from", "server") : ("server", "from")
    if let wrong = node[other] {
      faults.add(
        at: node.place(of: other), "\(question.key) goes with \(who), not with \(other): \(who): \(wrong.text ?? "")")
    } else if node[who] == nil {
      faults.add(at: node.place, "\(question.key) needs \(who), a server or a range of them")
    }
    if node["status"] != nil, question.key != "http" {
      faults.add(at: node.place(of: "status"), "status goes with http, not with \(question.key)")
    }
    let time = node["within"]?.text.flatMap(LabWord.milliseconds) ?? 5000
    return names(node[who]).compactMap { server in
      self.question(question.key, question.value.text ?? "", of: server, node).map { LabCheck($0, milliseconds: time) }
    }
  }

  private mutating func names(_ node: LabNode?) -> [String] {
    guard let node, let text = node.text else { return [] }
    var known: [String] = []
    for name in LabRange(text).names {
      if servers.contains(name) {
        known.append(name)
      } else {
        unknownServer(name, at: node.place)
        break
      }
    }
    return known
  }

  private func question(_ key: String, _ value: String, of server: String, _ node: LabNode) -> LabCheck.Question? {
    switch key {
    case "ping": .ping(from: server, to: value)
    case "deaf": .deaf(from: server, to: value)
    case "tcp": LabWord.endpoint(value).map { .tcp(from: server, host: $0.host, port: $0.port) }
    case "http": .http(from: server, url: value, status: node["status"]?.integer ?? 200)
    case "lacp": .lacp(server: server, nic: PortName(rawValue: value))
    case "link": PortName(rawValue: value).map { .link(server: server, nic: $0) }
    default: nil
    }
  }
}

extension LabCheck {
  /// With the name that a check of a file has.
  public init(_ question: Question, milliseconds: Int = 5000) {
    self.init(name: question.name, question: question, milliseconds: milliseconds)
  }
}

extension LabCheck.Question {
  /// `web1 ping 10.0.1.2`
  public var name: String {
    switch self {
    case .ping(let from, let to): "\(from) ping \(to)"
    case .tcp(let from, let host, let port): "\(from) tcp \(LabWord.text(ofHost: host, port: port))"
    case .http(let from, let url, let status): "\(from) http \(url)\(status == 200 ? "" : " \(status)")"
    case .deaf(let from, let to): "\(from) deaf \(to)"
    case .lacp(let server, let nic): "\(server) lacp \(nic?.rawValue ?? "both")"
    case .link(let server, let nic): "\(server) link \(nic.rawValue)"
    }
  }

  /// Who asks or is looked at.
  public var server: String {
    switch self {
    case .ping(let server, _), .tcp(let server, _, _), .http(let server, _, _), .deaf(let server, _),
      .lacp(let server, _), .link(let server, _):
      server
    }
  }
}
