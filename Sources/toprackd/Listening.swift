// The TCP side of the API, made ready before anything of the host is touched: sockets are bound, so that a busy port
// ends the start, and the certificate is read, so that a wrong one does. Nobody is let in yet.

import API
import Logging

/// What the settings say of TCP, as listeners.
struct Listening {
  let settings: Settings
  let logger: Logger

  /// One for each address. Throws when one cannot be.
  func listeners() throws(StartFault) -> [APIListener] {
    guard !settings.listen.isEmpty else { return [] }
    do {
      let tls = try identity()
      var listeners: [APIListener] = []
      for address in settings.listen {
        let (descriptor, bound) = try address.bind()
        listeners.append(.tcp(descriptor, at: bound, tls: tls))
        if tls == nil, !address.isLoopback {
          logger.notice("tokens cross the network in the clear at \(address): give --tls-cert, or --tls-self-signed")
        }
      }
      return listeners
    } catch let fault as ListenAddress.Fault {
      throw StartFault(fault.message)
    } catch let fault as TLSIdentity.Fault {
      throw StartFault(fault.message)
    } catch {
      throw StartFault("\(error)")
    }
  }

  private func identity() throws -> TLSIdentity? {
    if let certificate = settings.certificate, let key = settings.certificateKey {
      return try TLSIdentity(certificate: certificate, key: key)
    }
    guard settings.isSelfSigned else { return nil }
    let own = SelfSignedCertificate(in: settings.state, for: SelfSignedCertificate.Names(settings.listen))
    let (identity, isNew) = try own.identity { [logger] in logger.warning("\($0)") }
    if isNew { logger.notice("made a self-signed certificate: clients are to trust \(own.certificatePath)") }
    return identity
  }
}
