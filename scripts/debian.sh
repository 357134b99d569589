# To be sourced: makes the root of a Debian that has nothing installed, by debootstrap, as root on a Debian.

# debootstrap_install installs debootstrap where it is missing.
debootstrap_install() {
	command -v debootstrap >/dev/null && return
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "debootstrap is missing, and it is installed only for root on Debian" >&2
		return 1
	fi
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
}

# debian_root SUITE FOLDER [PACKAGE...] makes a root in a folder that does not exist yet: Debian's minimal one with some more
# packages. It asks the package registry as this machine does, and trusts the certificate authorities that this machine trusts
# as soon as ca-certificates is installed in it. What debootstrap mounts is mounted for debootstrap alone.
debian_root() {
	local suite=$1 root=$2 authorities
	shift 2
	debootstrap_install
	if ! unshare --mount debootstrap --variant=minbase ${*:+--include="$(echo "$*" | tr ' ' ,)"} "$suite" "$root" >"$root.log" 2>&1; then
		tail -5 "$root.log" >&2
		return 1
	fi
	# No documentation, and no package is kept once it is installed.
	rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}/*
	echo 'DPkg::Post-Invoke {"rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin";};' >"$root/etc/apt/apt.conf.d/docker-clean"
	printf 'path-exclude /usr/share/%s/*\n' doc man locale >"$root/etc/dpkg/dpkg.cfg.d/slim"
	apt-config dump | grep -E '^Acquire::(Check-|Retries|https?::)' >"$root/etc/apt/apt.conf.d/machine" || true
	# A file for each authority, as update-ca-certificates and Java want them.
	authorities=$root/usr/local/share/ca-certificates
	mkdir -p "$authorities"
	awk -v folder="$authorities" '
		/BEGIN CERT/ {file = sprintf("%s/machine-%03d.crt", folder, ++n)} file {print > file} /END CERT/ {close(file); file = ""}' /etc/ssl/certs/ca-certificates.crt
	[ ! -x "$root/usr/sbin/update-ca-certificates" ] || chroot "$root" update-ca-certificates >/dev/null 2>&1
}
