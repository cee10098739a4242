public import FoundationEssentials

/// What lets a caller in who does not come by the daemon's own socket. Its text is not kept, only a digest of it.
public struct AccessToken: Hashable, Sendable {
  public let id: TokenID
  /// 1 to 80 characters, unique in the rack.
  public let name: String
  /// SHA-256 of the text, `digestSize` bytes.
  public let digest: [UInt8]
  /// The project that it opens; `nil`: all of the rack.
  public let project: ProjectID?
  public let isReadOnly: Bool
  public let createdAt: Date

  public init(id: TokenID, name: String, digest: [UInt8], project: ProjectID?, isReadOnly: Bool, createdAt: Date) {
    (self.id, self.name, self.digest) = (id, name, digest)
    (self.project, self.isReadOnly, self.createdAt) = (project, isReadOnly, createdAt)
  }

  public static let digestSize = 32
}

extension Rack {
  func createToken(_ request: TokenRequest, with source: inout some Entropy) throws(Refusal) -> Outcome {
    precondition(request.digest.count == AccessToken.digestSize, "a digest of SHA-256")
    if let fault = Names.fault(ofName: request.name, "token") { throw .invalid(fault) }
    if let project = request.project, projects[project] == nil {
      throw .notFound("project \(project) does not exist")
    }
    guard tokens.count < Self.tokenLimit else {
      throw .invalid("the rack has \(Self.tokenLimit) tokens, which is its limit; revoke one first")
    }
    guard !tokens.values.contains(where: { $0.name == request.name }) else {
      throw .invalid("there is a token named \(request.name.quoted) already; revoke it, or choose another name")
    }
    let token = AccessToken(
      id: TokenID(source.identifier()), name: request.name, digest: request.digest, project: request.project,
      isReadOnly: request.isReadOnly, createdAt: source.now)
    return Outcome(subject: .token(token.id), changes: [.token(token)])
  }

  func revokeToken(_ id: TokenID) throws(Refusal) -> Outcome {
    guard tokens[id] != nil else { throw .notFound("token \(id) does not exist") }
    return Outcome(subject: .nothing, changes: [.tokenDeleted(id)])
  }
}
