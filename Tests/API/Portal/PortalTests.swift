import HTTPTypes
import Hummingbird
import Rack
import Testing

@testable import API

@Suite("The portal") struct PortalTests {
  // MARK: Shares

  @Test("pages for one session are made one after another, and another session waits for none of them")
  func turns() async throws {
    try await Browser.test { browser in
      try await browser.signIn()
      let keeper = browser.keeper
      await keeper.shutGate()
      let path = "/portal/projects/\(await keeper.project)/servers"
      await withTaskGroup { group in
        for _ in 0..<3 { group.addTask { _ = try? await browser.get(path) } }
        while await keeper.atGate.isEmpty { await Task.yield() }
        for _ in 0..<2000 { await Task.yield() }
        #expect(await keeper.atGate.count == 1)
        await keeper.openGate()
      }
      #expect(try await browser.get(path).status == 200)
    }
  }

  @Test("the tables of networks, servers and addresses have pages, which say how many there are")
  func pages() async throws {
    try await Browser.test { browser in
      try await browser.signIn()
      let path = "/portal/projects/\(await browser.keeper.project)"
      for number in 0..<230 { _ = try await browser.keeper.network(1000 + number) }
      for number in 0..<105 { _ = try await browser.keeper.server("s\(number)") }
      let first = try await browser.get("\(path)/networks")
      #expect(first.text.matches(of: #/<b class="mono">/#).count == 100)
      #expect(first.text.contains("1 to 100 of 230"))
      let last = try await browser.get("\(path)/networks?page=3")
      #expect(last.text.matches(of: #/<b class="mono">/#).count == 30 && last.text.contains("201 to 230 of 230"))
      #expect(last.text.contains(">1229<") && last.text.contains("networks?page=2"))
      #expect(try await browser.get("\(path)/networks?page=99").text.contains("201 to 230 of 230"))
      let servers = try await browser.get("\(path)/servers?page=2")
      #expect(servers.text.contains("101 to 105 of 105") && !servers.text.contains(">s0<"))
      #expect(try await browser.get("\(path)/ips?page=2").text.contains("101 to 105 of 105"))
    }
  }

  // MARK: Coming in

  @Test("a browser that asks for / is sent to the portal, and from there to sign in; a client of the API is not")
  func front() async throws {
    try await Browser.test { browser in
      let page = try await browser.get("/", [.accept: "text/html,application/xhtml+xml,*/*;q=0.8"])
      #expect(page.status == 303 && page.location == "/portal")
      #expect(try await browser.get("/", [.accept: "*/*"]).status == 401)
      let portal = try await browser.get("/portal/servers/x?a=b")
      #expect(portal.status == 303 && portal.location == "/portal/sign-in?to=%2Fportal%2Fservers%2Fx%3Fa%3Db")
      #expect(try await browser.get("/metal/v1/portal").status == 401, "the API's other root has no portal")
      #expect(try await browser.get("/portalx").status == 401)
    }
  }

  @Test("every answer forbids what the portal does not use")
  func headers() async throws {
    try await Browser.test { browser in
      for path in ["/portal", "/portal/sign-in", "/portal/assets/x/y", "/portal/nothing/here"] {
        let headers = try await browser.get(path).headers
        let policy = try #require(headers[.contentSecurityPolicy])
        #expect(
          policy.hasPrefix("default-src 'none'") && !policy.contains("unsafe")
            && policy.contains("frame-ancestors 'none'"))
        #expect(headers[.xContentTypeOptions] == "nosniff")
      }
      let page = try await browser.get("/portal/sign-in").text
      #expect(!page.contains("style=\"") && !page.contains("<style") && !page.contains("onclick"))
      let asset = try #require(page.firstMatch(of: #/href="([^"]*portal.css)"/#).map { String($0.output.1) })
      let style = try await browser.get(asset)
      #expect(style.status == 200 && style.headers[.contentType]?.hasPrefix("text/css") == true)
    }
  }

  @Test("a token opens a session: a cookie that scripts and other sites never have", arguments: [true, false])
  func signIn(_ isSecure: Bool) async throws {
    try await Browser.test(isSecure: isSecure) { browser in
      let token = try await browser.keeper.token("whole")
      let page = try await browser.get("/portal/sign-in?to=/portal/projects")
      let answer = try await browser.post(
        "/portal/sign-in",
        ["form_token": try #require(page.formToken), "token": " \(token)\n", "to": "/portal/projects"])
      #expect(answer.status == 303 && answer.location == "/portal/projects")
      let cookie = try #require(answer.headers[values: .setCookie].first)
      #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Path=/portal"))
      #expect(cookie.contains("; Secure") == isSecure)
      let home = try await browser.get("/portal")
      #expect(home.status == 200 && home.text.contains("default") && home.headers[.cacheControl] == "no-store")
      #expect(try await browser.get("/projects").status == 401, "the API takes no cookie")

      #expect(try await browser.send("/portal/sign-out", from: "/portal").location == "/portal/sign-in")
      #expect(try await browser.get("/portal").status == 303)
    }
  }

  @Test("without the form's own secret nobody is signed in, and a target elsewhere is not one")
  func signInForm() async throws {
    try await Browser.test { browser in
      let token = try await browser.keeper.token("whole")
      #expect(try await browser.post("/portal/sign-in", ["token": token]).status == 403)
      let page = try await browser.get("/portal/sign-in?to=https://evil.example/")
      #expect(!page.text.contains("evil.example"))
      let secret = try #require(page.formToken)
      #expect(
        try await browser.post(
          "/portal/sign-in", ["form_token": secret, "token": token],
          [HTTPField.Name("Sec-Fetch-Site")!: "cross-site"]
        ).status == 403)
      for target in ["//evil.example", "https://evil.example", "/portal//evil", "/portal/\\evil", "/devices"] {
        let answer = try await browser.post(
          "/portal/sign-in", ["form_token": secret, "token": token, "to": target])
        #expect(answer.location == "/portal")
      }
    }
  }

  @Test("who tries often has to wait, with a right token as well")
  func limit() async throws {
    try await Browser.test { browser in
      let secret = try #require(try await browser.get("/portal/sign-in").formToken)
      for _ in 0..<10 {
        let answer = try await browser.post("/portal/sign-in", ["form_token": secret, "token": "wrong"])
        #expect(answer.status == 401 && answer.text.contains("there is no such token"))
      }
      let token = try await browser.keeper.token("whole")
      let answer = try await browser.post("/portal/sign-in", ["form_token": secret, "token": token])
      #expect(answer.status == 429 && answer.headers[.retryAfter] == "6" && answer.text.contains("try again in 6 s"))
      browser.clock.advance(by: .seconds(6))
      #expect(try await browser.post("/portal/sign-in", ["form_token": secret, "token": token]).status == 303)
      #expect(try await browser.post("/portal/sign-in", ["form_token": secret, "token": token]).status == 429)
    }
  }

  @Test("a token that is revoked ends its sessions")
  func revoked() async throws {
    try await Browser.test { browser in
      try await browser.signIn()
      #expect(try await browser.get("/portal").status == 200)
      for id in await browser.keeper.rack.tokens.keys {
        _ = try await browser.keeper.perform(.revokeToken(id), by: "test")
      }
      #expect(try await browser.get("/portal").status == 303)
    }
  }

  @Test("by the socket one is offered to continue as oneself, under a name that nobody else can point here")
  func socket() async throws {
    try await Browser.test(peer: .user("anna")) { browser in
      // The test's client asks for localhost.
      let page = try await browser.get("/portal/sign-in")
      #expect(page.text.contains("Continue as anna"))
      let fields = ["form_token": try #require(page.formToken), "as_user": "yes"]
      #expect(try await browser.post("/portal/sign-in", fields).status == 303)
      #expect(try await browser.get("/portal").text.contains("anna"))
    }
    try await Browser.test { browser in
      let page = try await browser.get("/portal/sign-in")
      #expect(!page.text.contains("Continue as"))
      let fields = ["form_token": try #require(page.formToken), "as_user": "yes"]
      #expect(try await browser.post("/portal/sign-in", fields).status == 401)
    }
  }

  // MARK: Forms

  @Test("a form without the session's secret changes nothing")
  func forged() async throws {
    try await Browser.test { browser in
      try await browser.signIn()
      let path = "/portal/projects/\(await browser.keeper.project)/networks"
      for fields in [["place": "facility:ewr1"], ["place": "facility:ewr1", "form_token": "x"]] {
        let answer = try await browser.post(path, fields)
        #expect(answer.status == 403 && answer.text.contains("nothing was changed"))
      }
      let secret = try #require(try await browser.get(path).formToken)
      let foreign = try await browser.post(
        path, ["place": "facility:ewr1", "form_token": secret], [.origin: "https://evil.example"])
      #expect(foreign.status == 403)
      #expect(await browser.keeper.rack.networks.isEmpty)
    }
  }

  @Test("a console is opened by one of our own pages alone: the cookie comes along with the WebSocket of any")
  func foreignConsole() async throws {
    try await Browser.test { browser in
      let path = "/portal/servers/\(try await browser.keeper.server("web1").id)/console"
      let key = HTTPField.Name("Sec-WebSocket-Key")!
      var headers: HTTPFields = [
        .upgrade: "websocket", .connection: "Upgrade", key: "dGhlIHNhbXBsZSBub25jZQ==",
        HTTPField.Name("Sec-WebSocket-Version")!: "13",
      ]
      #expect(try await browser.get("\(path)/socket", headers).status == 303, "nobody is signed in")
      try await browser.signIn()
      #expect(try await browser.get("\(path)/socket", headers).status == 422)
      headers[.origin] = "https://evil.example"
      #expect(try await browser.get("\(path)/socket", headers).status == 403)
      let page = try await browser.get(path)
      #expect(page.text.contains("web1 has no console") && !page.text.contains("terminal.js"))
    }
  }

  @Test("networks are added, several at once or none of them")
  func networks() async throws {
    try await Browser.test { browser in
      try await browser.signIn()
      let path = "/portal/projects/\(await browser.keeper.project)/networks"
      let added = try await browser.send(
        path, from: path, ["place": "facility:ewr1", "numbers": "1005, 1010-1012", "description": "storage"])
      #expect(added.status == 303)
      let page = try await browser.get(path)
      #expect(page.text.contains("4 networks were added: 1005, 1010, 1011 and 1012"))
      #expect(await browser.keeper.rack.networks.count == 4)
      #expect(try await browser.get(path).text.contains("were added") == false, "once")

      let refused = try await browser.send(path, from: path, ["place": "facility:ewr1", "numbers": "1001-1005"])
      #expect(refused.status == 422 && refused.text.contains("virtual network 1005 exists already"))
      #expect(refused.text.contains(#"value="1001-1005""#), "what was given is still there")
      #expect(await browser.keeper.rack.networks.count == 4)
      for (numbers, words) in [("4000", "out of range"), ("x", "is no number"), ("2-3999", "up to 64 at once")] {
        let answer = try await browser.send(path, from: path, ["place": "facility:ewr1", "numbers": numbers])
        #expect(answer.status == 422 && answer.text.contains(words), "\(numbers)")
      }
      #expect(try await browser.send(path, from: path, ["numbers": "7"]).text.contains("choose where"))
    }
  }

  @Test("SSH keys are added for the project or for all, listed, and removed")
  func sshKeys() async throws {
    try await Browser.test { browser in
      try await browser.signIn()
      let path = "/portal/projects/\(await browser.keeper.project)/ssh-keys"
      #expect(try await browser.get(path).text.contains("there is none yet"))
      let added = try await browser.send(path, from: path, ["label": "laptop", "key": KeyVectors.ed25519 + "\r\n"])
      #expect(added.status == 303 && added.location == path)
      let page = try await browser.get(path).text
      for words in [
        "SSH key laptop was added", "It goes onto new servers of default", KeyVectors.ed25519SHA256, "anna@laptop",
        "Keys of default", #"aria-current="page">SSH keys"#,
      ] { #expect(page.contains(words), "\(words)") }
      let server = try await browser.keeper.server("web1")
      #expect(try await browser.get("/portal/servers/\(server.id)").text.contains("laptop"))

      let fields = ["label": "<b>me</b>", "key": KeyVectors.ecdsa, "owner": "user"]
      #expect(try await browser.send(path, from: path, fields).status == 303)
      let both = try await browser.get(path).text
      #expect(both.contains("It goes onto new servers of all projects") && both.contains("&lt;b&gt;me&lt;/b&gt;"))
      #expect(!both.contains("<b>me</b>"))
      let keys = await browser.keeper.rack.sshKeys.values
      #expect(Set(keys.map(\.owner)) == [.user, .project(await browser.keeper.project)])
      for key in keys {
        #expect(try await browser.send("\(path)/\(key.id)/delete", from: path).status == 303)
        #expect(try await browser.get(path).text.contains("was removed"))
      }
      #expect(await browser.keeper.rack.sshKeys.isEmpty)
      #expect(try await browser.send("\(path)/\(keys.first!.id)/delete", from: path).status == 404)
    }
  }

  @Test("a key that is refused is told why, next to the form, and a private one is not shown again")
  func wrongSSHKeys() async throws {
    try await Browser.test { browser in
      try await browser.signIn()
      let path = "/portal/projects/\(await browser.keeper.project)/ssh-keys"
      let wrong = try await browser.send(path, from: path, ["label": "laptop", "key": "ssh-rsa x", "owner": "user"])
      #expect(
        wrong.status == 422 && wrong.text.contains("malformed base64") && wrong.text.contains(">ssh-rsa x</textarea>"))
      #expect(wrong.text.contains(#"value="laptop""#) && wrong.text.contains(#"value="user" checked"#))
      let secret = try await browser.send(path, from: path, ["label": "x", "key": KeyVectors.openSSHPrivate])
      #expect(secret.status == 422 && secret.text.contains("is a private key") && !secret.text.contains("b3BlbnNz"))
      let none = try await browser.send(path, from: path)
      #expect(none.text.contains("key is missing") && none.text.contains("label is missing"))
      #expect(await browser.keeper.rack.sshKeys.isEmpty)
    }
  }

  @Test("with a project's token the user's keys are seen and not changed; with a read-only one nothing is")
  func foreignSSHKeys() async throws {
    try await Browser.test { browser in
      let project = await browser.keeper.project
      let user = try await browser.keeper.key("theirs", KeyVectors.rsa, of: .user)
      let server = try await browser.keeper.server("web1")
      try await browser.signIn(project: project)
      let path = "/portal/projects/\(project)/ssh-keys"
      let page = try await browser.get(path).text
      #expect(page.contains("theirs") && !page.contains("Remove SSH key theirs") && !page.contains(#"value="user""#))
      let refused = try await browser.send("\(path)/\(user.id)/delete", from: path)
      #expect(refused.status == 403)
      let added = try await browser.send(path, from: path, ["label": "x", "key": KeyVectors.ecdsa, "owner": "user"])
      #expect(added.status == 403 && added.text.contains("concern the whole rack"))
      #expect(await browser.keeper.rack.sshKeys.count == 1)
      let password = try #require(server.rootPassword?.text)
      #expect(try await browser.get("/portal/servers/\(server.id)").text.contains(password))

      try await browser.signIn(project: project, isReadOnly: true)
      #expect(try await !browser.get(path).text.contains("<textarea"))
      #expect(try await !browser.get("/portal/servers/\(server.id)").text.contains(password))
    }
  }

  @Test("a new server's interfaces get names inside a namespace and are set up there, and its page says so")
  func namesInside() async throws {
    try await Browser.test { browser in
      try await browser.signIn()
      let path = "/portal/projects/\(await browser.keeper.project)/servers/new"
      let fields = [
        "plan": "c3.small.x86", "facility": "ewr1", "operating_system": "debian_12", "place": "namespace",
        "namespace": "clab-lab-n2",
      ]
      func make(_ hostname: String, _ more: [String: String]) async throws -> Browser.Answer {
        let all = fields.merging(["hostname": hostname, "eth0_name": "", "eth1_name": ""]) { $1 }
        return try await browser.send(path, from: path, all.merging(more) { $1 })
      }
      let made = try await make("n2", ["eth0_name": "eth1", "eth1_name": "eth2", "configure": "true"])
      #expect(made.status == 303)
      let n2 = try #require(await browser.keeper.rack.servers.values.first { $0.hostname == "n2" })
      #expect(n2.nicNames == NICNames(eth0: "eth1", eth1: "eth2") && n2.isConfigured)
      let page = try await browser.get(try #require(made.location)).text
      #expect(
        page.contains("as <code>eth1</code> and <code>eth2</code>") && page.contains("set up by Toprack: not yet"))
      let losses = try await browser.get("/portal/servers/\(n2.id)/delete").text
      #expect(losses.contains("eth1 and eth2 are taken away from namespace clab-lab-n2"))

      // One that is not named keeps its own name; nothing at all is what it always was.
      #expect(try await make("n3", ["namespace": "n3", "eth0_name": "net0"]).status == 303)
      #expect(try await make("n4", ["namespace": "n4"]).status == 303)
      let servers = await browser.keeper.rack.servers.values
      let n3 = try #require(servers.first { $0.hostname == "n3" })
      #expect(n3.nicNames == NICNames(eth0: "net0", eth1: "eth1") && !n3.isConfigured)
      #expect(servers.first { $0.hostname == "n4" }?.nicNames == NICNames())
      let bare = try await browser.get("/portal/servers/\(n3.id)").text
      #expect(bare.contains("as <code>net0</code> and <code>eth1</code>") && bare.contains("not by Toprack"))
      let host = try await browser.keeper.server("web1")
      #expect(try await !browser.get("/portal/servers/\(host.id)").text.contains("set up by"))

      let count = servers.count + 1
      for (more, words) in [
        (["eth0_name": "eth1"], "is given to eth0 and to eth1"), (["eth0_name": "a b"], "is not valid"),
        (["eth1_name": "bond0"], "is not valid"), (["configure": "yes"], "configure must be true or false"),
        (["place": "host", "eth0_name": "net0"], "and those of &quot;bad&quot; are on the host"),
        (["place": "host", "configure": "true"], "configure sets up interfaces inside a network namespace"),
      ] {
        let refused = try await make("bad", ["namespace": "bad"].merging(more) { $1 })
        #expect(refused.status == 422 && refused.text.contains(words), "\(more): \(refused.status)")
        for (name, value) in more where name.hasSuffix("_name") {
          #expect(refused.text.contains(#"name="\#(name)" value="\#(value)""#), "what was given is still there")
        }
        #expect(refused.text.contains(#"value="true" checked"#) == (more["configure"] != nil))
      }
      #expect(await browser.keeper.rack.servers.count == count)
    }
  }

  @Test("a network that is on a port is not deleted, and it is said where")
  func networkInUse() async throws {
    try await Browser.test { browser in
      try await browser.signIn()
      let (server, network) = (try await browser.keeper.server("web1"), try await browser.keeper.network(1001))
      _ = try await browser.keeper.perform(.setMode(server.id, .hybrid), by: "test")
      _ = try await browser.keeper.perform(.assign(server.eth1.id, .id(network.id)), by: "test")
      let path = "/portal/projects/\(await browser.keeper.project)/networks"
      let refused = try await browser.send("/portal/networks/\(network.id)/delete", from: path)
      #expect(refused.status == 422 && refused.text.contains("1001 is on web1 eth1; detach it first"))
      _ = try await browser.keeper.perform(.unassign(server.eth1.id, .id(network.id)), by: "test")
      #expect(try await browser.send("/portal/networks/\(network.id)/delete", from: path).status == 303)
      #expect(await browser.keeper.rack.networks.isEmpty)
    }
  }

  @Test("a conversion that loses something has to be meant")
  func conversion() async throws {
    try await Browser.test { browser in
      try await browser.signIn()
      let server = try await browser.keeper.server("web1")
      let path = "/portal/servers/\(server.id)"
      let page = try await browser.get("\(path)/network").text
      #expect(page.contains("Its addresses are lost for good") && page.contains("by its console only"))
      let refused = try await browser.send("\(path)/mode", from: "\(path)/network", ["mode": "layer2-bonded"])
      #expect(refused.status == 422 && refused.text.contains("nothing was changed"))
      #expect(await browser.keeper.rack.servers[server.id]?.mode == .layer3)
      let done = try await browser.send(
        "\(path)/mode", from: "\(path)/network", ["mode": "layer2-bonded", "sure": "yes"])
      #expect(done.status == 303)
      let after = try await browser.get("\(path)/network").text
      #expect(after.contains("web1 is in mode layer2-bonded now") && after.contains("Released: "))
      #expect(after.contains("It is given new addresses, not those that it had before"))
      let unknown = try await browser.send("\(path)/mode", from: "\(path)/network", ["mode": "x"])
      #expect(unknown.status == 422 && unknown.text.contains("is not known"))
    }
  }

  @Test("networks that are in the way are named before, and by whoever tries all the same")
  func blocked() async throws {
    try await Browser.test { browser in
      try await browser.signIn()
      let (server, network) = (try await browser.keeper.server("web1"), try await browser.keeper.network(1001))
      _ = try await browser.keeper.perform(.setMode(server.id, .hybrid), by: "test")
      _ = try await browser.keeper.perform(.assign(server.eth1.id, .id(network.id)), by: "test")
      let path = "/portal/servers/\(server.id)"
      let words = "eth1 of web1 carries virtual network 1001, which it cannot in mode layer3: detach first"
      #expect(try await browser.get("\(path)/network").text.contains(words))
      let refused = try await browser.send("\(path)/mode", from: "\(path)/network", ["mode": "layer3"])
      #expect(refused.status == 422 && refused.text.contains(words))
      #expect(await browser.keeper.rack.servers[server.id]?.mode == .hybrid)
    }
  }

  @Test("attaching: what can be chosen, what cannot and why, and what is refused all the same")
  func attach() async throws {
    try await Browser.test { browser in
      try await browser.signIn()
      let (server, network) = (try await browser.keeper.server("web1"), try await browser.keeper.network(1001))
      let far = try await browser.keeper.network(1002, facility: "ams1")
      _ = try await browser.keeper.perform(.setMode(server.id, .hybrid), by: "test")
      let path = "/portal/servers/\(server.id)"
      let page = try await browser.get("\(path)/attach/eth1").text
      #expect(page.contains(#"value="\#(network.id)""#) && !page.contains(#"value="\#(far.id)""#))
      #expect(page.contains("a network never leaves its place"))
      #expect(page.contains("eth0 of web1 is a member of bond0"))
      let refused = try await browser.send("\(path)/attach/eth1", from: "\(path)/attach/eth1", ["network": "\(far.id)"])
      #expect(refused.status == 422 && refused.text.contains("a network never leaves its place"))
      #expect(
        try await browser.send("\(path)/attach/eth1", from: "\(path)/attach/eth1").text.contains("choose a network"))
      let done = try await browser.send(
        "\(path)/attach/eth1", from: "\(path)/attach/eth1", ["network": "\(network.id)"])
      #expect(done.status == 303)
      #expect(await browser.keeper.rack.servers[server.id]?.eth1.networks == [network.id])
      let fields = ["port": "eth1", "network": "\(network.id)"]
      let native = try await browser.send("\(path)/native", from: "\(path)/network", fields)
      #expect(native.status == 422 && native.text.contains("a native one is chosen among two or more"))
      #expect(try await browser.send("\(path)/detach", from: "\(path)/network", fields).status == 303)
    }
  }

  @Test("a server is created as the API creates it, with its refusals, and deleted")
  func servers() async throws {
    try await Browser.test { browser in
      try await browser.signIn()
      let path = "/portal/projects/\(await browser.keeper.project)/servers"
      let fields = ["hostname": "web1", "plan": "c3.small.x86", "facility": "ewr1", "operating_system": "debian_12"]
      let made = try await browser.send("\(path)/new", from: "\(path)/new", fields)
      #expect(made.status == 303)
      let twice = try await browser.send("\(path)/new", from: "\(path)/new", fields)
      #expect(twice.status == 422 && twice.text.contains("a project has each hostname once"))
      #expect(twice.text.contains(#"<option value="c3.small.x86" selected>"#))
      let server = try #require(await browser.keeper.rack.servers.values.first)
      _ = try await browser.keeper.perform(
        .updateServer(
          server.id,
          {
            var update = ServerUpdate(); update.isLocked = true; return update
          }()), by: "test")
      let deletion = "/portal/servers/\(server.id)/delete"
      #expect(try await browser.get(deletion).text.contains("is locked and cannot be deleted"))
      #expect(try await browser.send(deletion, from: deletion).status == 422)
      _ = try await browser.keeper.perform(
        .updateServer(
          server.id,
          {
            var update = ServerUpdate(); update.isLocked = false; return update
          }()), by: "test")
      #expect(try await browser.send(deletion, from: deletion).location == path)
      #expect(await browser.keeper.rack.servers.isEmpty)
    }
  }

  // MARK: Rights

  @Test("a read-only token sees everything and changes nothing, by no form")
  func readOnly() async throws {
    try await Browser.test { browser in
      let (server, network) = (try await browser.keeper.server("web1"), try await browser.keeper.network(1001))
      try await browser.signIn(isReadOnly: true)
      let project = await browser.keeper.project
      for path in [
        "/portal", "/portal/projects/\(project)/servers", "/portal/projects/\(project)/networks",
        "/portal/projects/\(project)/ips", "/portal/projects/\(project)/rack", "/portal/servers/\(server.id)",
        "/portal/servers/\(server.id)/network", "/portal/servers/\(server.id)/attach",
        "/portal/servers/\(server.id)/nics/eth0",
      ] {
        let page = try await browser.get(path)
        #expect(page.status == 200, "\(path)")
        #expect(
          page.text.matches(of: #/method="post" action="([^"]*)"/#).map { String($0.output.1) } == ["/portal/sign-out"])
      }
      let before = await browser.keeper.rack
      let here = "/portal/servers/\(server.id)"
      for (path, fields) in [
        ("/portal/projects/\(project)/networks", ["place": "facility:ewr1"]),
        ("/portal/networks/\(network.id)/delete", [:]), ("\(here)/mode", ["mode": "hybrid"]),
        ("\(here)/power", ["action": "off"]), ("\(here)/delete", [:]),
        (
          "/portal/projects/\(project)/servers/new",
          ["plan": "c3.small.x86", "facility": "ewr1", "operating_system": "debian_12"]
        ),
        ("\(here)/attach/eth1", ["network": "\(network.id)"]),
        ("\(here)/detach", ["port": "eth1", "network": "\(network.id)"]),
        ("\(here)/native", ["port": "eth1", "network": "\(network.id)"]), ("\(here)/native/none", ["port": "eth1"]),
      ] as [(String, [String: String])] {
        let answer = try await browser.send(path, from: "/portal", fields)
        #expect(answer.status == 403 && answer.text.contains("the token is read-only"), "\(path): \(answer.status)")
      }
      #expect(await browser.keeper.rack == before)
    }
  }

  @Test("another project's things are not there, on no page and by no form")
  func isolation() async throws {
    try await Browser.test { browser in
      let (server, network) = (try await browser.keeper.server("web1"), try await browser.keeper.network(1001))
      guard
        case .project(let own) = try await browser.keeper.perform(
          .createProject(name: "own", customdata: "{}"), by: "t"
        )
        .subject
      else { return }
      let other = await browser.keeper.project
      try await browser.signIn(project: own)
      #expect(try await browser.get("/portal").text.contains("default") == false)
      let here = "/portal/servers/\(server.id)"
      for path in [
        "/portal/projects/\(other)", "/portal/projects/\(other)/servers", "/portal/projects/\(other)/servers/new",
        "/portal/projects/\(other)/networks", "/portal/projects/\(other)/ips", "/portal/projects/\(other)/rack",
        "/portal/projects/\(other)/rack.svg", here, "\(here)/network", "\(here)/attach", "\(here)/attach/eth1",
        "\(here)/delete", "\(here)/nics/eth0", "\(here)/nics/eth0/capture?frames=1&seconds=1",
      ] {
        #expect(try await browser.get(path).status == 404, "\(path)")
      }
      let before = await browser.keeper.rack
      for (path, fields) in [
        ("/portal/projects/\(other)/networks", ["place": "facility:ewr1"]),
        ("/portal/networks/\(network.id)/delete", [:]), ("\(here)/mode", ["mode": "hybrid"]),
        ("\(here)/power", ["action": "off"]), ("\(here)/delete", [:]),
        ("/portal/projects/\(other)/servers/new", ["plan": "c3.small.x86"]),
        ("\(here)/attach/eth1", ["network": "\(network.id)"]),
        ("\(here)/detach", ["port": "eth1", "network": "\(network.id)"]),
        ("\(here)/native", ["port": "eth1", "network": "\(network.id)"]), ("\(here)/native/none", ["port": "eth1"]),
      ] as [(String, [String: String])] {
        #expect(try await browser.send(path, from: "/portal", fields).status == 404, "\(path)")
      }
      #expect(await browser.keeper.rack == before)
    }
  }
}
