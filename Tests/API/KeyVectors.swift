/// Keys that nobody has, made by ssh-keygen for these tests, with what `ssh-keygen -l` says of them.
enum KeyVectors {
  static let ed25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGGHj0ogRnvWnHoVbJ0sKcB6sRYPAv8EsAIZDwHyDi/K anna@laptop"
  static let ed25519MD5 = "71:bf:b7:23:32:77:06:0b:8c:58:36:c7:3f:6c:70:6a"
  static let ed25519SHA256 = "SHA256:50sJEp9OThsSg54cfERni38pS14hzbJiSvm3yghJ1Ss"

  static let ecdsa =
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBKQxn6XC5imdPM17wVSMidP+BRylnLa1"
    + "qgVmSOI7d2LEG6prA8ja/pksT6BQ+254KxYvh7kjAzWUWJ0K3SHFExc= anna@laptop"
  static let ecdsaMD5 = "13:f7:5e:5c:e3:45:12:ba:fc:65:82:16:c0:52:27:24"
  static let ecdsaSHA256 = "SHA256:z5KvswzybPWvoEOR7p3+fIzBytGAcreWfcesJvs9n6k"

  static let rsa =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCiVbmfAFX9ZRO4xr6gcz9hTMe7J5/hw745D0LTnrv0p63IYr/y2OoHqHp9e66ACW9pWynraq96"
    + "fGiLaraGpCvBaw/IPMSzH5FPR3IkwDy3YOea4XFzUjtr8NEMtNao/JPTMiAnGj2iiNSR0N49QXdQKT53jz+OjV6ZIzVzJMkaUx/o1nv0+SuH"
    + "3COQpJHylNjIuODNzsoJ21J6R468IKsNzjZuVNrNmy1TVfArHM7fRHJ3Hn2TRH8U8XK3HR1AjCy2m2VTCfS3bK6wxgJ/CalFFSnjOwE9xhzj"
    + "etsGfIlQ97cHA/PQT8W7H7+cNHJj//K7bqRnXzN/pHAj0qq8K8zH anna@laptop"
  static let rsaMD5 = "5e:45:66:32:df:62:2c:3c:91:00:79:59:84:fc:b8:bc"
  static let rsaSHA256 = "SHA256:+RUmWGc0yv6UH5Ug6VXNBLRZuUOPrb6Q1mQgz2aoXhU"

  /// The first lines of a private key, with which nothing can be done.
  static let openSSHPrivate =
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz\n"
}
