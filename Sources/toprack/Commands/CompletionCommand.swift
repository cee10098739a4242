// `completion bash | zsh | fish`: the script that makes a shell complete this program's command lines.

import ArgumentParser

struct CompletionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completion", abstract: "Print the script that completes toprack in your shell.",
    discussion: """
      Commands, options and modes are completed, and what the rack has: servers, ports, networks, projects, tokens, blocks. \
      These are asked of the daemon that the line would talk to; when it does not answer there are none.

        bash  toprack completion bash >~/.local/share/bash-completion/completions/toprack
              (needs the package bash-completion; without it: source that file in ~/.bashrc)
        zsh   toprack completion zsh >~/.zfunc/_toprack
              (with 'fpath=(~/.zfunc $fpath)' before 'compinit' in ~/.zshrc)
        fish  toprack completion fish >~/.config/fish/completions/toprack.fish

      scripts/install puts all three where the shells look for everybody. To try it now, in bash: source <(toprack completion bash)
      """)

  enum Shell: String, ExpressibleByArgument, CaseIterable {
    case bash, zsh, fish

    var parser: CompletionShell {
      switch self {
      case .bash: .bash
      case .zsh: .zsh
      case .fish: .fish
      }
    }
  }

  @Argument(help: "bash, zsh or fish.") var shell: Shell
  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func run() { Output.writeUnchanged(CompletionScript.text(for: shell)) }
}
