// Why there was no answer, for somebody who has to do something about it.

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

extension Client.Endpoint {
  /// The line for a request that `error` ended before its answer was there.
  func unreachable(_ error: any Error, timeout: TimeAmount) -> String {
    let reason = Self.reason(error, timeout: timeout)
    switch self {
    case .url(let url):
      return Self.advice(error, url) ?? "the API at \(url) cannot be reached: \(reason)"
    case .socket(let path):
      let place = "the socket \(path)"
      guard access(path, F_OK) == 0 else {
        return errno == EACCES
          ? "\(place) may not be read: be root, or a member of its directory's group"
          : "toprackd cannot be reached: \(place) does not exist; is toprackd running? (--socket names another)"
      }
      guard access(path, R_OK | W_OK) == 0 else {
        return "\(place) may not be used: be root, or a member of its group"
      }
      return "toprackd cannot be reached at \(place): \(reason); is toprackd running?"
    }
  }

  private static func reason(_ error: any Error, timeout: TimeAmount) -> String {
    switch error {
    case let error as IOError: return String(cString: strerror(error.errnoCode))
    case let error as NIOConnectionError:
      if let cause = error.connectionErrors.first?.error { return self.reason(cause, timeout: timeout) }
      if error.dnsAError != nil || error.dnsAAAAError != nil { return "the name \(error.host) is not known" }
      return "nobody answers"
    case ChannelError.connectTimeout(let limit): return "no connection within \(seconds(limit))"
    case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout:
      return "no answer within \(seconds(timeout))"
    case let error as HTTPClientError where error == .connectTimeout || error == .tlsHandshakeTimeout:
      return "no connection within the time limit"
    case let error as HTTPClientError where error == .remoteConnectionClosed:
      return "the connection was closed before the answer"
    case let error as HTTPClientError: return error.shortDescription.lowercased()
    case is HTTPParserError: return "what answers there does not speak HTTP"
    case is NIOTooManyBytesError: return "the answer is too long"
    case is CancellationError: return "interrupted"
    default: return "\(error)"
    }
  }

  private static func seconds(_ time: TimeAmount) -> String {
    let milliseconds = time.nanoseconds / 1_000_000
    return milliseconds % 1_000 == 0 ? "\(milliseconds / 1_000) s" : "\(milliseconds) ms"
  }

  /// What is to be done when the two ends do not agree about TLS; `nil` when that is not what is wrong.
  private static func advice(_ error: any Error, _ url: String) -> String? {
    let isTLS = url.lowercased().hasPrefix("https:")
    if let error = error as? HTTPClientError, error == .remoteConnectionClosed, !isTLS {
      return "the API at \(url) closed the connection; if it speaks TLS, the URL begins with https://"
    }
    if error is HTTPParserError, !isTLS {
      return "what answers at \(url) does not speak HTTP; if it speaks TLS, the URL begins with https://"
    }
    guard isTLS, error is NIOSSLError || error is NIOSSLExtraError else { return nil }
    let text = "\(error)"
    if text.contains("CERTIFICATE_VERIFY_FAILED") {
      return "the certificate of \(url) is not trusted: give its file, or that of who issued it, with --ca-cert or "
        + "$TOPRACK_CA_CERT (toprackd's own is tls-cert.pem in its state directory)"
    }
    if error is NIOSSLExtraError {
      return "the certificate of \(url) is for another name: use one of its names or addresses in the URL"
    }
    if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
      return "what answers at \(url) does not speak TLS: if it is the API, the URL begins with http://"
    }
    // OpenSSL's name of the reason, as in `… SSL routines:OPENSSL_internal:NO_SHARED_CIPHER at …`.
    let name = text.firstMatch(of: /OPENSSL_internal:([A-Z0-9_]+)/)?.output.1
    let reason = name.map { $0.lowercased().replacing("_", with: " ") } ?? "the connection was closed while it began"
    return "no TLS connection to \(url): \(reason)"
  }
}
