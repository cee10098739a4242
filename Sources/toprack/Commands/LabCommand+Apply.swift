// `lab apply`, `diff`, `destroy`, `restore`: what is planned is shown first, and done when nothing is lost by it or
// somebody has said yes.

import ArgumentParser
import Foundation
import NIOHTTP1

/// What the commands about a file have in common.
struct LabFileOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("Lab file, *.toprack.yml; - is standard input.", valueName: "file"),
    completion: .file(extensions: ["yml", "yaml", "json"]))
  var file: String
  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("Another value for a key of the file, as servers.web1.mode=hybrid.", valueName: "path=value"))
  var settings: [String] = []
  @Flag(help: "Take what exists and belongs to no lab.") var adopt = false
  @Flag(help: "Exit with 4 when there is, or was, something to do.") var detailedExitcode = false
  @Option(
    help: "Project, by name or UUID, if the file names none. (default: $TOPRACK_PROJECT, else the only one)",
    completion: .projects)
  var project: String?

  func source(_ client: Client, json: Bool) throws -> LabSource {
    try LabSource(
      file, settings: settings, project: project ?? ProjectFilter.fromEnvironment, for: client, json: json)
  }

  func plan(_ source: LabSource, _ client: Client, json: Bool) async throws -> Answer {
    try await LabRequests.send(
      .POST, source.path("/plan", adopt: adopt), to: client, document: source.text, file: source.file, json: json)
  }

  /// Ends the program with 4 where that is asked for.
  func end(_ wasPending: Bool) throws {
    if detailedExitcode, wasPending { throw Failure(kind: .pending, messages: []) }
  }
}

extension LabCommand {
  struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make the rack what a lab file says: all of it, or nothing.",
      discussion: """
        The first time it makes everything; later it changes what the file says otherwise, removes what has gone from \
        it, and leaves alone what it never named. Only what the lab has made is touched. What is removed or lost is \
        asked for on a terminal; elsewhere it needs --yes. Virtual machines are started after the change.

        Exit status: 0 done or nothing to do, 1 refused, 2 the file is wrong; with --detailed-exitcode 4 when there \
        was something to do.

        Examples:
          toprack lab apply shop.toprack.yml
          toprack lab apply shop.toprack.yml --dry-run
          toprack lab apply shop.toprack.yml --set servers.web1.mode=hybrid --yes
        """)

    @OptionGroup var options: LabFileOptions
    @Flag(help: "Show what would be done, and do nothing.") var dryRun = false
    @Flag(name: [.short, .long], help: "Do not ask.") var yes = false
    @Flag(help: "Run the file's checks afterwards; exit with 5 when one fails.") var check = false
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func validate() throws {
      if dryRun, check {
        throw ValidationError("--dry-run and --check exclude each other: nothing is there to be checked")
      }
    }

    func run() async throws {
      let client = try global.client
      let source = try options.source(client, json: global.json)
      let planned = try await options.plan(source, client, json: global.json)
      let plan: LabPlanAnswer = try planned.decoded()
      if dryRun || plan.isEmpty {
        try global.output.print(json: try planned.value()) { LabCommand.shown(plan) }
        if check { try await Check.run(source.path("/check", adopt: false), client, global, else: .unproven) }
        return try options.end(!plan.isEmpty)
      }
      if plan.losing {
        if !global.json { Output.write(LabText.lines(plan)) }
        try LabRequests.confirm("lab \(plan.lab) loses what is marked with !, or by -", yes: yes)
      }
      let answer = try await LabRequests.send(
        .PUT, source.path(adopt: options.adopt), to: client, document: source.text, file: source.file,
        ifMatch: plan.generation, json: global.json)
      try LabCommand.report(answer, global, shown: plan.losing)
      if check { try await Check.run(source.path("/check", adopt: false), client, global, else: .unproven) }
      try options.end(true)
    }
  }

  struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Run the checks of a lab: what its file says must be true.",
      discussion: """
        Each is tried until it is true or its time is over. Exit status: 0 when all have passed, 1 when one has not.

        Example: toprack lab check shop
        """)

    @Argument(help: "Name, or PROJECT/NAME.", completion: .labs) var lab: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      try await Self.run(try LabRequests.path(named: lab, "/check"), try global.client, global, else: .refused)
    }

    fileprivate static func run(
      _ path: String, _ client: Client, _ global: GlobalOptions, else kind: Failure.Kind
    ) async throws {
      let answer = try await LabRequests.send(.POST, path, to: client, json: global.json)
      let report: LabCheckAnswer = try answer.decoded()
      try global.output.print(json: try answer.value()) {
        var table = Table("RESULT", "CHECK", "SEEN", "MS")
        for check in report.checks { table.add(check.result, check.name, check.seen, "\(check.ms)") }
        return table.isEmpty ? "the lab has no checks" : table.text
      }
      let failed = report.checks.filter { $0.result != "passed" }.count
      guard failed == 0 else {
        throw Failure(kind: kind, messages: ["\(failed) of \(report.checks.count) checks failed"])
      }
    }
  }

  struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show what applying a lab file would do.",
      discussion: """
          +  made     ~  changed     -/+  made anew     -  removed     !  given up for good

        What was changed by hand since shows as a change back.

        Example: toprack lab diff shop.toprack.yml --detailed-exitcode
        """)

    @OptionGroup var options: LabFileOptions
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let source = try options.source(client, json: global.json)
      let planned = try await options.plan(source, client, json: global.json)
      let plan: LabPlanAnswer = try planned.decoded()
      try global.output.print(json: try planned.value()) { LabCommand.shown(plan) }
      try options.end(!plan.isEmpty)
    }
  }

  struct Destroy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Remove everything that belongs to a lab. It needs no file.",
      discussion: """
        Checkpoints stay, so that the lab can come back with its addresses; without anything left they go, too.

        Example: toprack lab destroy shop --yes
        """)

    @Argument(help: "Name, or PROJECT/NAME.", completion: .labs) var lab: String
    @Flag(name: [.short, .long], help: "Do not ask.") var yes = false
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let path = try LabRequests.path(named: lab, "/plan", [("destroy", "true")])
      let plan: LabPlanAnswer = try await LabRequests.send(.POST, path, to: client, document: "", json: global.json)
        .decoded()
      if !plan.isEmpty {
        if !global.json { Output.write(LabText.lines(plan)) }
        try LabRequests.confirm("all of lab \(lab) goes", yes: yes)
      }
      let answer = try await LabRequests.send(
        .DELETE, try LabRequests.path(named: lab), to: client, ifMatch: plan.generation, json: global.json)
      try global.output.print(json: try answer.value()) { "lab \(lab) destroyed: \(LabText.count(plan))" }
    }
  }

  struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Bring a lab back to a checkpoint, with the addresses that it had.",
      discussion: "Example: toprack lab restore shop --from before-upgrade")

    @Argument(help: "Name, or PROJECT/NAME.", completion: .labs) var lab: String
    @Option(help: ArgumentHelp("Name of the checkpoint. (default: the lab's)", valueName: "name")) var from: String?
    @Flag(name: [.short, .long], help: "Do not ask.") var yes = false
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let client = try global.client
      let checkpoint = from ?? String(lab.split(separator: "/").last ?? "")
      let path = try LabRequests.path(named: lab, "/plan", [("restore", checkpoint)])
      let planned = try await LabRequests.send(.POST, path, to: client, document: "", json: global.json)
      let plan: LabPlanAnswer = try planned.decoded()
      if plan.isEmpty {
        return try global.output.print(json: try planned.value()) { "lab \(lab) is as it was: nothing to do" }
      }
      if plan.losing {
        if !global.json { Output.write(LabText.lines(plan)) }
        try LabRequests.confirm("lab \(lab) loses what is marked with !, or by -", yes: yes)
      }
      let answer = try await LabRequests.send(
        .POST, try LabRequests.path(named: lab, "/restore", [("from", checkpoint)]), to: client,
        ifMatch: plan.generation, json: global.json)
      try LabCommand.report(answer, global, shown: plan.losing)
    }
  }

  fileprivate static func shown(_ plan: LabPlanAnswer) -> String {
    plan.isEmpty ? "lab \(plan.lab) is as the file says: nothing to do" : LabText.lines(plan)
  }

  /// Says what was done; a virtual machine that did not start is a failure.
  fileprivate static func report(_ answer: Answer, _ global: GlobalOptions, shown: Bool) throws {
    let done: LabPlanAnswer = try answer.decoded()
    try global.output.print(json: try answer.value()) {
      (shown || done.changes.isEmpty ? "" : LabText.lines(done) + "\n")
        + "lab \(done.lab) applied: \(LabText.count(done)); generation \(done.generation)"
    }
    let failed = (done.machines ?? []).filter { $0.state == "failed" }
    guard failed.isEmpty else {
      throw Failure(
        kind: .refused,
        messages: failed.map { "the virtual machine of \($0.server) does not run: \($0.reason ?? "")" })
    }
  }
}
