// Mirrors in tables of the portal.

import Control
import Rack

extension View {
  /// `mirrors` and `hasMirrors`, for the template of that name.
  func fields(of mirrors: [Mirror], _ status: [MirrorID: MirrorStatus]) -> Fields {
    let rows = mirrors.map { mirror -> Fields in
      var row: Fields = [
        "name": mirror.name, "from": words(of: mirror.source), "direction": mirror.direction.rawValue,
        "to": words(of: mirror.end), "sent": Words.count(status[mirror.id]?.sent ?? 0),
        "lost": Words.count(status[mirror.id]?.lost ?? 0),
      ]
      row["filter"] = mirror.filter
      row["problem"] = status[mirror.id]?.fault
      return row
    }
    return ["mirrors": rows, "hasMirrors": !rows.isEmpty]
  }
}
