#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# takeover=1: the module in the place of the kernel's own tls, as administrators and
# programs meet it: refused while that is loaded, loaded by itself when a program
# asks for "tls", with the kernel's files and tools, and OpenSSL as it comes.
# selftest-timeout: 300

set -u
# shellcheck source=selftests/lib/tap.sh
. selftests/lib/tap.sh
# shellcheck source=selftests/lib/daemon.sh
. selftests/lib/daemon.sh

release=$(uname -r)
ko=build/module/$release/sluice.ko
modules=/usr/lib/modules
conf=/etc/modprobe.d/sluice-takeover.conf
port=4733
size=300000

before=()
for p in /sys/module/sluice/parameters/*; do
	before+=("${p##*/}=$(<"$p")")
done

# The module as the session had it.
restore()
{
	rm -f "$conf"
	rmmod tls 2>/dev/null
	rmmod sluice 2>/dev/null
	if mountpoint -q "$work/modules"; then
		umount $modules "$work/modules"
	fi
	insmod "$ko" "${before[@]}"
}
trap restore EXIT

# ulp NAME: a connected socket asks for it: "ok", or the errno
ulp()
{
	python3 - "$1" <<-'PYTHON'
	import errno, socket, sys
	l = socket.create_server(("127.0.0.1", 0))
	c = socket.create_connection(l.getsockname())
	try:
	    c.setsockopt(socket.IPPROTO_TCP, 31, sys.argv[1].encode())
	    print("ok")
	except OSError as e:
	    print(errno.errorcode[e.errno])
	PYTHON
}

ulps()
{
	cat /proc/sys/net/ipv4/tcp_available_ulp
}

# tls_stat NAME: the value of that counter
tls_stat()
{
	sed -n "s/^$1 *\t//p" /proc/net/tls_stat
}

# --- loading ---

refused()
{
	local words status

	rmmod sluice
	modprobe tls
	sed 's/\t.*/\t/' /proc/net/tls_stat >"$work/names.tls"
	words=$(insmod "$ko" takeover=1 2>&1)
	status=$?
	tap_equal 'beside the in-tree module: refused' 1 $status
	[[ $words == *"Device or resource busy"* ]]
	tap_equal 'beside the in-tree module: EBUSY' 0 $?
	dmesg | tail -n 5 | grep -q 'sluice: takeover=1: .*rmmod tls.*sluice-takeover.conf'
	tap_equal 'beside the in-tree module: the log says what to do' 0 $?
	tap_equal 'beside the in-tree module: no module left' no \
		"$([ -d /sys/module/sluice ] && echo yes || echo no)"
	tap_equal 'beside the in-tree module: no name left' '' \
		"$(ulps | tr ' ' '\n' | grep -x sluice)"
	tap_equal 'beside the in-tree module: that goes on' ok "$(ulp tls)"
	insmod "$ko"
	tap_equal 'without takeover: beside the in-tree module' ok "$(ulp sluice)"
	tap_equal 'without takeover: the name tls is not ours' 0 \
		"$(cat /sys/module/sluice/refcnt)"
	rmmod sluice
	rmmod tls
}

# Debian's modules with ours among them, as `make install` would leave them.
install_module()
{
	mkdir "$work/modules"
	mount -t tmpfs modules "$work/modules"
	mkdir "$work"/modules/{up,work}
	mount -t overlay -o "lowerdir=$modules,upperdir=$work/modules/up,\
workdir=$work/modules/work" modules $modules
	mkdir -p "$modules/$release/updates"
	cp "$ko" "$modules/$release/updates/"
	depmod "$release"
	cp module/sluice-takeover.conf "$conf"
}

autoload()
{
	install_module
	tap_equal 'a program asks for tls: it gets it' ok "$(ulp tls)"
	tap_equal 'a program asks for tls: from sluice' Y \
		"$(cat /sys/module/sluice/parameters/takeover 2>&1)"
	tap_try 'modprobe tls: content with sluice' modprobe tls
	tap_equal 'modprobe tls: the in-tree module stays out' no \
		"$([ -d /sys/module/tls ] && echo yes || echo no)"
	rmmod sluice
	tap_try 'modprobe tls: loads sluice' modprobe tls
	tap_equal 'modprobe tls: both names are there' 'sluice tls' \
		"$(ulps | tr ' ' '\n' | grep -xE 'tls|sluice' | sort | xargs)"
}

# --- attaching ---

# Each line: what was tried, the errno of the in-tree module, that of sluice.
attach()
{
	local name wanted seen

	while IFS=: read -r name wanted seen; do
		tap_equal "attach by the name tls: $name" "$wanted" "$seen"
	done < <(python3 - <<-'PYTHON'
	import ctypes, errno, socket
	ULP, SOL_TLS, HANDSHAKE, INFO = 31, 282, 64, 65
	libc = ctypes.CDLL(None, use_errno=True)

	def tried(name, wanted, call, *args):
	    try:
	        seen = call(*args) or "ok"
	    except OSError as e:
	        seen = errno.errorcode[e.errno]
	    print(name, wanted, seen, sep=":")

	def attach(s, name="tls"):
	    s.setsockopt(socket.IPPROTO_TCP, ULP, name.encode())

	def disconnect(s):
	    if libc.connect(s.fileno(), bytes(16), 16):
	        raise OSError(ctypes.get_errno(), "")

	for family, host in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
	    l = socket.create_server((host, 0), family=family)
	    tried("a listener", "ENOTCONN", attach, l)
	    c = socket.socket(family)
	    tried("not connected", "ENOTCONN", attach, c)
	    c.connect(l.getsockname())
	    a = l.accept()[0]
	    tried("connected", "ok", attach, c)
	    tried("what it is called", "tls", lambda: c.getsockopt(
	        socket.IPPROTO_TCP, ULP, 16).rstrip(b"\0").decode())
	    tried("twice", "EEXIST", attach, c)
	    tried("and as sluice", "EEXIST", attach, c, "sluice")
	    tried("a request", "ENOPROTOOPT", c.setsockopt, SOL_TLS, HANDSHAKE, bytes(2048))
	    tried("disconnect", "ENOTSUP", disconnect, c)
	    tried("listen", "EINVAL", c.listen)
	    d = socket.create_connection(l.getsockname())
	    l.accept()[0].close()
	    d.recv(1)
	    tried("half closed by the peer", "ENOTCONN", attach, d)
	PYTHON
	)
}

# --- the counters' file ---

names()
{
	sed 's/\t.*/\t/' /proc/net/tls_stat >"$work/names"
	head -n "$(wc -l <"$work/names.tls")" "$work/names" >"$work/names.same"
	tap_try "tls_stat: the in-tree module's lines" \
		cmp "$work/names.tls" "$work/names.same"
	tap_equal 'tls_stat: those of later kernels as well' 17 \
		"$(grep -cE '^Tls[A-Za-z]+ +[[:space:]]$' "$work/names")"
}

namespaces()
{
	ip netns add other
	tap_equal 'tls_stat: another namespace has counted nothing' 0 \
		"$(ip netns exec other awk '{ n += $2 } END { print n }' \
			/proc/net/tls_stat)"
	ip netns del other
}

# --- OpenSSL ---

# peer FILE COMMAND...: sends the data, writes what it gets to FILE, stays; $started
peer()
{
	local out=$1

	shift
	"$@" >"$out" 2>>"$work/openssl.err" \
		< <(cat "$work/data"; exec sleep infinity) &
	started=$!
}

arrived()	# FILE
{
	[ "$(stat -c %s "$1")" -ge $size ]
}

# OpenSSL leaves records to the kernel where its configuration says so.
openssl_config()
{
	cat >"$work/openssl.cnf" <<-CNF
	openssl_conf = all
	[all]
	ssl_conf = ssl
	[ssl]
	system_default = default
	[default]
	Options = KTLS
	CNF
	export OPENSSL_CONF=$work/openssl.cnf
}

# openssl_pair VERSION CONNECT_PORT: $server and $client
openssl_pair()
{
	peer "$work/server.got" openssl s_server -quiet "-tls$1" \
		-accept $port -cert "$pki/good.pem" -key "$pki/good.key"
	server=$started
	wait_for port_listens $port
	peer "$work/client.got" openssl s_client -quiet "-tls$1" \
		-CAfile "$pki/ca.pem" -connect "127.0.0.1:$2"
	client=$started
}

end_pair()
{
	kill "$client" "$server" 2>/dev/null
	wait "$client" "$server" 2>/dev/null
}

gone()
{
	[ "$(tls_stat TlsCurrTxSw) $(tls_stat TlsCurrRxSw)" = '0 0' ]
}

# ss of both ends, between them what ss says of the ULP
shown()
{
	ss -Htie "sport = :$port or dport = :$port" | grep -o 'tcp-ulp-.*'
}

# transfer VERSION DIRECTIONS: those that OpenSSL leaves to the kernel, "Tx Rx"
transfer()
{
	local version=${1/_/.} name d words
	local -A sessions bytes

	name="OpenSSL, TLS $version"
	for d in $2; do
		sessions[$d]=$(tls_stat "Tls${d}Sw")
		bytes[$d]=$(counter "${d,}_bytes")
	done
	openssl_pair "$1" $port
	wait_for arrived "$work/client.got"
	wait_for arrived "$work/server.got"
	words=$(shown)
	tap_try "$name: to the client" cmp "$work/data" "$work/client.got"
	tap_try "$name: to the server" cmp "$work/data" "$work/server.got"
	tap_equal "$name: ss tells the name, version and cipher of both ends" 2 \
		"$(grep -c "^tcp-ulp-tls .*version: $version .*cipher: aes-gcm-256" \
			<<<"$words")"
	for d in $2; do
		tap_equal "$name: ss tells of ${d^^} at both ends" 2 \
			"$(grep -c "${d,}conf: sw" <<<"$words")"
		tap_equal "$name: ${d^^} sessions, now and in all" '2 2' \
			"$(tls_stat "TlsCurr${d}Sw") $(($(tls_stat "Tls${d}Sw") -
				sessions[$d]))"
		tap_equal "$name: ${d^^} by the module, every byte" \
			$((2 * size)) $(($(counter "${d,}_bytes") - bytes[$d]))
	done
	end_pair
	wait_for gone
	tap_equal "$name: no session is left" 0 $?
}

# One bit of the second record with data to the client changed on its way.
tampered()
{
	local errors proxy

	errors=$(tls_stat TlsDecryptError)
	python3 selftests/lib/tamper.py $((port + 1)) $port 2 >"$work/tamper" &
	proxy=$!
	wait_for grep -q ready "$work/tamper"
	openssl_pair 1_2 $((port + 1))
	wait_for grep -q changed "$work/tamper"
	wait_for [ "$(tls_stat TlsDecryptError)" != "$errors" ]
	wait $client
	end_pair
	kill $proxy
	wait $proxy 2>/dev/null
	tap_equal 'a record tampered with: TlsDecryptError' $((errors + 1)) \
		"$(tls_stat TlsDecryptError)"
}

head -c $((size * 3 / 4 + 9)) /dev/urandom | base64 | head -c $size >"$work/data"
make_pki || exit 1
refused
autoload
attach
names
namespaces
openssl_config
transfer 1_2 'Tx Rx'
# What OpenSSL leaves to the kernel of TLS 1.3 differs: TX in any version.
transfer 1_3 Tx
tampered
tap_end
