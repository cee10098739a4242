public import FoundationEssentials

/// A key that opens servers to whoever has its other half: it goes onto new servers, and opens their consoles.
public struct SSHKey: Hashable, Sendable {
  public let id: SSHKeyID
  public let owner: Owner
  /// What people call it, 1 to 80 characters; several can have one.
  public var label: String
  /// The same one is at an owner only once.
  public var key: SSHPublicKey
  public var tags: [String]
  public let createdAt: Date
  public var updatedAt: Date

  /// Whose it is, and so which servers it is for.
  public enum Owner: Hashable, Sendable {
    /// The rack's: servers of all projects.
    case user
    case project(ProjectID)

    public var project: ProjectID? {
      switch self {
      case .user: nil
      case .project(let id): id
      }
    }
  }

  public init(
    id: SSHKeyID, owner: Owner, label: String, key: SSHPublicKey, tags: [String] = [], createdAt: Date,
    updatedAt: Date? = nil
  ) {
    (self.id, self.owner, self.label, self.key, self.tags) = (id, owner, label, key, tags)
    (self.createdAt, self.updatedAt) = (createdAt, updatedAt ?? createdAt)
  }
}

/// What a new key is to be.
public struct SSHKeyRequest: Hashable, Sendable {
  public var owner: SSHKey.Owner
  public var label: String
  /// A line as OpenSSH writes it.
  public var key: String
  public var tags: [String]
  /// Servers that are there already and get it, too.
  public var servers: Recipients

  public enum Recipients: Hashable, Sendable {
    case none
    /// All of the project; for a key of the user, of the rack.
    case all
    case these([ServerID])
  }

  public init(owner: SSHKey.Owner, label: String, key: String, tags: [String] = [], servers: Recipients = .none) {
    (self.owner, self.label, self.key, self.tags, self.servers) = (owner, label, key, tags, servers)
  }
}

/// New values of a key's members; `nil` leaves one as it is.
public struct SSHKeyUpdate: Hashable, Sendable {
  public var label: String?
  public var key: String?
  public var tags: [String]?

  public init(label: String? = nil, key: String? = nil, tags: [String]? = nil) {
    (self.label, self.key, self.tags) = (label, key, tags)
  }
}

/// Which keys a new server gets. Where nothing is named: all of its project and of the user, as they are then.
public struct SSHKeyChoice: Hashable, Sendable {
  /// Keys of the project.
  public var named: [SSHKeyID]
  /// All of the user's.
  public var hasUserKeys: Bool
  /// Keys of the project that are made when it does not have them.
  public var new: [New]
  /// Where nothing is named: none.
  public var isNoneByDefault: Bool

  public struct New: Hashable, Sendable {
    public var label: String
    public var key: String
    public var tags: [String]

    public init(label: String, key: String, tags: [String] = []) {
      (self.label, self.key, self.tags) = (label, key, tags)
    }
  }

  public init(
    named: [SSHKeyID] = [], hasUserKeys: Bool = false, new: [New] = [], isNoneByDefault: Bool = false
  ) {
    (self.named, self.hasUserKeys, self.new, self.isNoneByDefault) = (named, hasUserKeys, new, isNoneByDefault)
  }

  var namesNothing: Bool { named.isEmpty && !hasUserKeys && new.isEmpty }
}
