#!/bin/sh
# Build a container image from nothing but Debian: a debootstrap base and the package.
#
# usage: script/packaging/container.sh PACKAGE.deb [TAG]     as root, with debootstrap and docker
set -eu
package=$(readlink -f "$1")
tag=${2:-nexflow:latest}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
debootstrap --variant=minbase --include=ca-certificates,adduser bookworm "$work/root" >"$work/log" 2>&1 ||
    { tail -20 "$work/log" >&2; exit 1; }
cp "$package" "$work/root/nexflow.deb"
chroot "$work/root" sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends \
    /nexflow.deb >/dev/null && rm -rf /nexflow.deb /var/lib/apt/lists/* /var/cache/apt/*'
tar -C "$work/root" -c . | docker import \
    --change 'USER nexflow' --change 'WORKDIR /var/lib/nexflow' --change 'VOLUME /var/lib/nexflow' \
    --change 'EXPOSE 7777' \
    --change 'ENTRYPOINT ["/usr/bin/nexflowd","--config","/etc/nexflow/nexflow.yaml"]' - "$tag" >/dev/null
echo "$tag"
