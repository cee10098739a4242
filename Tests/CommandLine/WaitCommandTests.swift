import ArgumentParser
import Testing

@testable import toprack

@Suite("wait: what is typed") struct WaitCommandTests {
  @Test("--link may have a value, and takes no word behind it for one")
  func link() async throws {
    #expect(
      CommandLineForms.standard(["wait", "--link=eth0", "web1"])
        == ["wait", "--\(CommandLineForms.linkOf)=eth0", "web1"])
    let plain = try await WaitCommand.asyncParse(CommandLineForms.standard(["--link", "web1", "web2"]))
    #expect(plain.link && plain.linkOf == nil && plain.servers == ["web1", "web2"])
    let named = try await WaitCommand.asyncParse(CommandLineForms.standard(["web1", "--link=eth1"]))
    #expect(!named.link && named.linkOf == "eth1")
  }

  @Test(
    "what cannot be meant is refused before anybody is asked",
    arguments: [
      (["web1", "--timeout", "soon"], "--timeout 'soon' is no time; valid are seconds"),
      (["web1", "--link=bond0"], "valid are --link, --link=eth0 and --link=eth1"),
      (["web1", "--link", "--link=eth0"], "exclude each other"), (["--lacp"], "servers"),
    ])
  func refuse(_ words: [String], _ message: String) async {
    do {
      _ = try await WaitCommand.asyncParse(CommandLineForms.standard(words))
      Issue.record("\(words) was taken")
    } catch {
      let text = WaitCommand.message(for: error)
      #expect(text.contains(message), "\(text)")
    }
  }
}
