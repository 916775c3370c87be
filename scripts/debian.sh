# Sourced by the other scripts: is this Debian, become root, install packages.

on_debian() {
  [ -r /etc/os-release ] && [ "$(. /etc/os-release && echo "${ID:-}")" = debian ] && command -v apt-get >/dev/null
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "this needs root, and there is no sudo: $*" >&2
    return 1
  fi
}

# A failed update is not the end: the package lists that are there may still do.
apt_install() {
  local log status=0
  log=$(mktemp)
  echo "installing Debian packages: $*" >&2
  as_root apt-get update -qq || echo "apt-get update failed, trying with the old package lists" >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-unsafe-io "$@" \
    </dev/null >"$log" 2>&1 || status=$?
  [ $status = 0 ] || tail -n 40 "$log" >&2
  rm -f "$log"
  return $status
}
