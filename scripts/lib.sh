# shellcheck shell=bash disable=SC2034
# Shared by the scripts: headings with timings, Debian packages, the Swift toolchain, the release build.
# Sourced, never run. Needs bash; the caller has set -euo pipefail.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=$root/.build/release

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
  bold='' dim='' red='' green='' plain=''
fi

# step TITLE: ends the step before, with its time, and begins one.
step_title='' step_began=0
step() {
  step_end
  step_title=$1 step_began=$SECONDS
  printf '\n%s==> %s%s\n' "$bold" "$1" "$plain"
}
step_end() {
  [[ -z $step_title ]] || printf '%s    %s: %d s%s\n' "$dim" "$step_title" $((SECONDS - step_began)) "$plain"
  step_title=''
}

# die LINE…: says what is wrong and what to do about it, and ends.
die() {
  printf '%s%s%s\n' "$red" "$1" "$plain" >&2
  shift
  (($# == 0)) || printf '%s\n' "$@" >&2
  exit 1
}

# need THING=PACKAGE…: each THING is a command, or a file when it begins with "/" (a glob), or a pkg-config module
# when it begins with "lib". What is missing is installed by root, and named to anyone else.
need() {
  command -v apt-get >/dev/null || {
    printf 'not a Debian or Ubuntu machine: taking it that these are here: %s\n' "${*#*=}"
    return 0
  }
  local entry missing=()
  for entry in "$@"; do
    has "${entry%%=*}" || missing+=("${entry#*=}")
  done
  ((${#missing[@]} > 0)) || return 0
  if ((EUID != 0)); then
    die "Debian packages are missing: ${missing[*]}" "Install them: sudo apt-get install ${missing[*]}"
  fi
  printf 'installing %s\n' "${missing[*]}"
  install_packages "${missing[@]}" || {
    printf 'the package lists may be old: apt-get update\n'
    apt-get update -qq
    install_packages "${missing[@]}"
  } || die "apt-get could not install: ${missing[*]}"
}
has() {
  case $1 in
    /*) compgen -G "$1" >/dev/null ;;
    lib*) command -v pkg-config >/dev/null && pkg-config --exists "$1" ;;
    *) command -v "$1" >/dev/null ;;
  esac
}
install_packages() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# What building takes beside the toolchain.
need_build() {
  need git=git pkg-config=pkg-config libpcap=libpcap-dev /usr/include/sqlite3.h=libsqlite3-dev \
    /usr/include/zlib.h=zlib1g-dev /usr/include/crypt.h=libcrypt-dev
  command -v swift >/dev/null ||
    die 'swift is not in PATH.' 'Install a Swift 6.2 toolchain or newer: https://www.swift.org/install/linux/' \
      ${SUDO_USER:+"If $SUDO_USER has one, sudo hides it: sudo env PATH=\"\$PATH\" $0"}
  local version
  version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1)
  [[ $(printf '6.2\n%s\n' "$version" | sort -V | head -n 1) == 6.2 ]] ||
    die "swift is ${version:-of an unknown version}; Toprack needs 6.2 or newer."
}

# The programs, as users run them. scripts/test and scripts/demo share this build.
build_release() { swift build --package-path "$root" -c release; }

# apart COMMAND…: runs it in network, mount and process namespaces of its own, with no named network namespace but those that it makes. As root.
apart() {
  unshare --net --mount --pid --fork --kill-child bash -c '
    mount --make-rprivate / && mount -t proc proc /proc && mount -t sysfs sysfs /sys && mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns
    ip link set lo up
    exec "$@"' apart "$@"
}
