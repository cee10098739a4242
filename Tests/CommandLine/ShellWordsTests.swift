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
