/// What a machine is told by DHCP when it boots, beside its address: a part of what the wire has to know of a server.
public struct BootOptions: Hashable, Sendable {
  public var hostname: String
  public var script: Script

  /// What a machine with the operating system `custom_ipxe` is to run.
  public enum Script: Hashable, Sendable {
    /// It has another operating system, or nobody has said what.
    case none
    case url(String)
    /// Its userdata, which it gets from the metadata service.
    case userdata
  }
}

extension Server {
  public var bootOptions: BootOptions {
    let script: BootOptions.Script
    if operatingSystem != OperatingSystem.customIPXE {
      script = .none
    } else if let url = details.ipxeScriptURL {
      script = .url(url)
    } else {
      script = details.isIPXEScript ? .userdata : .none
    }
    return BootOptions(hostname: hostname, script: script)
  }
}
