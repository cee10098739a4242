// What a caller may change. The switch has no default: a new command does not compile until it is said whose it is.

import Rack

extension View {
  /// The command as the caller may give it. Throws what `check` does.
  func checked(_ command: Command) throws(APIError) -> Command {
    try check(command)
    guard !access.placesFreely, case .createServer(var request) = command else { return command }
    request.place.mustBeOwn = true
    return .createServer(request)
  }

  /// Throws 403 for a right that is missing, and 404 where the command names a thing that is not there for the caller,
  /// in the words of one that is not there for anybody.
  private func check(_ command: Command) throws(APIError) {
    try access.requireWriting()
    switch command {
    case .createProject: try access.requireWholeRack(for: "new projects")
    case .updateProject(let id, name: _, customdata: _, backendTransfer: _): _ = try known(project: id)
    case .deleteProject(let id):
      _ = try known(project: id)
      try access.requireWholeRack(for: "deletions of projects")
    case .createServer(let request):
      _ = try known(project: request.project)
      try check(serial: request.serial)
      for id in request.blocks.flatMap(\.reservations) {
        guard self[id] != nil else { throw .unknown("there is no IP reservation \(id)") }
      }
      for id in request.keys.named { _ = try known(key: id) }
    case .updateServer(let id, let update):
      _ = try known(server: id)
      try check(serial: update.serial)
    case .deleteServer(let id), .setPower(let id, on: _), .reboot(let id),
      .rescue(let id), .reinstall(let id, _), .heard(let id),
      .setMode(let id, _),
      .setMTU(let id, _), .setLink(let id, _, _), .assignBlock(let id, _):
      _ = try known(server: id)
    case .createNetwork(let request): _ = try known(project: request.project)
    case .deleteNetwork(let id), .updateNetwork(let id, description: _, tags: _): _ = try known(network: id)
    case .changeAssignments(let port, let changes):
      _ = try known(port: port)
      for change in changes { try check(change.network) }
    case .assign(let port, let network), .unassign(let port, let network):
      _ = try known(port: port)
      try check(network)
    case .setNative(let port, let network), .convertToLayer2(let port, attaching: let network):
      _ = try known(port: port)
      if let network { try check(network) }
    case .bond(let port, bulk: _), .disbond(let port, bulk: _), .convertToLayer3(let port, requests: _):
      _ = try known(port: port)
    case .reserveBlock(let request): _ = try known(project: request.project)
    case .unassignBlock(let id):
      guard self[id] != nil else { throw .unknown("there is no IP assignment \(id)") }
    case .releaseBlock(let id), .updateBlock(let id, _):
      guard self[id] != nil else { throw .unknown("there is no IP reservation \(id)") }
    case .createSSHKey(let request):
      if let project = request.owner.project { _ = try known(project: project) }
      if case .these(let servers) = request.servers { for id in servers { _ = try known(server: id) } }
      try checkOwner(request.owner)
    case .updateSSHKey(let id, _), .deleteSSHKey(let id): try checkOwner(try known(key: id).owner)
    case .createMirror(let request):
      switch request.source {
      case .port(let id): _ = try known(port: id)
      case .network(let id): _ = try known(network: id)
      }
      switch request.end {
      case .port(let id): _ = try known(port: id)
      case .device: try access.requireWholeRack(for: "interfaces of the host")
      }
    case .deleteMirror(let id): _ = try known(mirror: id)
    case .createToken, .revokeToken: try access.requireWholeRack(for: "tokens")
    // A part of a plan, whose caller has been judged.
    case .lab: try access.requireWholeRack(for: "single steps of labs")
    case .setSwitches: try access.requireWholeRack(for: "switches of a facility")
    case .setAging, .setLACPRate: try access.requireWholeRack(for: "settings")
    }
  }

  /// The user's keys open the servers of all projects.
  private func checkOwner(_ owner: SSHKey.Owner) throws(APIError) {
    if owner == .user { try access.requireWholeRack(for: "SSH keys of the user") }
  }

  /// A path on the host is the host's, whoever has the server: behind it may be anybody's machine, or another service.
  private func check(serial path: String?) throws(APIError) {
    if path != nil { try access.requireWholeRack(for: "paths of the host, such as serial,") }
  }

  /// A number means one of the port's own project, whoever asks.
  private func check(_ network: NetworkReference) throws(APIError) {
    if case .id(let id) = network { _ = try known(network: id) }
  }
}
