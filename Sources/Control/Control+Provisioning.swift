import Cabling
import Dataplane
import Host
import Logging
public import Rack
import Switching

/// Servers that are being installed until their operating system is heard (setting `provisioning: until-heard`).
///
/// Heard is the first frame that comes from one of its NICs, whatever the switch makes of it, or a machine that phones
/// home. As long as there is somebody to be heard, the NICs' counters are looked at twice a second; without, nothing
/// is.
///
/// A frame that came before counts for nothing: of a server that is installed anew the old system may be there still.
/// So each is compared with what its NICs had counted when the installation began.
struct Provisioning {
  /// New servers, and those that are installed anew, wait until they are heard.
  var isAwaited = false
  /// Frames of each awaited server when its installation began.
  var framesBefore: [ServerID: UInt64] = [:]
  var isListening = false

  static let pause = Duration.milliseconds(500)
}

extension Control {
  /// New servers are being installed until they are heard.
  public var awaitsSystems: Bool { provisioning.isAwaited }

  /// A machine has said that it is up.
  public func heard(_ server: ServerID) async {
    guard rack.servers[server]?.isProvisioning == true else { return }
    do { try await perform(.heard(server)) } catch {
      logger.warning(
        "not active", metadata: ["server": "\(rack.servers[server]?.hostname ?? "\(server)")", "error": "\(error)"])
    }
  }

  /// After the commit: begins to listen for servers that are being installed from now on.
  func expectSystems(of outcomes: [Outcome]) {
    for case .server(let server, replacing: let old) in outcomes.flatMap(\.changes)
    where server.isProvisioning && (old?.isProvisioning != true || old?.rootPassword != server.rootPassword) {
      provisioning.framesBefore[server.id] = frames(of: server.id)
    }
    listen()
  }

  /// At the start: those that the database has. Their NICs count from 0.
  func awaitAll() {
    for server in rack.servers.values where server.isProvisioning { provisioning.framesBefore[server.id] = 0 }
    listen()
  }

  private func listen() {
    guard !provisioning.isListening, !provisioning.framesBefore.isEmpty else { return }
    provisioning.isListening = true
    begin { [weak self] in
      while await self?.listenOnce() == true { try? await Task.sleep(for: Provisioning.pause) }
    }
  }

  /// False: there is nobody to be heard.
  private func listenOnce() async -> Bool {
    for (id, before) in provisioning.framesBefore {
      guard let server = rack.servers[id], server.isProvisioning else {
        provisioning.framesBefore[id] = nil
        continue
      }
      let now = frames(of: id)
      // A NIC that was made again counts from 0.
      if now < before { provisioning.framesBefore[id] = now }
      if server.isPoweredOn, now > before { await heard(id) }
    }
    provisioning.isListening = !provisioning.framesBefore.isEmpty && !isStopping
    return provisioning.isListening
  }

  /// That came from a server.
  private func frames(of server: ServerID) -> UInt64 {
    guard let slot = wires.slotOf[server] else { return 0 }
    return PortName.nics.reduce(0) { $0 + dataplane.counters(of: Wires.nic($1, slot: slot)).rxPackets }
  }
}
