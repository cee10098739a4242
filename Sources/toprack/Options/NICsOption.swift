// What a server's interfaces are called inside its network namespace. `server create` and `server set` take the same.

import ArgumentParser

struct NICsOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Names of eth0's and eth1's interfaces in the network namespace; ports keep theirs. (default: eth0,eth1)",
      valueName: "a,b"))
  var nics: String?

  func validate() throws {
    guard let nics, names == nil else { return }
    throw ValidationError("--nics takes two names, those of eth0 and eth1, as in --nics eth1,eth2, and not \"\(nics)\"")
  }

  private var names: [String]? {
    let names = nics?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) ?? []
    return names.count == 2 && !names.contains("") ? names : nil
  }

  /// The member of the request's `toprack`; `nil`: it is not given.
  var member: [String: String]? { names.map { ["eth0": $0[0], "eth1": $0[1]] } }
}
