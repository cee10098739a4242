/// What this is. Both programs say it with `--version`, the daemon in its answers as well.
public enum Release {
  public static let version = "0.1.0"
}
