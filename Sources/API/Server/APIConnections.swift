// Who is connected to the API, with their limit.

import NIOCore
import Synchronization

/// The open connections of one listener.
final class APIConnections: Sendable {
  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    var isEnding = false
  }

  private let limit: Int
  private let state = Mutex(State())

  init(limit: Int) { self.limit = limit }

  /// Takes a connection on; false: there are too many, or the daemon stops, and it should be closed.
  func admit(_ channel: any Channel) -> Bool {
    let isAdmitted = state.withLock { state in
      guard !state.isEnding, state.channels.count < limit else { return false }
      state.channels[ObjectIdentifier(channel)] = channel
      return true
    }
    if isAdmitted {
      channel.closeFuture.whenComplete { _ in
        self.state.withLock { $0.channels[ObjectIdentifier(channel)] = nil }
      }
    }
    return isAdmitted
  }

  /// Closes those that wait for a request, and the others when they are answered; takes no further ones.
  func end() {
    let channels = state.withLock { state in
      state.isEnding = true
      return Array(state.channels.values)
    }
    for channel in channels { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
  }
}
