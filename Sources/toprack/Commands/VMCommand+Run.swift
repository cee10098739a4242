// `vm run`: a machine that the daemon starts and keeps an eye on.

import ArgumentParser
import Foundation

extension VMCommand {
  struct Run: AsyncParsableCommand {
    enum Restart: String, ExpressibleByArgument, CaseIterable {
      case no
      case onFailure = "on-failure"
    }

    static let configuration = CommandConfiguration(
      abstract: "Run a virtual machine on a server's NICs.",
      discussion: """
        QEMU runs with the server's MAC addresses, its NICs with a speed, its serial line as the server's console: \
        'toprack console SERVER'. KVM is used where it works, emulation elsewhere. Files are those of the daemon's \
        machine. It goes on when the daemon is restarted; 'server power' and 'server reboot' act on it.

        The command ends when QEMU runs; with --wait, when the machine was heard on the network.

        Examples:
          toprack vm run web1 --disk debian-12-genericcloud-amd64.qcow2 --snapshot --cloud-init
          toprack vm run web1 --kernel vmlinuz --initrd initrd --append 'console=ttyS0' --memory 256M
          toprack vm run db1 --disk db1.raw --memory 2G --cpus 2 --restart on-failure --wait
        """)

    @Argument(help: "Name, PROJECT/NAME or UUID.", completion: .servers) var server: String
    @Option(help: ArgumentHelp("Image of a disk to boot from: raw, qcow2, …", valueName: "image"), completion: .file())
    var disk: String?
    @Flag(help: "What is written to the disk is forgotten when the machine ends.") var snapshot = false
    @Option(help: ArgumentHelp("Kernel to boot; a disk is then only there.", valueName: "file"), completion: .file())
    var kernel: String?
    @Option(help: ArgumentHelp("Initial file system of the kernel.", valueName: "file"), completion: .file())
    var initrd: String?
    @Option(help: ArgumentHelp("The kernel's command line.", valueName: "text")) var append: String?
    @Option(help: ArgumentHelp("Memory, as 512M or 2G.", valueName: "size")) var memory = "512M"
    @Option(help: ArgumentHelp("Processors.", valueName: "number")) var cpus = 1
    @Flag(help: "Tell cloud-init in the machine the server's name, network, keys and user data, by a disk.")
    var cloudInit = false
    @Option(help: ArgumentHelp("When it is started again by itself: no or on-failure.", valueName: "when"))
    var restart = Restart.no
    @Flag(help: "Wait until the machine was heard on the network.") var wait = false
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func validate() throws {
      switch (disk, kernel) {
      case (nil, nil): throw ValidationError("give what to boot: --disk IMAGE or --kernel FILE")
      case (nil, _) where snapshot: throw ValidationError("--snapshot is for a --disk")
      case (_, nil) where initrd != nil: throw ValidationError("--initrd is for a --kernel")
      case (_, nil) where append != nil: throw ValidationError("--append is for a --kernel")
      default: break
      }
      _ = try ByteSize.reading(memory, of: "--memory")
      guard (1...256).contains(cpus) else {
        throw ValidationError("--cpus \(cpus) is out of range; valid are 1 to 256")
      }
    }

    func run() async throws {
      let client = try global.client
      var answer = try await client.put(VMCommand.path(server), try body(for: client))
      if wait { answer = try await heard(client) }
      try global.output.print(json: try answer.value()) { VMText.line(try answer.decoded()) }
    }

    private func body(for client: Client) throws -> [String: Any] {
      var body: [String: Any] = [
        "snapshot": snapshot, "memory": try ByteSize.reading(memory, of: "--memory").bytes, "cpus": cpus,
        "cloud_init": cloudInit, "restart": restart.rawValue,
      ]
      for (name, path) in [("disk", disk), ("kernel", kernel), ("initrd", initrd)] {
        if let path { body[name] = try HostPath.absolute(path, of: "--\(name)", for: client) }
      }
      if let append { body["append"] = append }
      return body
    }

    /// How long a machine may be silent: one that is emulated boots for minutes.
    private static let patience = Duration.seconds(600)

    /// Asks until the machine was heard, and fails when it has ended or says nothing.
    private func heard(_ client: Client) async throws -> Answer {
      let deadline = ContinuousClock.now + Self.patience
      while true {
        let answer = try await client.get(VMCommand.path(server))
        let machine = try answer.decoded(as: VMStatus.self)
        if machine.isHeard { return answer }
        guard ["starting", "running"].contains(machine.state) else { throw Failure.refused(VMText.line(machine)) }
        guard ContinuousClock.now < deadline else {
          throw Failure.refused(
            "the machine of \(machine.server) runs, and was not heard in \(Self.patience.components.seconds) s; "
              + "'toprack console \(machine.server)' shows what it says")
        }
        try await Task.sleep(for: .milliseconds(200))
      }
    }
  }
}
