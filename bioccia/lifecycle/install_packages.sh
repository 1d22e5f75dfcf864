#!/bin/sh
# Installs Debian packages (its arguments) as root without letting their services start or make a cluster of their own.
set -eu
export DEBIAN_FRONTEND=noninteractive

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi

# Read by postgresql-common when it is installed: no "main" cluster is wanted.
clusters=/etc/postgresql-common/createcluster.conf
if [ ! -e "$clusters" ]; then
  mkdir -p /etc/postgresql-common
  echo 'create_main_cluster = false' > "$clusters"
fi

redis_was_here=$(command -v redis-server || true)
install() {
  apt-get install -y --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 \
    -o Dpkg::Options::=--force-confold "$@"
}
# The lists may be absent or too old: read them only then.
install "$@" || { apt-get update && install "$@"; }

# Ours runs under var/; the package's own would also start at the next boot.
if [ -z "$redis_was_here" ] && command -v redis-server > /dev/null && command -v systemctl > /dev/null; then
  systemctl disable redis-server > /dev/null 2>&1 || true
fi
