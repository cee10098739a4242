/// Reading the station tables, a piece at a time.
extension Dataplane {
  /// A piece of a listing: some more than `limit` stations, and where to go on; nil when too many are being read.
  public func stations(
    _ filter: StationFilter, from cursor: StationCursor, limit: Int
  ) async -> (records: [StationRecord], next: StationCursor?)? {
    var (records, cursor): ([StationRecord], StationCursor) = ([], cursor)
    while cursor.worker < workers {
      let scan = StationScan(filter: filter, place: cursor.place, limit: limit - records.count, countsAll: false)
      guard let find = await self.scan(scan, by: cursor.worker) else { return nil }
      records += find.records
      if let place = find.next { return (records, StationCursor(worker: cursor.worker, place: place)) }
      cursor = StationCursor(worker: cursor.worker + 1, place: 0)
      if records.count >= limit { break }
    }
    return (records, cursor.worker < workers ? cursor : nil)
  }

  /// `limit` stations behind the first `skip` in the order of the tables, and how many there are; nil when too many are
  /// being read.
  public func stations(
    _ filter: StationFilter, skip: Int, limit: Int
  ) async -> (records: [StationRecord], total: Int)? {
    var (records, total): ([StationRecord], Int) = ([], 0)
    for worker in 0..<workers {
      let scan = StationScan(
        filter: filter, skip: max(0, skip - total), limit: limit - records.count, countsAll: true)
      guard let find = await self.scan(scan, by: worker) else { return nil }
      records += find.records
      total += find.matched
    }
    return (records, total)
  }

  /// All that match, in no order, in one array: for a table that is known to be small.
  public func stations(_ filter: StationFilter = StationFilter()) async -> [StationRecord] {
    await stations(filter, skip: 0, limit: .max)?.records ?? []
  }
}
