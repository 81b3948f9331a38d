# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by run: the kernel of the VM, from Debian's packages. apt verifies
# what it downloads; what is made of it is kept in $cache/RELEASE until
# another version of the package is asked for.
#
# vmlinux      the kernel, unpacked once here rather than by every boot
# modules.sqfs /usr/lib/modules, modules unpacked too
# stage1.cpio  busybox, the modules that reach the root, stage1

# Prints the release to boot: that of the headers the module is built with.
kernel_release()
{
	local want=${1:-6.12}
	local all

	all=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' \
		'linux-headers-*-cloud-amd64' 2>/dev/null |
	      sed -n 's/^ii *linux-headers-\([0-9.]*+.*\)/\1/p' | sort -V)
	sed -n "/^${want//./\\.}\$/p" <<<"$all" | grep . ||
		sed -n "/^${want//./\\.}[.+-]/p" <<<"$all" | tail -n 1 | grep . ||
		die "no linux-headers package for kernel $want is installed:" \
		    "run selftests/deps"
}

kernel_package_version()
{
	dpkg-query -W -f '${Version}' "linux-headers-$1"
}

kernel_fetch()
{
	local package=linux-image-$1 version=$2 dir=$3

	note "fetching $package $version"
	(cd "$dir" && apt-get -q download "$package=$version") \
		>"$dir/apt.log" 2>&1 || {
		cat "$dir/apt.log" >&2
		die "apt-get cannot download $package $version" \
		    "(apt-get update may help)"
	}
	dpkg-deb -x "$dir/$package"_*.deb "$dir/root"
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
	local root=$1 release=$2 m

	for m in virtio_blk squashfs overlay; do
		modprobe -d "$root" -S "$release" --show-depends "$m"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}

kernel_build()
{
	local release=$1 version=$2 dir=$3
	local work mods m

	work=$(mktemp -d "$cache/kernel.XXXXXX")
	kernel_fetch "$release" "$version" "$work"
	mods=$work/root/usr/lib/modules
	if [ ! -d "$mods" ]; then
		mkdir -p "$work/root/usr"
		mv "$work/root/lib" "$work/root/usr/lib"
	fi
	ln -sfn usr/lib "$work/root/lib"
	find "$mods" -name '*.ko.xz' -exec xz -d {} +
	depmod -b "$work/root" "$release"

	kernel_unpack "$work/root/boot/vmlinuz-$release" "$work/vmlinux"
	mksquashfs "$mods" "$work/modules.sqfs" -noI -noD -noF -noX \
		-no-progress -quiet -all-root -no-xattrs >/dev/null

	mkdir -p "$work/stage1"/{bin,dev,modules}
	cp "$(command -v busybox)" "$work/stage1/bin/busybox"
	cp "$here/stage1" "$work/stage1/init"
	chmod 755 "$work/stage1/init"
	for m in $(kernel_stage1_modules "$work/root" "$release"); do
		cp "$m" "$work/stage1/modules/"
		basename "$m" >>"$work/stage1/modules/order"
	done
	(cd "$work/stage1" && find . | cpio -o -H newc -R 0:0 --quiet) \
		>"$work/stage1.cpio"

	rm -rf "$dir" "$work/stage1" "$work/root"
	chmod 755 "$work"
	mv "$work" "$dir"
	kernel_key "$version" >"$dir/key"
}

kernel_key()
{
	echo "$1 $(cat "$here/stage1" "$here/kernel.sh" | sha256sum)"
}

# Leaves the kernel of RELEASE in $cache/RELEASE.
kernel_prepare()
{
	local release=$1 version

	version=$(kernel_package_version "$release")
	if [ "$(cat "$cache/$release/key" 2>/dev/null)" != \
	     "$(kernel_key "$version")" ]; then
		kernel_build "$release" "$version" "$cache/$release"
	fi
}
