import ArgumentParser
import Testing

@testable import toprack

@Suite("link: what is typed") struct LinkCommandTests {
  @Test(
    "a link is SERVER:NIC, whatever is in the server's name",
    arguments: [
      ("web1:eth0", "web1", "eth0"), ("shop/web1:eth1", "shop/web1", "eth1"), ("a:b/web1:eth0", "a:b/web1", "eth0"),
    ])
  func target(_ text: String, _ server: String, _ nic: String) {
    #expect(LinkTarget(text)?.server == server && LinkTarget(text)?.nic == nic)
  }

  @Test(
    "what cannot be meant is refused before anybody is asked",
    arguments: [
      (["web1", "--loss", "1%"], "names no NIC; valid is SERVER:NIC, as web1:eth0"),
      ([":eth0", "--up"], "names no NIC"),
      (["web1:eth0"], "nothing to set"), (["web1:eth0", "--to-server"], "a direction alone sets nothing"),
      (["web1:eth0", "--down", "--to-server"], "are of the whole link"), (["web1:eth0", "--down", "--up"], "--up"),
    ])
  func refuse(_ words: [String], _ message: String) async {
    do {
      _ = try await LinkCommand.Set.asyncParse(words)
      Issue.record("\(words) was taken")
    } catch {
      #expect(LinkCommand.Set.message(for: error).contains(message), "\(words)")
    }
  }

  @Test("values are shown with their units")
  func table() {
    let line = LinkDirectionState(
      server: "web1", nic: "eth0", direction: "to-server", loss: 0.0025, delayMs: 20, jitterMs: 0.5, reorder: 0,
      duplicate: 1, corrupt: 0, rateBps: 100_000_000, seed: 7, state: "up")
    let words = LinkText.table([line]).split(separator: "\n")[1].split(separator: " ").map(String.init)
    #expect(words == ["web1", "eth0", "to-server", "up", "0.25%", "20ms", "0.5ms", "-", "100%", "-", "100mbit", "7"])
  }
}
