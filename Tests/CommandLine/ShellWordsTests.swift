import Testing

@testable import toprack

@Suite("Words of a command line") struct ShellWordsTests {
  @Test(
    "quotes and backslashes are taken off as a shell does it",
    arguments: [
      ("web1", "web1"), ("'my project'", "my project"), ("\"my project\"", "my project"),
      ("my\\ project", "my project"), ("'a\\b'", "a\\b"), ("\"it's\"", "it's"), ("'unfin", "unfin"),
      ("--socket='/tmp/a b'", "--socket=/tmp/a b"), ("", ""),
    ])
  func unquoted(_ word: String, _ wanted: String) {
    #expect(ShellWords.unquoted(word) == wanted)
  }

  @Test("a word is plain when no shell reads more in it")
  func plain() {
    for word in ["web1", "shop/web1", "2001:db8::/64", "a+b,c@d_e", "büro", "0b1d"] {
      #expect(ShellWords.isPlain(word), "\(word)")
    }
    for word in [
      "", "$(id)", "`id`", "a;b", "a b", "a'b", "a\"b", "a\\b", "~root", "a*", "{a,b}", "a|b", "a&b", "<a", "a\nb",
      "--url",
      "a#b", "=a", "a!b", "a\u{202E}b", "a\u{A0}b", "a\u{1B}b",
    ] {
      #expect(!ShellWords.isPlain(word), "\(word.debugDescription)")
    }
  }

  @Test("no completion of bash hands words to compgen, which would run what is in them")
  func script() {
    let script = CompletionScript.text(for: .bash)
    let lines = script.split(separator: "\n").filter { $0.contains("compgen") }
    // Flags, options and commands are words of this program, in apostrophes or from lists of the script.
    let data = lines.filter { !$0.contains("compgen -W '") && !$0.contains("compgen -W \"${repeating_flags[*]} ") }
    #expect(data.map { $0.drop { $0 == " " } } == [#"IFS=$'\n' compgen "${@}" -- "${cur}""#])
    #expect(script.contains("if [[ \"${1}\" != -W ]]; then\n"))
  }

  @Test("a completion asks the daemon that the line names, wherever it does")
  func connection() {
    #expect(
      ShellWords.connection(in: ["toprack", "--socket", "/a", "server", "show", ""]) == ["--socket", "/a"])
    #expect(ShellWords.connection(in: ["toprack", "server", "show", "", "--socket=/a"]) == ["--socket=/a"])
    #expect(
      ShellWords.connection(in: ["toprack", "--url", "https://h", "--token", "t", "--insecure", "server", "list"])
        == ["--url", "https://h", "--token", "t", "--insecure"])
    #expect(ShellWords.connection(in: ["toprack", "server", "create", "--plan", "x", "--socket"]).isEmpty)
  }

  @Test("--netns with a value becomes an option, and nothing else changes")
  func namespaceFlag() {
    #expect(
      CommandLineForms.standard(["server", "create", "--netns=lab", "web1"])
        == ["server", "create", "--\(CommandLineForms.namedNamespace)=lab", "web1"])
    #expect(CommandLineForms.standard(["--netns", "x"]) == ["--netns", "x"])
    #expect(CommandLineForms.standard(["--", "--netns=x"]) == ["--", "--netns=x"])
    let question = ["---completion", "server", "create", "--", "--plan", "4", "0", "toprack", "--netns=x"]
    #expect(CommandLineForms.standard(question) == question)
  }
}
