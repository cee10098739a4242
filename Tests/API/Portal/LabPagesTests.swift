import Labs
import Rack
import Testing

@testable import API

/// Labs in the portal, over a rack without a switch: what is shown, what is done, and what is refused.
@Suite("Labs in the portal") struct LabPagesTests {
  static let shop = """
    lab: shop
    networks:
      back: {vxlan: 1001, description: between web and db}
    servers:
      web[1-2]:
        mode: hybrid
        ports: {eth1: [back]}
    addresses:
      front: {size: 30, server: web1}
    """

  /// A signed-in browser, and where its project's labs are.
  private static func test(
    _ body: @Sendable @escaping (_ browser: Browser, _ labs: String) async throws -> Void
  ) async throws {
    try await Browser.test { browser in
      try await browser.signIn()
      try await body(browser, "/portal/projects/\(await browser.keeper.project)/labs")
    }
  }

  /// The generation that the button of a plan is for; `nil`: there is no button.
  private static func generation(_ page: Browser.Answer) -> String? {
    page.text.firstMatch(of: #/name="generation" value="([^"]*)"/#).map { String($0.output.1) }
  }

  /// Plans and applies, as a person does; answers what followed the button.
  @discardableResult
  private static func apply(
    _ file: String, _ browser: Browser, _ labs: String, _ more: [String: String] = [:]
  ) async throws -> Browser.Answer {
    let fields = ["file": file].merging(more) { $1 }
    let plan = try await browser.send("\(labs)/new", from: "\(labs)/new", fields)
    #expect(plan.status == 200, "\(plan.text)")
    let generation = try #require(Self.generation(plan), "\(plan.text)")
    return try await browser.send(
      "\(labs)/apply", from: "\(labs)/new", fields.merging(["generation": generation]) { $1 })
  }

  private static func path(_ browser: Browser, _ name: String = "shop") async throws -> String {
    let lab = try #require(await browser.keeper.rack.labs.values.first { $0.name == name })
    return "/portal/labs/\(lab.id)"
  }

  @Test("a pasted file is planned, applied by the button alone, and is a lab with a page and a row")
  func whole() async throws {
    try await Self.test { browser, labs in
      let empty = try await browser.get(labs)
      #expect(empty.text.contains("There is no lab yet") && empty.text.contains(#"aria-current="page">Labs"#))
      // As a browser sends lines.
      let file = Self.shop.replacing("\n", with: "\r\n")
      let before = await browser.keeper.rack
      let plan = try await browser.send("\(labs)/new", from: "\(labs)/new", ["file": file])
      #expect(plan.status == 200 && Self.generation(plan) == "0")
      for words in [
        "Lab shop of default: a new lab, ", #"<span class="quiet">network</span> <b>back</b>"#, "<b>web2</b>",
        #"<b>front</b>"#, ">Apply</button>", "between web and db",
      ] { #expect(plan.text.contains(words), "\(words)") }
      #expect(await browser.keeper.rack == before, "a plan changes nothing")

      let done = try await Self.apply(file, browser, labs)
      let path = try await Self.path(browser)
      #expect(done.status == 303 && done.location == path)
      let page = try await browser.get(path).text
      for words in [
        "Lab shop was applied: ", "+ server web1", "<b>1001</b>", "web1 eth1 and web2 eth1", ">front</a>",
        "lab: shop", "web[1-2]:", "There is none.",
      ] { #expect(page.contains(words), "\(words)") }
      for server in await browser.keeper.rack.servers.values {
        #expect(page.contains(#"<a href="/portal/servers/\#(server.id)">"#))
      }
      #expect(try await !browser.get(path).text.contains("was applied"), "once")
      let list = try await browser.get(labs).text
      #expect(list.contains(#"<a href="\#(path)">shop</a>"#) && list.contains("Labs of default"))

      // The same again is nothing to do; as it is now it goes into the form.
      let form = try await browser.get("\(labs)/new?lab=\(path.split(separator: "/").last ?? "")")
      #expect(form.text.contains("web[1-2]:") && Self.generation(form) == nil)
      let again = try await browser.send("\(labs)/new", from: "\(labs)/new", ["file": file])
      #expect(again.text.contains("nothing to do") && Self.generation(again) == nil)
    }
  }

  @Test("what is given up for good is marked, and a change says from what to what")
  func losing() async throws {
    try await Self.test { browser, labs in
      try await Self.apply(Self.shop, browser, labs)
      let path = try await Self.path(browser)
      let less = """
        lab: shop
        networks: {back: {vxlan: 1001}}
        servers:
          web1: {mode: layer2-bonded, ports: {bond0: [back]}}
        """
      let plan = try await browser.send("\(labs)/new", from: "\(labs)/new", ["file": less])
      #expect(plan.status == 200)
      for words in [
        #"<tr class="remove">"#, "hybrid → layer2-bonded", #"<p class="loss">"#, "given back for good",
        "marks what is given up for good", #"<button class="danger" data-busy="Applying…">Apply"#,
      ] { #expect(plan.text.contains(words), "\(words)") }
      #expect(!plan.text.contains("is made anew"))
      #expect(await browser.keeper.rack.servers.count == 2)
      let moved = less.replacing("web1: {", with: "web1: {plan: m3.small.x86, ")
      let anew = try await browser.send("\(labs)/new", from: "\(labs)/new", ["file": moved])
      #expect(
        anew.text.contains(#"<tr class="recreate">"#) && anew.text.contains(#"<span aria-hidden="true">-/+</span>"#))
      #expect(anew.text.contains("is made anew"))
      try await Self.apply(less, browser, labs)
      #expect(await browser.keeper.rack.servers.count == 1)
      let page = try await browser.get(path).text
      #expect(page.contains("- server web2") && page.contains("given back for good"))
    }
  }

  @Test("faults stand beside the text with line and column, nothing of the text runs, and nothing is changed")
  func faults() async throws {
    try await Self.test { browser, labs in
      let hostile =
        "lab: shop\r\nservers:\r\n  web1: {plan: \"<script>alert(1)</script>\"}\r\n  web2: {mod: hybrid}\r\n"
      let before = await browser.keeper.rack
      let page = try await browser.send("\(labs)/new", from: "\(labs)/new", ["file": hostile])
      #expect(page.status == 422 && Self.generation(page) == nil)
      #expect(!page.text.contains("<script>alert"))
      #expect(page.text.contains(#"<b class="mono">4:10:</b>"#), "\(page.text)")
      #expect(page.text.contains("rows=\"22\"") && page.text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
      #expect(page.text.contains("<code class=\"excerpt\">  web2: {mod: hybrid}"))
      #expect(page.text.contains("\n\(hostile.replacing("<", with: "&lt;").prefix(10))"), "the text is still there")
      // The whole of it is read again, on the plan's page, in the field of the button.
      let name = "lab: shop\nservers:\n  web1: {description: \"<script>alert(1)</script>'\"}\n"
      let plan = try await browser.send("\(labs)/new", from: "\(labs)/new", ["file": name])
      #expect(plan.status == 200 && !plan.text.contains("<script>alert"))
      #expect(await browser.keeper.rack == before)
      try await Self.apply(name, browser, labs)
      let path = try await Self.path(browser)
      #expect(try await !browser.get(path).text.contains("<script>alert"))

      for (file, words) in [
        ("", "Nothing was changed"), ("lab: shop\nproject: nowhere\n", "there is no project"),
        ("\tlab: x", "1:1:"), ("lab: shop\nservers:\n  web1: {plan: giant}\n", "3:"),
      ] {
        let answer = try await browser.send("\(labs)/new", from: "\(labs)/new", ["file": file])
        #expect((400..<500).contains(answer.status) && answer.text.contains(words), "\(file): \(answer.text)")
        #expect(answer.text.contains(#"id="file""#) && Self.generation(answer) == nil)
      }
    }
  }

  @Test("what is there and is not the lab's own is refused beside the text, and adopted when that is ticked")
  func conflict() async throws {
    try await Self.test { browser, labs in
      let web1 = try await browser.keeper.server("web1")
      let file = "lab: shop\nservers:\n  web1: {plan: c3.small.x86}\n"
      let refused = try await browser.send("\(labs)/new", from: "\(labs)/new", ["file": file])
      #expect(refused.status == 409 && refused.text.contains("Nothing was changed"), "\(refused.text)")
      #expect(refused.text.contains("web1: {plan: c3.small.x86}") && Self.generation(refused) == nil)
      let late = try await browser.send(
        "\(labs)/apply", from: "\(labs)/new", ["file": file, "generation": "0"])
      #expect(late.status == 409)
      #expect(await browser.keeper.rack.labs.isEmpty)
      let plan = try await browser.send("\(labs)/new", from: "\(labs)/new", ["file": file, "adopt": "true"])
      #expect(plan.text.contains(#"name="adopt" value="true" checked"#))
      #expect(plan.text.contains(#"<input type="hidden" name="adopt" value="true">"#))
      #expect(try await Self.apply(file, browser, labs, ["adopt": "true"]).status == 303)
      #expect(await browser.keeper.rack.servers[web1.id]?.lab != nil)
    }
  }

  @Test("a lab that was changed since the plan is not: the new plan is shown, with a button for it")
  func stale() async throws {
    try await Self.test { browser, labs in
      try await Self.apply(Self.shop, browser, labs)
      let more = Self.shop.replacing("web[1-2]", with: "web[1-3]")
      let plan = try await browser.send("\(labs)/new", from: "\(labs)/new", ["file": more])
      let generation = try #require(Self.generation(plan))
      let server = try #require(await browser.keeper.rack.servers.values.first { $0.hostname == "web1" })
      _ = try await browser.keeper.perform(.setMode(server.id, .layer2Individual), by: "somebody")
      let before = await browser.keeper.rack
      let refused = try await browser.send(
        "\(labs)/apply", from: "\(labs)/new", ["file": more, "generation": generation])
      #expect(refused.status == 412 && refused.text.contains("This is what the file would do now"))
      #expect(refused.text.contains("layer2-individual → hybrid") && refused.text.contains("web[1-3]"))
      #expect(await browser.keeper.rack == before)
      let new = try #require(Self.generation(refused))
      #expect(new != generation)
      let done = try await browser.send("\(labs)/apply", from: "\(labs)/new", ["file": more, "generation": new])
      #expect(done.status == 303)
      #expect(await browser.keeper.rack.servers.count == 3)
      let bare = try await browser.send("\(labs)/apply", from: "\(labs)/new", ["file": Self.shop])
      #expect(bare.status == 422 && bare.text.contains("generation is missing"))
    }
  }

  @Test("checkpoints are saved, restored with the same addresses after their plan was seen, and forgotten")
  func checkpoints() async throws {
    try await Self.test { browser, labs in
      try await Self.apply(Self.shop, browser, labs)
      let path = try await Self.path(browser)
      #expect(try await browser.send("\(path)/save", from: path, ["checkpoint": "good"]).status == 303)
      #expect(try await browser.get(path).text.contains("Checkpoint good was saved"))
      let odd = "A <b> & é"
      #expect(try await browser.send("\(path)/save", from: path, ["checkpoint": odd]).status == 303)
      let page = try await browser.get(path).text
      #expect(page.contains("A &lt;b&gt; &amp; é") && !page.contains("A <b>"))
      let link = try #require(page.firstMatch(of: #/href="([^"]*restore\?from=A[^"]*)"/#).map { String($0.output.1) })
      #expect(try await browser.get(link).text.contains("from checkpoint A &lt;b&gt;"))
      #expect(try await browser.send("\(path)/forget", from: path, ["checkpoint": odd]).status == 303)
      let bad = try await browser.send("\(path)/save", from: path, ["checkpoint": "a\u{1}"])
      #expect(bad.status == 422 && bad.text.contains("checkpoint"))

      let server = try #require(await browser.keeper.rack.servers.values.first { $0.hostname == "web1" })
      _ = try await browser.keeper.perform(.setMode(server.id, .layer2Individual), by: "somebody")
      let restore = try await browser.get("\(path)/restore?from=good")
      #expect(restore.text.contains("layer2-individual → hybrid"), "\(restore.text)")
      let fields = ["from": "good", "generation": try #require(Self.generation(restore))]
      #expect(try await browser.send("\(path)/restore", from: path, fields).location == path)
      let now = try #require(await browser.keeper.rack.servers[server.id])
      #expect(now.mode == .hybrid && now.addresses.map(\.address) == server.addresses.map(\.address))
      let stale = try await browser.send("\(path)/restore", from: path, fields.merging(["generation": "1"]) { $1 })
      #expect(stale.status == 412 && stale.text.contains("plan again"))
      #expect(try await browser.get("\(path)/restore?from=none").text.contains("has no checkpoint"))

      #expect(try await browser.send("\(path)/forget", from: path, ["checkpoint": "good"]).status == 303)
      #expect(await browser.keeper.rack.labs.values.first?.checkpoints.isEmpty == true)
      #expect(try await browser.send("\(path)/forget", from: path, ["checkpoint": "good"]).status == 404)
    }
  }

  @Test("a lab is destroyed after its plan was seen; a stranger on its network is in the way, and named")
  func destroy() async throws {
    try await Self.test { browser, labs in
      try await Self.apply(Self.shop, browser, labs)
      let path = try await Self.path(browser)
      let stranger = try await browser.keeper.server("stranger")
      let back = try #require(await browser.keeper.rack.networks.values.first)
      _ = try await browser.keeper.perform(.setMode(stranger.id, .hybrid), by: "test")
      _ = try await browser.keeper.perform(.assign(stranger.eth1.id, .id(back.id)), by: "test")
      let blocked = try await browser.get("\(path)/destroy")
      #expect(blocked.text.contains("It cannot be now") && blocked.text.contains("stranger"))
      #expect(Self.generation(blocked) == nil)
      _ = try await browser.keeper.perform(.unassign(stranger.eth1.id, .id(back.id)), by: "test")

      let page = try await browser.get("\(path)/destroy")
      for words in ["Destroy shop?", "<b>web1</b>", "<b>back</b>", #"class="loss""#, ">Destroy shop</button>"] {
        #expect(page.text.contains(words), "\(words)")
      }
      let generation = try #require(Self.generation(page))
      let stale = try await browser.send("\(path)/destroy", from: path, ["generation": "9999"])
      #expect(stale.status == 412)
      #expect(try await browser.send("\(path)/destroy", from: path).status == 422, "without a plan")
      #expect(await browser.keeper.rack.servers.count == 3)
      let done = try await browser.send("\(path)/destroy", from: path, ["generation": generation])
      #expect(done.status == 303 && done.location == labs)
      #expect(try await browser.get(labs).text.contains("Lab shop was destroyed: "))
      let rack = await browser.keeper.rack
      #expect(rack.servers.count == 1 && rack.networks.isEmpty && rack.labs.isEmpty)
      #expect(try await browser.get(path).status == 404)
    }
  }

  @Test("a virtual machine that failed is told, and one in a file takes the whole rack")
  func machines() async throws {
    let file = "lab: vms\nservers:\n  v1: {place: vm, vm: {disk: /images/v1.qcow2}}\n"
    try await Self.test { browser, labs in
      let missing = try await browser.send("\(labs)/new", from: "\(labs)/new", ["file": file])
      #expect(missing.status == 422 && missing.text.contains("3:30:"), "\(missing.text)")
      #expect(missing.text.contains("disk /images/v1.qcow2: No such file or directory"))
      // Any file will do: this daemon has no virtual machines.
      let file = file.replacing("/images/v1.qcow2", with: #filePath)
      let done = try await Self.apply(file, browser, labs)
      #expect(done.status == 303)
      let page = try await browser.get(try #require(done.location)).text
      #expect(page.contains("but 1 virtual machine failed") && page.contains("The virtual machine of v1 failed: "))
    }
    try await Browser.test { browser in
      let project = await browser.keeper.project
      try await browser.signIn(project: project)
      let labs = "/portal/projects/\(project)/labs"
      let refused = try await browser.send("\(labs)/new", from: "\(labs)/new", ["file": file])
      #expect(refused.status == 403 && refused.text.contains("concern the whole rack"))
      #expect(refused.text.contains("/images/v1.qcow2"))
    }
  }

  @Test("checks are run by a button: who has not passed comes first, with what was seen; nothing is changed")
  func checks() async throws {
    try await Self.test { browser, labs in
      let file = """
        \(Self.shop)
        checks:
          - {server: web1, link: eth0, within: 1ms}
          - {server: "web[1-2]", link: eth1, within: 1ms}
          - {from: web2, deaf: 10.0.0.1, within: 1ms}
          - {from: web2, http: "http://10.0.0.1/<b>", within: 1ms}
        """
      try await Self.apply(file, browser, labs)
      let path = try await Self.path(browser)
      let page = try await browser.get(path).text
      for words in [">web1 link eth0<", ">web2 link eth1<", ">Run checks</button>", "http://10.0.0.1/&lt;b&gt;"] {
        #expect(page.contains(words), "\(words)")
      }
      #expect(!page.contains("Result</th>") && !page.contains("/<b>"))
      let server = try #require(await browser.keeper.rack.servers.values.first { $0.hostname == "web2" })
      await browser.keeper.plug(server.id, [.eth1])
      let before = await browser.keeper.rack
      let answer = try await browser.send("\(path)/check", from: path)
      #expect(answer.status == 200 && answer.text.contains("4 of 5 did not pass"), "\(answer.text)")
      let rows = answer.text.matches(
        of:
          #/<tr><td>([^<]*)</td><td data-label="Result" class="(good|bad)">([^<]*)</td><td data-label="Seen">([^<]*)</#
      ).map { (name: String($0.1), color: String($0.2), result: String($0.3), seen: String($0.4)) }
      #expect(
        rows.map { "\($0.name): \($0.result)" } == [
          "web1 link eth0: failed", "web1 link eth1: failed", "web2 deaf 10.0.0.1: failed",
          "web2 http http://10.0.0.1/&lt;b&gt;: failed", "web2 link eth1: passed",
        ])
      #expect(rows.map(\.color) == ["bad", "bad", "bad", "bad", "good"])
      #expect(rows.first?.seen == "eth0 is not there" && rows.last?.seen == "eth1 is up")
      #expect(await browser.keeper.rack == before)

      // Without any there is no button.
      try await Self.apply("lab: bare\n", browser, labs)
      let bare = try await browser.get(try await Self.path(browser, "bare")).text
      #expect(bare.contains("The file has none") && !bare.contains("Run checks"))
      try await browser.signIn(isReadOnly: true)
      #expect(try await !browser.get(path).text.contains("Run checks"))
      let refused = try await browser.send("\(path)/check", from: labs)
      #expect(refused.status == 403 && refused.text.contains("the token is read-only"))
    }
  }

  @Test("a read-only visitor sees labs and plans, and no button; forms change nothing")
  func readOnly() async throws {
    try await Self.test { browser, labs in
      try await Self.apply(Self.shop, browser, labs)
      let path = try await Self.path(browser)
      try await browser.signIn(isReadOnly: true)
      for page in [labs, path, "\(path)/destroy"] {
        let answer = try await browser.get(page)
        #expect(answer.status == 200)
        #expect(
          answer.text.matches(of: #/method="post" action="([^"]*)"/#).map { String($0.output.1) }
            == ["/portal/sign-out"], "\(page)")
      }
      let before = await browser.keeper.rack
      let file = "lab: shop\n"
      let plan = try await browser.send("\(labs)/new", from: "\(labs)/new", ["file": file])
      #expect(plan.status == 200 && plan.text.contains("<b>web2</b>") && Self.generation(plan) == nil)
      #expect(plan.text.contains("the token is read-only"))
      for (form, fields) in [
        ("\(labs)/apply", ["file": file, "generation": "*"]), ("\(path)/destroy", ["generation": "*"]),
        ("\(path)/save", ["checkpoint": "x"]), ("\(path)/restore", ["from": "x", "generation": "*"]),
      ] {
        let answer = try await browser.send(form, from: labs, fields)
        #expect((400..<500).contains(answer.status), "\(form): \(answer.status)")
      }
      #expect(await browser.keeper.rack == before)
    }
  }

  @Test("another project's labs are not there; who sees several projects chooses one, and the file's word comes first")
  func projects() async throws {
    try await Self.test { browser, labs in
      try await Self.apply(Self.shop, browser, labs)
      let path = try await Self.path(browser)
      guard
        case .project(let own) = try await browser.keeper.perform(
          .createProject(name: "own", customdata: "{}"), by: "t"
        )
        .subject
      else { return }
      let here = "/portal/projects/\(own)/labs"
      #expect(try await browser.get("\(here)/new").text.contains(#"<option value="\#(own)" selected>own"#))
      #expect(try await Self.apply("lab: a\n", browser, here, ["project": "\(own)"]).status == 303)
      #expect(try await Self.apply("lab: b\nproject: own\n", browser, labs, ["project": ""]).status == 303)
      let list = try await browser.get(labs).text
      #expect(list.contains("Labs of other projects") && list.contains(">a</a>") && list.contains(">b</a>"))
      #expect(await browser.keeper.rack.labs(of: own).count == 2)

      try await browser.signIn(project: own)
      let mine = try await browser.get(here).text
      #expect(mine.contains(">a</a>") && !mine.contains("shop") && !mine.contains("other projects"))
      let before = await browser.keeper.rack
      for page in [path, "\(path)/destroy", "\(path)/restore?from=x", labs, "\(labs)/new"] {
        #expect(try await browser.get(page).status == 404, "\(page)")
      }
      let id = path.split(separator: "/").last ?? ""
      #expect(try await browser.get("\(here)/new?lab=\(id)").status == 404)
      for (form, fields) in [
        ("\(path)/destroy", ["generation": "*"]), ("\(path)/save", ["checkpoint": "x"]),
        ("\(path)/forget", ["checkpoint": "x"]), ("\(path)/restore", ["generation": "*"]),
        ("\(labs)/apply", ["file": "lab: c\n", "generation": "0"]), ("\(labs)/new", ["file": "lab: c\n"]),
        ("\(here)/new", ["file": "lab: c\nproject: default\n"]),
        ("\(here)/apply", ["file": "lab: shop\nproject: default\n", "generation": "*"]),
      ] {
        #expect(try await browser.send(form, from: here, fields).status == 404, "\(form)")
      }
      #expect(await browser.keeper.rack == before)
    }
  }
}
