// Whose things a command makes, and whose it lists.

import ArgumentParser
import Foundation

/// The project that something new belongs to.
struct ProjectOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Project, by name or UUID. (default: $TOPRACK_PROJECT, else \"default\", else the only one there is)",
      valueName: "project"),
    completion: .projects)
  var project: String?

  func project(_ client: Client) async throws -> Project {
    if let reference = project ?? ProjectFilter.fromEnvironment { return try await client.project(reference) }
    let projects = try await client.projects()
    if let project = try projects.only(named: "default") { return project }
    guard let only = projects.first else {
      throw Failure.refused("there is no project; 'toprack project create NAME' makes one")
    }
    guard projects.count == 1 else {
      let names = projects.map(\.name).joined(separator: ", ")
      throw Failure.refused(
        "there are several projects and none is named default: say which with --project or $TOPRACK_PROJECT; "
          + "valid are \(names)")
    }
    return only
  }
}

/// The project that a list is limited to.
struct ProjectFilter: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Only those of this project, by name or UUID. (default: $TOPRACK_PROJECT, else all)", valueName: "project"),
    completion: .projects)
  var project: String?

  static var fromEnvironment: String? {
    ProcessInfo.processInfo.environment["TOPRACK_PROJECT"].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// `nil`: all.
  func project(_ client: Client) async throws -> Project? {
    guard let reference = project ?? Self.fromEnvironment else { return nil }
    return try await client.project(reference)
  }
}
