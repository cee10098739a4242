// The completion script of a shell: the argument parser's, with one change for bash.
//
// In bash the parser's script hands the words that it has asked for to `compgen -W`, and that expands each of them like
// a word of a command line, command substitutions included (bash manual, "Programmable Completion Builtins"). Words
// that come from a rack are chosen by its tenants. So here they are compared with what was typed, and nothing expands
// them.

import ArgumentParser

enum CompletionScript {
  static func text(for shell: CompletionCommand.Shell) -> String {
    let script = Toprack.completionScript(for: shell.parser)
    return shell == .bash ? script.replacing(expanding, with: comparing) : script
  }

  private static let expanding = #"""
        done < <(IFS=$'\n' compgen "${@}" -- "${cur}")
    """#

  /// `-W` is the only kind of words that are data; the others are files.
  private static let comparing = #"""
        done < <(
            if [[ "${1}" != -W ]]; then
                IFS=$'\n' compgen "${@}" -- "${cur}"
                exit
            fi
            while IFS='' read -r completion; do
                [[ -n "${completion}" && "${completion}" = "${cur}"* ]] && printf '%s\n' "${completion}"
            done <<<"${2}"
        )
    """#
}
