// What a server's interfaces are to be called inside its namespace: `"toprack": {"nics": {"eth0": "eth1", "eth1":
// "eth2"}}`.

import Rack

extension NICNames {
  /// `nil` when it is not given.
  init?(_ arguments: Arguments) throws(APIError) {
    guard case .object? = arguments.value("toprack"), let value = arguments.value("toprack")?["nics"]?.given else {
      return nil
    }
    guard case .object(let members) = value, members.count == 2, case .string(let eth0) = value["eth0"],
      case .string(let eth1) = value["eth1"]
    else {
      throw .invalid(
        #"toprack.nics must name both interfaces, such as {"eth0": "eth1", "eth1": "eth2"}, not "#
          + Arguments.shown(value))
    }
    self.init(eth0: eth0, eth1: eth1)
  }
}
