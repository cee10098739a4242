// What the hub is told of a server, and what it tells of its console.

public import FoundationEssentials
public import Machines
public import Rack

/// A server as its console sees it.
public struct ConsoleServer: Hashable, Sendable {
  public enum Source: Hashable, Sendable {
    /// A shell in the network namespace of that name.
    case shell(namespace: String)
    /// A Unix socket or a serial device.
    case serial(path: String)
  }

  public var id: ServerID
  public var name: String
  /// Without the suffix, of the file of what was said.
  public var log: String
  /// `nil`: it has no console.
  public var source: Source?
  public var isOn: Bool
  /// The user of a confined shell, who is nobody else: what processes and pending signals are limited by.
  public var user: UInt32

  public init(id: ServerID, name: String, log: String, source: Source?, isOn: Bool, user: UInt32) {
    (self.id, self.name, self.log, self.source, self.isOn, self.user) = (id, name, log, source, isOn, user)
  }

  /// Why one can come to no console of it; `nil`: there is one.
  public var refusal: String? {
    source == nil ? "\(name) has no console: it is neither a VM nor a namespace; give --serial" : nil
  }
}

/// A console at this moment.
public struct ConsoleStatus: Hashable, Sendable {
  public struct Watcher: Hashable, Sendable {
    public var name: String
    public var from: String
    public var hasKeyboard: Bool
    public var since: Date
  }

  public var server: ServerID
  /// Since when the machine has been there; `nil`: it is not.
  public var since: Date?
  /// In the order in which they came.
  public var watchers: [Watcher]
  public var writer: Watcher? { watchers.first(where: \.hasKeyboard) }
}

/// A visit for the journal.
public struct ConsoleNote: Sendable {
  public enum Kind: String, Sendable {
    case began = "console.connect"
    case ended = "console.disconnect"
  }
  public var kind: Kind
  public var server: ServerID
  public var visitor: Visitor
  /// One sentence.
  public var text: String
}

/// One who watches, wherever their bytes have to go.
public protocol ConsoleWatcher: Sendable {
  /// Called on any thread, in order. `delivered` is to be called when the bytes have gone.
  func show(_ bytes: [UInt8], delivered: @escaping @Sendable () -> Void)
  /// The last call. `nil`: they have left by themselves.
  func end(_ reason: String?)
}
