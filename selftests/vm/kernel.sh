# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by run: the kernel of the VM, from packages of this machine's Debian
# or, if it has none, of a newer suite. apt verifies what it downloads; what is
# made of it is kept in $cache/RELEASE until another version of the package is
# asked for.
#
# vmlinux      the kernel, unpacked once here rather than by every boot
# modules.sqfs /usr/lib/modules, modules unpacked too
# stage1.cpio  busybox, the modules that reach the root, stage1

# Prints those of the releases on standard input that WANT means, oldest first.
kernel_matching()
{
	sort -V | grep -E "^${1//./\\.}([.+-].*)?\$"
}

# Prints the release to boot: that of the headers the module is built with.
kernel_installed()
{
	dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' \
		'linux-headers-*-cloud-amd64' 2>/dev/null |
	sed -n 's/^ii *linux-headers-\([0-9.]*+.*\)/\1/p' |
	kernel_matching "$1" | tail -n 1
}

# Sets $release, its package's $version, and $kernel_suite, which is empty if
# it is this machine's own suite that has it.
kernel_find()
{
	local want=$1 admin=()

	kernel_suite=
	release=$(kernel_installed "$want")
	if [ -z "$release" ] && [[ $want. = "$suite_kernel".* ]]; then
		kernel_suite=$(suite_of_kernel) || return
		suite_prepare "$kernel_suite" || return
		release=$(kernel_matching "$want" \
			<"$cache/$kernel_suite/release")
		admin=(--admindir="$cache/$kernel_suite/root/var/lib/dpkg")
	fi
	[ -n "$release" ] ||
		die "no linux-headers package for kernel $want is installed" \
		    "(6.12: run selftests/deps), nor is it one of" \
		    "$suite_kernel in a newer suite"
	version=$(dpkg-query "${admin[@]}" -W -f '${Version}' \
		"linux-headers-$release")
}

# kernel_download PACKAGE DIRECTORY: unpacks it there.
kernel_download()
{
	local package=$1 dir=$2

	if [ -n "$kernel_suite" ]; then
		archive_download "$kernel_suite" "$package=$version" "$dir" ||
			die "rm -r build/vm/$kernel_suite has it made anew," \
			    "with the kernel of today"
	elif ! (cd "$dir" && apt-get -q download "$package=$version") \
			>"$dir/apt.log" 2>&1; then
		cat "$dir/apt.log" >&2
		die "apt-get cannot download $package $version" \
		    "(apt-get update may help)"
	fi
	dpkg-deb -x "$dir/$package"_*.deb "$dir/root" ||
		die "cannot unpack $package"
}

# 7.2 comes in parts: the packages of the same release that the image needs.
kernel_fetch()
{
	local package=linux-image-$release dir=$1 part

	note "fetching $package $version"
	kernel_download "$package" "$dir"
	for part in $(dpkg-deb -f "$dir/$package"_*.deb Depends |
		      grep -oE "linux-[a-z]+-${release//[.+]/\\&}"); do
		kernel_download "$part" "$dir"
	done
	rm -f "$dir"/*.deb
}

# The bzImage spends seconds under TCG unpacking itself. QEMU starts an ELF
# kernel by its PVH entry; where the payload is not zstd, the bzImage serves.
kernel_unpack()
{
	local image=$1 out=$2 at

	at=$(LC_ALL=C grep -obUaP '\x28\xb5\x2f\xfd' "$image" | head -n 1)
	if [ -n "$at" ] &&
	   tail -c "+$((${at%%:*} + 1))" "$image" |
			zstd -q -d -c >"$out" 2>/dev/null
	   [ "$(head -c 4 "$out" | tail -c 3)" = ELF ]; then
		return
	fi
	cp "$image" "$out"
}

# Modules that stage1 inserts, each after those it needs.
kernel_stage1_modules()
{
	local root=$1 m

	for m in virtio_blk squashfs overlay; do
		modprobe -d "$root" -S "$release" --show-depends "$m"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}

kernel_build()
{
	local dir=$1 work mods image m

	work=$(mktemp -d "$cache/kernel.XXXXXX")
	kernel_fetch "$work"
	mods=$work/root/usr/lib/modules
	if [ ! -d "$mods" ]; then
		[ -d "$work/root/lib/modules" ] ||
			die "no modules in the packages of $release"
		mkdir -p "$work/root/usr"
		mv "$work/root/lib" "$work/root/usr/lib"
	fi
	ln -sfn usr/lib "$work/root/lib"
	find "$mods" -name '*.ko.xz' -exec xz -d {} +
	depmod -b "$work/root" "$release"

	image=$work/root/boot/vmlinuz-$release
	[ -e "$image" ] || image=$mods/$release/vmlinuz
	kernel_unpack "$image" "$work/vmlinux" || die "no kernel in $release"
	mksquashfs "$mods" "$work/modules.sqfs" -noI -noD -noF -noX \
		-no-progress -quiet -all-root -no-xattrs >/dev/null

	mkdir -p "$work/stage1"/{bin,dev,modules}
	cp "$(command -v busybox)" "$work/stage1/bin/busybox"
	cp "$here/stage1" "$work/stage1/init"
	chmod 755 "$work/stage1/init"
	for m in $(kernel_stage1_modules "$work/root"); do
		cp "$m" "$work/stage1/modules/"
		basename "$m" >>"$work/stage1/modules/order"
	done
	(cd "$work/stage1" && find . | cpio -o -H newc -R 0:0 --quiet) \
		>"$work/stage1.cpio"

	rm -rf "$dir" "$work/stage1" "$work/root"
	chmod 755 "$work"
	mv "$work" "$dir"
	kernel_key >"$dir/key"
}

kernel_key()
{
	echo "$version $(cat "$here/stage1" "$here/kernel.sh" | sha256sum)"
}

# Leaves the kernel that kernel_find has found in $cache/$release.
kernel_prepare()
{
	[ "$(cat "$cache/$release/key" 2>/dev/null)" = "$(kernel_key)" ] ||
		kernel_build "$cache/$release"
}
