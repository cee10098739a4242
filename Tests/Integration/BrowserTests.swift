import Foundation
import Testing

/// Where screenshots go: TOPRACK_BROWSER. Tests with a browser run only when it is given.
private let screenshots = ProcessInfo.processInfo.environment["TOPRACK_BROWSER"].flatMap { $0.isEmpty ? nil : $0 }

/// The portal in headless Chromium, as a person uses it. Run by `scripts/test --browser`, which installs the browser.
///
/// Each case is one of `Tests/Browser/walk.py`, which has its own rack and talks TLS to it from within the daemon's host. It fails
/// by what the page shows, by what the wire does, and by what the browser or a checker of labels, focus and contrast complains of.
extension Integration {
  @Suite("The portal in a browser", .enabled(if: screenshots != nil, "TOPRACK_BROWSER is not set"))
  struct BrowserTests {
    enum Case: String, CaseIterable, CustomTestStringConvertible {
      case walk, noscript, refusals
      case readOnly = "read_only"
      case socket, live, capture, console, labs, pictures, thousand

      var testDescription: String {
        switch self {
        case .walk: "a VLAN added, servers converted, attached, native, back to layer 3, with pings"
        case .noscript: "the same without JavaScript"
        case .refusals: "every refusal is shown next to its form and changes nothing"
        case .readOnly: "a read-only token sees and cannot change; another project is not there"
        case .socket: "by the socket one continues as oneself, under this machine's names alone"
        case .live: "pages follow the rack, leave forms alone, and go by keys"
        case .capture: "a NIC's counters, drops and stations, and its next frames as pcapng"
        case .console: "a terminal that types id and sees the answer, for writers and readers"
        case .labs: "a pasted lab file: its faults, its plan, applied, restored, destroyed, with and without JavaScript"
        case .pictures: "each page in light, dark and at a phone's width, checked"
        case .thousand: "pages of 1000 servers within 300 ms, by a release build"
        }
      }
    }

    @Test("as a person", arguments: Case.allCases)
    func person(_ test: Case) throws {
      guard let folder = screenshots else { return }
      let lab = try Lab(withHost: true, options: ClientDriver.options)
      guard let host = lab.host else { throw HarnessError("a browser needs a lab with a host") }
      // Registered, so that they go with the lab.
      let first = ["web1", "web2", "db1", "tiny", "edge"].map { lab.namespace($0) }[0]
      let downloads = "\(lab.daemon.directory)/downloads"
      try FileManager.default.createDirectory(atPath: downloads, withIntermediateDirectories: true)
      let script = ClientDriver.sources.deletingLastPathComponent().appendingPathComponent("Browser/walk.py").path
      let done = try run(
        ["ip", "netns", "exec", host.name, "/usr/bin/python3", "-B", script, test.rawValue],
        environment: [
          "TOPRACK_URL": "https://\(ClientDriver.endpoint)", "TOPRACK_TOKEN": try lab.daemon.firstToken(),
          "TOPRACK_SOCKET": lab.daemon.socket, "TOPRACK_CLI": "\(Daemon.binaries)/toprack",
          "TOPRACK_PREFIX": String(first.name.dropLast("web1".count)), "TOPRACK_SCREENSHOTS": folder,
          "TOPRACK_DOWNLOADS": downloads,
          "TOPRACK_LIMIT_MS": Daemon.binaries.hasSuffix("release") ? "300" : "0",
        ], limit: .seconds(240))
      #expect(done.status == 0, "\(done.text)\(done.errors.suffix(4_000))\n\(lab.daemon.log.suffix(1_000))")
      #expect(!lab.daemon.log.contains(" error "), "\(lab.daemon.log.suffix(1_000))")
    }
  }
}
