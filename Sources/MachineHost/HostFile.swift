import Glibc

/// Files of this host that somebody names for a virtual machine to boot.
public enum HostFile {
  /// Why the file cannot be read now, in the system's words; nil: it can.
  public static func fault(of path: String) -> String? {
    access(path, R_OK) == 0 ? nil : String(cString: strerror(errno))
  }
}
