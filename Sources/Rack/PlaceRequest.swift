/// Where the NICs of a new server are to be, as it is asked for. What comes of it is a `Place`.
///
/// The rack knows which namespaces its own servers are in. What else there is on the host it is told: `exists` and
/// `mustBeOwn` are filled in by those who know the host and the caller.
///
/// A namespace holds one server. So one that exists and that the rack may put a server into is never a server's: it is
/// the operator's, or what another program made. A caller who has to take a namespace of its own (`mustBeOwn`) gets
/// none of those, and is not told which of the two it was.
public struct PlaceRequest: Hashable, Sendable {
  public enum Wish: Hashable, Sendable {
    /// Nothing is said: on the host, or in a namespace of its own where that has to be.
    case unstated
    case host
    /// The namespace of that name; it is made when the host has none.
    case namespace(String)
    /// The namespace that is named after the server. Where that name is taken, with the short UUID behind it.
    case named
  }

  public var wish: Wish
  /// The server must have a namespace that is made for it.
  public var mustBeOwn = false
  /// The host has a namespace of the name that is asked for, whosever it is.
  public var exists = false

  public init(_ wish: Wish) { self.wish = wish }

  public static var unstated: Self { Self(.unstated) }
  public static var host: Self { Self(.host) }
  public static var named: Self { Self(.named) }
  /// `made`: the host has none of that name.
  public static func namespace(_ name: String, made: Bool = true) -> Self {
    var request = Self(.namespace(name))
    request.exists = !made
    return request
  }

  /// The namespace whose existence on the host matters to the request; `nil`: none's does.
  ///
  /// - Parameter hostname: that of the server, `nil` when the rack is to make one up.
  public func namespace(hostname: String?) -> String? {
    switch wish {
    case .host: nil
    case .unstated: mustBeOwn ? hostname : nil
    case .named: hostname
    case .namespace(let name): name
    }
  }
}

extension Rack {
  /// Where a new server goes, or what is wrong with the place that is asked for. Names of another project's things are
  /// not in the fault.
  func place(
    _ request: PlaceRequest, hostname: String, id: ServerID, project: ProjectID
  ) -> (place: Place, fault: String?) {
    switch request.wish {
    case .host where request.mustBeOwn:
      let fault = "the host is no place for a server of this project: it gets a network namespace of its own; "
      return (.host, fault + "name one that does not exist, or none")
    case .unstated where !request.mustBeOwn, .host: return (.host, nil)
    case .unstated, .named:
      let isFree = index.namespaces[hostname] == nil && !(request.mustBeOwn && request.exists)
      if isFree { return (.namespace(hostname, made: !request.exists), nil) }
      let short = "\(hostname)-\(id.short)"
      return (.namespace(index.namespaces[short] == nil ? short : "\(hostname)-\(id)", made: true), nil)
    case .namespace(let name):
      return (.namespace(name, made: !request.exists), fault(ofNamespace: name, request, project))
    }
  }

  private func fault(ofNamespace name: String, _ request: PlaceRequest, _ project: ProjectID) -> String? {
    if let fault = Names.fault(ofNamespace: name) { return fault }
    let holder = index.namespaces[name].flatMap { servers[$0] }
    if let holder, holder.project == project {
      return "network namespace \(name.quoted) has the NICs of server \(holder.hostname) already; "
        + "a namespace holds one server"
    }
    if request.mustBeOwn, holder != nil || request.exists {
      return "network namespace \(name.quoted) is not free: a server of this project gets one that is made for it; "
        + "choose another name, or none"
    }
    return holder == nil
      ? nil : "network namespace \(name.quoted) has a server already; a namespace holds one server: choose another name"
  }
}
