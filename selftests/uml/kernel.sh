# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by build and by ../vm/run, which give $tree, note and die: kernels
# of user-mode Linux, which run as a program of this machine. From Debian's
# source package, fetched and verified by apt, into $tree/build/uml:
#
# source-VERSION/    unpacked, with edit-source.py's edits
# NAME/              the build of NAME.config; KDIR for modules (ARCH=um); in it
# NAME/linux         the kernel, a program
# NAME/modules.sqfs  /usr/lib/modules
# NAME/stage1.cpio   busybox and stage1
# NAME/key           what all this was made of: there when it is complete
#
# An interrupted build goes on where it was. NAME.config is for Linux 6.12, or for
# what a line "# linux: VERSION" in it says.

# shellcheck source=selftests/vm/archive.sh
. "$tree/selftests/vm/archive.sh"

uml=$tree/build/uml
cache=$tree/build/vm

uml_linux()
{
	sed -n 's/^# linux: *//p' "$tree/selftests/uml/$1.config" | grep . ||
		echo 6.12
}

uml_source_key()
{
	echo "$1 $(sha256sum <"$tree/selftests/uml/edit-source.py")"
}

# Of @name's kernel: the sources, the configuration, the compiler and how the
# images are made.
uml_key()
{
	uml_source_key "$2"
	gcc --version | head -n 1
	uml_config "$1" | sha256sum
	cat "$tree/selftests/vm/stage1" "$tree/selftests/uml/kernel.sh" |
		sha256sum
}

uml_config()
{
	# The last word on an option stands; kconfig would remark on each.
	cat "$tree/selftests/config" "$tree/selftests/uml/uml.config" \
		"$tree/selftests/uml/$1.config" |
	tac | awk '{
		name = $1 == "#" && /is not set$/ ? $2 : $0
		sub(/=.*/, "", name)
		if (name ~ /^CONFIG_/ && !seen[name]++)
			print
	}'
}

# uml_fetch_source HOME PACKAGE VERSION: leaves them in $src
uml_fetch_source()
{
	local home=$1 package=$2 version=$3 work

	[ "$(cat "$src/key" 2>/dev/null)" != "$(uml_source_key "$version")" ] ||
		return 0
	note "fetching and unpacking $package $version"
	work=$(mktemp -d "$src.XXXXXX")
	archive_get "$home" "$package=$version" "$work" || {
		rm -rf "$work"
		exit 125
	}
	dpkg-deb --fsys-tarfile "$work"/*.deb |
		tar -xO "./usr/src/$package.tar.xz" | xz -dc -T0 |
		tar -x -C "$work" || die "cannot unpack $package"
	"$tree/selftests/uml/edit-source.py" "$work/$package" || exit 125
	uml_source_key "$version" >"$work/$package/key"
	rm -rf "$src"
	mv "$work/$package" "$src"
	rm -rf "$work"
}

uml_make()
{
	make -s -C "$src" ARCH=um O="$dir" "$@"
}

# Fails where an option that is asked for did not come out so.
uml_configure()
{
	local name=$1 line

	uml_config "$name" >"$dir/asked"
	KCONFIG_ALLCONFIG=$dir/asked uml_make alldefconfig \
		>"$dir/config.log" 2>&1 || {
		cat "$dir/config.log" >&2
		die "cannot configure the $name kernel"
	}
	while read -r line; do
		[[ $line != CONFIG_* ]] || grep -qxF "$line" "$dir/.config" ||
			die "$name.config: $line is not to be had"
	done <"$dir/asked"
}

# Tells every minute how far it is; what make says is in build.log.
uml_compile()
{
	local name=$1 jobs pid n=0

	jobs=$(nproc)
	make -C "$src" ARCH=um O="$dir" -j"$((jobs + 1))" linux modules \
		>"$dir/build.log" 2>&1 </dev/null &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		[ $((n++ % 60)) -ne 0 ] || note "building the $name kernel:" \
			"$(wc -l <"$dir/build.log") steps (of about 1300)"
		sleep 1
	done
	wait $pid || {
		tail -n 30 "$dir/build.log" >&2
		die "the $name kernel does not build: $dir/build.log"
	}
}

uml_images()
{
	local work=$dir/images

	rm -rf "$work"
	mkdir -p "$work/stage1"/{bin,dev,modules}
	uml_make INSTALL_MOD_PATH="$work" modules_install >/dev/null ||
		die "cannot install the modules of $dir"
	mksquashfs "$work/lib/modules" "$dir/modules.sqfs" -noappend -noI -noD \
		-noF -noX -no-progress -quiet -all-root -no-xattrs >/dev/null
	cp "$(command -v busybox)" "$work/stage1/bin/busybox"
	cp "$tree/selftests/vm/stage1" "$work/stage1/init"
	chmod 755 "$work/stage1/init"
	: >"$work/stage1/modules/order"
	(cd "$work/stage1" && find . | cpio -o -H newc -R 0:0 --quiet) \
		>"$dir/stage1.cpio"
	rm -rf "$work"
}

uml_is_built()
{
	[ "$(cat "$uml/$1/key" 2>/dev/null)" = "$(uml_key "$1" "$2")" ]
}

# Leaves the kernel of NAME.config in $uml/NAME.
uml_prepare()
{
	local name=$1 dir=$uml/$1 package src home version key lock

	[ -e "$tree/selftests/uml/$name.config" ] ||
		die "no selftests/uml/$name.config"
	mkdir -p "$uml"
	package=linux-source-$(uml_linux "$name")
	src=$uml/source-${package##*-}
	home=$(archive_home "$package") || exit 125
	version=$(archive_version "$home" "$package") || exit 125
	uml_is_built "$name" "$version" && return
	exec {lock}>"$uml/lock"
	flock "$lock"
	if uml_is_built "$name" "$version"; then
		exec {lock}>&-
		return
	fi
	for p in flex bison bc mksquashfs cpio busybox; do
		command -v $p >/dev/null ||
			die "$p is not installed: run selftests/deps --uml"
	done
	uml_fetch_source "$home" "$package" "$version"
	# Objects of other sources, or of a source that came anew, are of no use.
	cmp -s "$src/key" "$dir/source.key" || rm -rf "$dir"
	mkdir -p "$dir"
	cp "$src/key" "$dir/source.key"
	rm -f "$dir/key"
	# Of what is built now: another may edit it before this ends.
	key=$(uml_key "$name" "$version")
	uml_configure "$name"
	uml_compile "$name"
	uml_images
	echo "$key" >"$dir/key"
	exec {lock}>&-
}
