// Where something new is.

import ArgumentParser

struct PlaceOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Facility; see 'toprack facility list'. (default: ewr1, when there is no --metro)", valueName: "facility"),
    completion: .facilities)
  var facility: String?
  @Option(help: ArgumentHelp("Metro; see 'toprack metro list'.", valueName: "metro"), completion: .metros)
  var metro: String?

  func validate() throws {
    if facility != nil, metro != nil { throw ValidationError("--facility and --metro exclude each other") }
  }

  /// The member of a request's body.
  var member: (name: String, value: String) {
    metro.map { ("metro", $0) } ?? ("facility", facility ?? "ewr1")
  }
}
