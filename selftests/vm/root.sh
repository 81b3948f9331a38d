# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by run: the guest's root, an image of the files that root-tar finds on
# this machine or in the tree of a newer Debian. Rebuilt whenever dpkg changed
# something there.

# What no package holds.
root_skeleton()
{
	local d=$1 l

	mkdir -p "$d"/{dev,proc,sys,run,tmp,out,ro,sluice,root,etc} \
		"$d"/usr/lib/modules "$d"/var/{tmp,log/nginx,lib/nginx}
	for l in bin sbin lib lib64; do
		ln -s "usr/$l" "$d/$l"
	done
	cp /usr/share/base-passwd/passwd.master "$d/etc/passwd"
	cp /usr/share/base-passwd/group.master "$d/etc/group"
	printf '%s: files\n' passwd group shadow services protocols \
		>"$d/etc/nsswitch.conf"
	echo 'hosts: files dns' >>"$d/etc/nsswitch.conf"
	printf '%s\n' '127.0.0.1 localhost sluice-vm' \
		'::1 localhost ip6-localhost' >"$d/etc/hosts"
	echo sluice-vm >"$d/etc/hostname"
}

# root_build IMAGE [SUITE]
root_build()
{
	local image=$1 in=() work

	note "building the guest's root${2:+ from $2}"
	[ -z "${2-}" ] || in=(suite_run "$2")
	work=$(mktemp -d "$cache/root.XXXXXX")
	mkdir "$work/skeleton"
	root_skeleton "$work/skeleton"
	"${in[@]}" "$here/root-tar" "$work/skeleton" 2>"$work/tar.log" |
	sqfstar -noI -noD -noF -noX -no-progress -quiet -no-xattrs \
		-root-mode 755 "$work/image" >"$work/sqfs.log" 2>&1 || {
		cat "$work/tar.log" "$work/sqfs.log" >&2
		die "cannot build the guest's root"
	}
	mv "$work/image" "$image"
	rm -rf "$work"
}

# root_key DPKG_STATUS
root_key()
{
	{
		stat -c '%Y %s' "$1"
		cat "$here/root.sh" "$here/root-tar" "$tree/selftests/deps"
	} | sha256sum
}

# Sets $root to the image: of this machine's files, or of those of SUITE.
root_prepare()
{
	local suite=${1-} name=root${1:+-$1} status=/var/lib/dpkg/status key

	if [ -n "$suite" ]; then
		suite_prepare "$suite" || return
		status=$cache/$suite/root$status
	fi
	root=$cache/$name.sqfs
	key=$(root_key "$status")
	if [ "$(cat "$cache/$name.key" 2>/dev/null)" != "$key" ] ||
	   [ ! -e "$root" ]; then
		root_build "$root" "$suite"
		echo "$key" >"$cache/$name.key"
	fi
}
