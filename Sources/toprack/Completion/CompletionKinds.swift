// What completes which argument. Words that are the same in every rack are in the script; the others are asked of the
// daemon when the key is pressed.

import ArgumentParser

extension CompletionKind {
  static let modes = list(["layer3", "hybrid", "layer2-bonded", "layer2-individual"])
  static let networkConfigFormats = list(["ip", "netplan", "ifupdown", "networkd", "cloud-init"])

  static let servers = live { try await $0.servers() }
  /// Servers with a virtual machine.
  static let machines = live { try await $0.machines() }
  static let ports = live { try await $0.ports() }
  /// Those that can be attached to the port before.
  static let attachable = live { try await $0.attachableNetworks() }
  /// Those that are on the port before.
  static let attached = live { try await $0.attachedNetworks() }
  static let attachedOrNone = live { try await $0.attachedNetworks() + ["none"] }
  static let networks = live { try await $0.networks() }
  static let projects = live { try await $0.projects() }
  static let labs = live { try await $0.labs() }
  static let sshKeys = live { try await $0.sshKeys() }
  static let mirrors = live { try await $0.mirrors() }
  static let tokens = live { try await $0.tokens() }
  static let plans = live { try await $0.plans() }
  static let facilities = live { try await $0.facilities() }
  static let metros = live { try await $0.metros() }
  static let operatingSystems = live { try await $0.operatingSystems() }
  static let reservedBlocks = live { try await $0.reservedBlocks() }
  static let assignedBlocks = live { try await $0.assignedBlocks() }

  /// Nothing, and no noise, when the daemon does not answer; and no word that a shell would read as more than a word,
  /// whoever has chosen it.
  private static func live(_ find: @escaping @Sendable (Candidates) async throws -> [String]) -> CompletionKind {
    .custom { words, index, _ in
      guard let candidates = try? Candidates(words: words, before: index) else { return [] }
      let found = ((try? await find(candidates)) ?? []).filter(ShellWords.isPlain)
      // For zsh what follows a colon is a description.
      return CompletionShell.requesting == .zsh ? found.map { $0.replacing(":", with: "\\:") } : found
    }
  }
}
