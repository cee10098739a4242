/// How much of the rack one project can have: a setting of the daemon, the same for the life of a `Rack`.
///
/// A project that has more than its quota, because the quota was lowered, keeps what it has.
public struct Quotas: Hashable, Sendable {
  /// Each within its range below.
  public var servers = Rack.serverLimit
  public var networks = Rack.networkLimit
  /// Addresses of elastic blocks, assigned or not.
  public var addresses = Rack.reservationLimit * 8
  public var sshKeys = Rack.sshKeysPerOwnerLimit
  /// Mebibytes of what is written on the project and its things (`Rack+Text`): they are kept on a disk, and in copies.
  public var text = Quotas.textRange.upperBound

  /// As much as the rack itself.
  public init() {}

  /// What a daemon has that nobody has told otherwise. Halves, so that no project by itself leaves nothing for the
  /// others: of the servers and networks that a rack holds, of the elastic addresses that a facility has by default
  /// (a quarter of its /19), and of the SSH keys that an owner can have. Of text, some kilobytes for each thing that a
  /// project can have.
  public static let standard: Quotas = {
    var quotas = Quotas()
    (quotas.servers, quotas.networks, quotas.addresses) = (Rack.serverLimit / 2, Rack.networkLimit / 2, 1024)
    quotas.sshKeys = Rack.sshKeysPerOwnerLimit / 2
    quotas.text = 64
    return quotas
  }()

  public static let serverRange = 1...Rack.serverLimit
  public static let networkRange = 1...Rack.networkLimit
  /// A rack full of the largest blocks.
  public static let addressRange = 1...Rack.reservationLimit * 8
  public static let textRange = 1...1024
  public static let sshKeyRange = 1...Rack.sshKeysPerOwnerLimit
}

/// What a project has, of what quotas count.
struct Usage: Hashable, Sendable {
  var servers = 0
  var networks = 0
  var blocks = 0
  /// Of its elastic blocks.
  var addresses = 0
  /// Bytes of what is written on it and on its things.
  var text = 0
  var sshKeys = 0
}

extension Rack {
  func usage(of project: ProjectID) -> Usage { index.usage[project] ?? Usage() }

  /// How many more servers the project can have, as far as its own quota goes.
  public func serversLeft(of project: ProjectID) -> Int { max(0, quotas.servers - usage(of: project).servers) }

  func mustHaveRoom(forServerOf project: Project) throws(Refusal) {
    let used = usage(of: project.id).servers
    guard used >= quotas.servers else { return }
    throw .invalid(
      "project \(project.name.quoted) has \(used) servers, and its quota is \(quotas.servers): delete one first, "
        + "or have quota-servers raised in the settings of toprackd")
  }

  func mustHaveRoom(forNetworkOf project: Project) throws(Refusal) {
    let used = usage(of: project.id).networks
    guard used >= quotas.networks else { return }
    throw .invalid(
      "project \(project.name.quoted) has \(used) virtual networks, and its quota is \(quotas.networks): "
        + "delete one first, or have quota-networks raised in the settings of toprackd")
  }

  /// - Parameter others: that are added together with this one.
  func mustHaveRoom(forKeyOf owner: SSHKey.Owner, others: Int) throws(Refusal) {
    guard sshKeys.count + others < Self.sshKeyLimit else {
      throw .invalid("the rack has \(Self.sshKeyLimit) SSH keys, which is its limit; remove one first")
    }
    guard let id = owner.project, let project = projects[id] else {
      guard index.sshKeys[owner, default: []].count < Self.sshKeysPerOwnerLimit else {
        throw .invalid("the user has \(Self.sshKeysPerOwnerLimit) SSH keys, which is the limit; remove one first")
      }
      return
    }
    let used = usage(of: id).sshKeys + others
    guard used >= quotas.sshKeys else { return }
    throw .invalid(
      "project \(project.name.quoted) has \(used) SSH keys, and its quota is \(quotas.sshKeys): remove one first, "
        + "or have quota-ssh-keys raised in the settings of toprackd")
  }

  /// - Parameter length: bits of the block's prefix.
  func mustHaveRoom(forBlockOf length: Int, _ project: Project) throws(Refusal) {
    let (used, size) = (usage(of: project.id).addresses, 1 << (32 - length))
    guard used + size > quotas.addresses else { return }
    throw .invalid(
      "project \(project.name.quoted) has \(used) elastic addresses, its quota is \(quotas.addresses), and a /\(length) "
        + "needs \(size): release a block first, or have quota-addresses raised in the settings of toprackd")
  }
}
