// What an operator can set, with the defaults and the valid values.

import API
import Control
import Dataplane
import Foundation
import Host
import Logging
import MachineHost
import Ports
import Rack

/// The daemon's settings, valid by construction.
struct Settings {
  /// A file with facilities, plans and operating systems instead of the built-in ones.
  var catalogue: String?
  /// The directory that holds the database.
  var state = "/var/lib/toprack"
  /// The Unix socket of the API.
  var socket = "/run/toprack/toprack.sock"
  /// The group that may use the socket; without such a group only root may.
  var socketGroup = "toprack"
  /// Where the API listens over TCP, to callers with a token.
  var listen: [ListenAddress] = []
  /// Files in PEM; both or neither.
  var certificate: String?
  var certificateKey: String?
  /// Whether the daemon makes a certificate of its own.
  var isSelfSigned = false
  /// Requests a second of each token.
  var rateLimit = APIResponder.defaultRate
  /// Where servers are put that are made with the token of a project.
  var placement = Placement.own
  /// Whether servers are being installed until their operating systems are heard.
  var awaitsSystems = false
  /// What the shells of consoles may; `nil`: there are none.
  var shells: Shell.Rights? = .confined
  /// What `rescue` boots on a virtual machine, and what goes with it.
  var rescueKernel: String?
  var rescueInitrd: String?
  /// By SSH nobody types to a server before it is active.
  var isReadOnlyUntilActive = false
  /// What one project can have.
  var quotas = Quotas.standard
  /// Where consoles are reached by SSH.
  var sosHost = SOSHost()
  var logLevel = Logger.Level.info
  /// `nil`: as it suits the place where the log goes.
  var logFormat: LogFormat?
  /// Whether metrics can be read without a token.
  var metricsAreOpen = false
  /// Stations in the table, and of one port.
  var stationLimit = 131_072
  var stationLimitPerPort = 65_536
  /// Broadcasts, multicasts and frames to unknown stations that a NIC may send in a second; 0: as many as it likes.
  var stormLimit = Dataplane.defaultStormLimit
  /// The LACP rate of a rack that is made new. Later it is `toprack set lacp-rate` that changes it, and the state that
  /// remembers it, so that a restart undoes nobody's choice.
  var newRackLACPFast = false
  /// How frames are read and written.
  var io = TAPDriver.Mode.automatic
  /// Forwarding threads, and whether they look for frames without a pause.
  var workers = 1
  var isPolling = false

  /// Whether VLANs can be attached to bond0 in layer 3; `nil`: where the facility has that.
  var hybridBonded: Bool?
  /// The ranges of addresses, by facility.
  var plan = AddressPlan()
  /// Uplinks, and what servers are told when they boot.
  var gateway = GatewaySettings()

  /// Names that the settings file knows, without those of a facility.
  static let names =
    [
      "catalogue", "state", "socket", "socket-group", "listen", "tls-cert", "tls-key", "tls-self-signed", "rate-limit",
      "log-level", "log-format", "metrics", "placement", "provisioning", "console-shell", "rescue-kernel",
      "rescue-initrd", "quota-servers",
      "quota-networks", "quota-addresses", "quota-ssh-keys", "quota-text", "sos-host", "sos-read-only-until",
      "station-limit", "station-limit-per-port", "storm-limit", "lacp-rate", "io", "workers", "poll", "hybrid_bonded",
      "hybrid-bonded",
    ] + GatewaySettings.names
  /// Names of a facility begin with this: `pools.ewr1.public-ipv4`.
  static let poolPrefix = "pools."
  static let logLevels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
  /// What fits `sockaddr_un`, unix(7), with the NUL at the end.
  static let socketPathLimit = 107
  static let stationLimits = 16...16_777_216
  static let stormLimits = 0...100_000_000

  /// Sets `name` to `value`; throws what is valid instead.
  mutating func set(_ name: String, to value: String) throws(SettingsFault) {
    switch name {
    case "catalogue": catalogue = try Self.path(value)
    case "state": state = try Self.path(value)
    case "socket":
      socket = try Self.path(value)
      guard socket.utf8.count <= Self.socketPathLimit else {
        throw SettingsFault("has \(socket.utf8.count) bytes; a socket's path has at most \(Self.socketPathLimit)")
      }
    case "socket-group":
      guard !value.isEmpty else { throw SettingsFault("must be the name of a group") }
      socketGroup = value
    case "listen": listen = try Self.addresses(value)
    case "tls-cert": certificate = try Self.path(value)
    case "tls-key": certificateKey = try Self.path(value)
    case "tls-self-signed":
      guard let flag = Bool(value) else { throw SettingsFault("must be true or false, not \"\(value)\"") }
      isSelfSigned = flag
    case "rate-limit": rateLimit = try Self.number(value, in: APIResponder.rates)
    case "placement":
      guard let placement = Placement(rawValue: value) else {
        throw SettingsFault(
          "must be own (servers of a project's token get namespaces of their own) or any (they go wherever it says), "
            + "not \"\(value)\"")
      }
      self.placement = placement
    case "provisioning":
      switch value {
      case "at-once": awaitsSystems = false
      case "until-heard": awaitsSystems = true
      default:
        throw SettingsFault(
          "must be at-once (a server is active when it is made) or until-heard (when its operating system has sent "
            + "a frame or phoned home), not \"\(value)\"")
      }
    case "console-shell":
      switch value {
      case "confined": shells = .confined
      case "root": shells = .root
      case "none": shells = nil
      default:
        throw SettingsFault(
          "must be confined (a user who may configure the server's namespace alone), root (of this machine) or none, "
            + "not \"\(value)\"")
      }
    case "rescue-kernel": rescueKernel = try Self.file(value)
    case "rescue-initrd": rescueInitrd = try Self.file(value)
    case "quota-servers": quotas.servers = try Self.number(value, in: Quotas.serverRange)
    case "quota-networks": quotas.networks = try Self.number(value, in: Quotas.networkRange)
    case "quota-addresses": quotas.addresses = try Self.number(value, in: Quotas.addressRange)
    case "quota-text": quotas.text = try Self.number(value, in: Quotas.textRange)
    case "quota-ssh-keys": quotas.sshKeys = try Self.number(value, in: Quotas.sshKeyRange)
    case "sos-host":
      do { sosHost = try SOSHost(reading: value) } catch { throw SettingsFault(error.message) }
    case "sos-read-only-until":
      switch value {
      case "active": isReadOnlyUntilActive = true
      case "never": isReadOnlyUntilActive = false
      default:
        throw SettingsFault(
          "must be active (by SSH nobody types to a server before it is active) or never (everybody may at once), "
            + "not \"\(value)\"")
      }
    case "log-level":
      guard let level = Logger.Level(rawValue: value) else {
        throw SettingsFault("must be one of \(Self.logLevels), not \"\(value)\"")
      }
      logLevel = level
    case "log-format":
      guard let format = LogFormat(rawValue: value) else {
        throw SettingsFault(
          "must be text (a line each), json (an object a line) or journal (to systemd's journal, with fields), "
            + "not \"\(value)\"")
      }
      logFormat = format
    case "metrics":
      switch value {
      case "token": metricsAreOpen = false
      case "open": metricsAreOpen = true
      default:
        throw SettingsFault(
          "must be token (/metrics takes a token, or the socket) or open (to everybody who reaches the API), "
            + "not \"\(value)\"")
      }
    case "station-limit": stationLimit = try Self.number(value, in: Self.stationLimits)
    case "station-limit-per-port": stationLimitPerPort = try Self.number(value, in: Self.stationLimits)
    case "storm-limit": stormLimit = try Self.number(value, in: Self.stormLimits)
    case "lacp-rate":
      switch value {
      case "slow": newRackLACPFast = false
      case "fast": newRackLACPFast = true
      default: throw SettingsFault("must be slow or fast, not \"\(value)\"")
      }
    case "hybrid_bonded", "hybrid-bonded":
      guard let isOffered = Bool(value) else { throw SettingsFault("must be true or false, not \"\(value)\"") }
      hybridBonded = isOffered
    case "io":
      switch value {
      case "auto": io = .automatic
      case "readwrite": io = .readWrite
      default: throw SettingsFault("must be auto (io_uring where it is allowed) or readwrite, not \"\(value)\"")
      }
    case "workers": workers = try Self.number(value, in: 1...Dataplane.workerLimit)
    case "poll":
      guard let flag = Bool(value) else { throw SettingsFault("must be true or false, not \"\(value)\"") }
      isPolling = flag
    case _ where GatewaySettings.names.contains(name) || Self.isUplinkOfFacility(name):
      do { try gateway.set(name, to: value) } catch { throw SettingsFault(error.message) }
    case _ where name.hasPrefix(Self.poolPrefix):
      do { try plan.set(name, to: value) } catch { throw SettingsFault(error.message) }
    default:
      throw SettingsFault("is not a setting; valid are \(Self.names.joined(separator: ", ")) and pools")
    }
  }

  /// What does not go together; `nil`: all does.
  var conflict: String? {
    if (certificate == nil) != (certificateKey == nil) {
      return "tls-cert and tls-key belong together: give both or neither"
    }
    if isSelfSigned, certificate != nil {
      return "tls-self-signed and tls-cert are two ways to a certificate: give one of them"
    }
    if rescueInitrd != nil, rescueKernel == nil {
      return "rescue-initrd is what rescue-kernel loads: give both, or rescue-kernel alone"
    }
    return gateway.conflict(with: plan)
  }

  private static func addresses(_ value: String) throws(SettingsFault) -> [ListenAddress] {
    var addresses: [ListenAddress] = []
    for text in value.split(separator: ",", omittingEmptySubsequences: false) {
      let text = text.trimmingCharacters(in: .whitespaces)
      do throws(ListenAddress.Fault) {
        let address = try ListenAddress(text)
        guard address.port == 0 || !addresses.contains(address) else { throw ListenAddress.Fault.twice(address) }
        addresses.append(address)
      } catch {
        throw SettingsFault("cannot be: \(error.message)")
      }
    }
    return addresses
  }

  private static func isUplinkOfFacility(_ name: String) -> Bool {
    Catalogue.facilities.contains { name == "\(poolPrefix)\($0.code).uplink" }
  }

  /// The rescue system; `nil`: there is none.
  var rescue: RescueSystem? { rescueKernel.map { RescueSystem(kernel: $0, initrd: rescueInitrd) } }

  private static func file(_ value: String) throws(SettingsFault) -> String {
    guard value.hasPrefix("/"), !value.utf8.contains(0) else {
      throw SettingsFault("must be the absolute path of a file")
    }
    return value
  }

  private static func path(_ value: String) throws(SettingsFault) -> String {
    guard !value.isEmpty, !value.utf8.contains(0) else { throw SettingsFault("must be a path") }
    return value
  }

  private static func number(_ value: String, in valid: ClosedRange<Int>) throws(SettingsFault) -> Int {
    guard let number = Int(value), valid.contains(number) else {
      throw SettingsFault(
        "must be a whole number from \(valid.lowerBound) to \(valid.upperBound), not \"\(value)\"")
    }
    return number
  }
}

/// A setting that cannot be used.
struct SettingsFault: Error {
  let message: String

  init(_ message: String) { self.message = message }
}
