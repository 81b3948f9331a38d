# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by run: the guest's root, an image of the files that the packages
# named by selftests/deps, and those they depend on, have put on this
# machine. Rebuilt whenever dpkg changed something.

root_packages()
{
	local optional

	optional=$("$tree/selftests/deps" --optional)
	{
		dpkg-query -W -f '${Essential} ${Package}\n' |
			sed -n 's/^yes //p'
		"$tree/selftests/deps" --guest
		# shellcheck disable=SC2086
		dpkg-query -W -f '${db:Status-Status} ${Package}\n' \
			$optional 2>/dev/null | sed -n 's/^installed //p'
	} | sort -u |
	xargs apt-cache depends --recurse --installed --no-recommends \
		--no-suggests --no-conflicts --no-breaks --no-replaces \
		--no-enhances |
	sed -n 's/^\([a-z0-9][^ ]*\)$/\1/p' | sort -u
}

# Paths, NUL between them. /bin and its like are links on a merged /usr, so
# a package's /bin/x is stored as /usr/bin/x.
root_files()
{
	{
		xargs dpkg-query -L 2>/dev/null
		find /usr/bin /usr/sbin /usr/lib -lname '/etc/alternatives/*'
		find /etc/alternatives /etc/ssl/certs /usr/lib/ssl
		echo /etc/ld.so.cache
	} |
	grep -Ev -e '^/usr/(share/(doc|man|info|locale|lintian|bug|gdb)|include|src)/' \
		-e '^/boot/|^/lib/modules/|^/etc/(shadow|gshadow)' \
		-e '/__pycache__/|/site-packages/' -e '\.(a|o|la)$' |
	sed -E 's,^/(bin|sbin|lib|lib32|lib64|libx32)/,/usr/\1/,' | sort -u |
	perl -ne 'chomp; next if m,^/(bin|sbin|lib\w*)?\.?$,;
		  print substr($_, 1), "\0" if m,^/, && (-e || -l)'
}

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

root_build()
{
	local image=$1 work

	note "building the guest's root"
	work=$(mktemp -d "$cache/root.XXXXXX")
	mkdir "$work/skeleton"
	root_skeleton "$work/skeleton"
	root_packages >"$work/packages"
	root_files <"$work/packages" >"$work/files"
	tar -c --ignore-failed-read --no-recursion --null \
		-C / -T "$work/files" --no-null --recursion \
		-C "$work/skeleton" . 2>"$work/tar.log" |
	sqfstar -noI -noD -noF -noX -no-progress -quiet -no-xattrs \
		-root-mode 755 "$work/image" >"$work/sqfs.log" 2>&1 || {
		cat "$work/tar.log" "$work/sqfs.log" >&2
		die "cannot build the guest's root"
	}
	mv "$work/image" "$image"
	rm -rf "$work"
}

root_key()
{
	{
		stat -c '%Y %s' /var/lib/dpkg/status
		cat "$here/root.sh" "$tree/selftests/deps"
	} | sha256sum
}

# Leaves the root in $cache/root.sqfs.
root_prepare()
{
	local key

	key=$(root_key)
	if [ "$(cat "$cache/root.key" 2>/dev/null)" != "$key" ] ||
	   [ ! -e "$cache/root.sqfs" ]; then
		root_build "$cache/root.sqfs"
		echo "$key" >"$cache/root.key"
	fi
}
