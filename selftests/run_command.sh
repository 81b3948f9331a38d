#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sluice run: programs that know nothing of TLS, as clients and as servers, with
# stock OpenSSL and with each other; and what is refused. Then the examples that
# need no library. Every byte is compared, and the module must have counted it.
# selftest-timeout: 600

set -u
# shellcheck source=selftests/lib/tap.sh
. selftests/lib/tap.sh
# shellcheck source=selftests/lib/daemon.sh
. selftests/lib/daemon.sh

tools=$PWD/build/selftests/tools
examples=$PWD/userspace/examples
plain=$tools/plain
site=$work/site
data=$site/data
size=2000003
port=4733
key_records=/sys/module/sluice/parameters/key_records

client=("$sluice" run --client --)
server=("$sluice" run --server --)

# ends NAME STATUS PATTERN COMMAND...: that exit status, those words on stderr
ends()
{
	local name=$1 wanted=$2 pattern=$3 words status

	shift 3
	words=$(timeout 60 "$@" 2>&1 >"$work/out" </dev/null)
	status=$?
	if [ $status = "$wanted" ] && grep -qE -- "$pattern" <<<"$words"; then
		tap_ok "$name"
	else
		tap_not_ok "$name" "wanted: $wanted, $pattern" \
			"seen:   $status, $words"
	fi
}

same()	# NAME FILE
{
	tap_try "$1: the data is the same" cmp "$data" "$2"
	rm -f "$2"
}

# begin: remembers the counters; moved NAME TX RX: the module has sealed and
# opened that many bytes since, and at most 2000 more.
begin()
{
	tx_before=$(counter tx_bytes) rx_before=$(counter rx_bytes)
}

moved()
{
	local tx=$(($(counter tx_bytes) - tx_before))
	local rx=$(($(counter rx_bytes) - rx_before))

	tap_try "$1: by the module: $tx sealed, $rx opened" test \
		$tx -ge "$2" -a $tx -le $(($2 + 2000)) -a \
		$rx -ge "$3" -a $rx -le $(($3 + 2000))
}

# Between the two a key is good for one record; afterwards at least N KeyUpdates
# were sent.
rekey_often()
{
	updates=$(counter tx_keyupdates)
	echo 1 >$key_records
}

rekeyed()	# NAME N
{
	echo 0 >$key_records
	updates=$(($(counter tx_keyupdates) - updates))
	tap_try "$1: $updates KeyUpdates" test $updates -ge "$2"
}

# Not a byte.
unmoved()	# NAME
{
	tap_equal "$1: nothing sealed or opened" "$tx_before $rx_before" \
		"$(counter tx_bytes) $(counter rx_bytes)"
}

# serve COMMAND...: on $port, anew for each
serve()
{
	port=$((port + 1))
	start "${@//PORT/$port}"
	wait_for port_listens $port || {
		tap_not_ok "no server: $*" "$(cat "$work/server.log")"
		return 1
	}
}

end_server()
{
	kill -TERM $started 2>/dev/null
	wait $started 2>/dev/null
}

fetch_by_curl()
{
	curl -sS --fail --cacert "$pki/ca.pem" -o "$work/got" \
		"https://good.test:$port/data"
}

make_site()
{
	mkdir -p "$site"
	head -c $size /dev/urandom >"$data"
	echo hello >"$site/index.html"
}

# --- before a program starts ---

without_module()
{
	rmmod sluice
	ends 'the module is not loaded' 3 'module is not loaded' \
		"${client[@]}" true
	insmod "build/module/$(uname -r)/sluice.ko"
}

without_sluiced()
{
	ends 'sluiced is not running' 4 'sluiced is not running' \
		"${client[@]}" true
}

setuid()
{
	cp /usr/bin/true "$work/setuid"
	chmod 4755 "$work/setuid"
	chmod 755 "$work"
	ends 'a setuid program' 2 'setuid' setpriv --reuid 65534 --regid 65534 \
		--clear-groups "${client[@]}" "$work/setuid"
	chmod 755 "$work/setuid"
	tap_try 'the same without the bit, by the same user' setpriv \
		--reuid 65534 --regid 65534 --clear-groups "${client[@]}" \
		"$work/setuid"
}

statuses()
{
	ends 'exit status of the command' 7 '^$' "${client[@]}" sh -c 'exit 7'
	ends 'signal of the command' 143 '' sh -c \
		"'$sluice' run -- sh -c 'kill -TERM \$\$'; exit \$?"
	ends 'no such command' 127 'nonsense' "${client[@]}" nonsense
	ends 'a list of ports that is none' 2 'ports are' \
		"$sluice" run --port x -- true
	ends 'one within another' 126 'supervisor' \
		"${client[@]}" "${client[@]}" true
	ends 'help' 0 '' "$sluice" run --help
	ends 'io_uring_setup' 1 'Function not implemented' \
		"${client[@]}" "$plain" -u
}

# --- servers ---

python_server()
{
	serve "${server[@]}" python3 -m http.server -d "$site" PORT || return
	begin
	rekey_often
	tap_try 'python3 -m http.server: curl' fetch_by_curl
	rekeyed 'python3 -m http.server' 100
	same 'python3 -m http.server' "$work/got"
	moved 'python3 -m http.server' $size 0
	curl -sS -m 20 "http://good.test:$port/" >"$work/got" 2>&1
	if grep -q hello "$work/got"; then
		tap_not_ok 'python3 -m http.server: nothing without TLS'
	else
		tap_ok 'python3 -m http.server: nothing without TLS'
	fi
	end_server
}

# It becomes a daemon, its workers another user. sluice run stays with it.
nginx_server()
{
	cat >"$work/nginx.conf" <<-CONF
	pid $work/nginx.pid;
	error_log $work/nginx.log;
	worker_processes 2;
	events { }
	http {
		access_log off;
		sendfile on;
		server {
			listen $((port + 1));
			absolute_redirect off;
			root $site;
		}
	}
	CONF
	chmod 755 "$work" "$site"
	serve "${server[@]}" nginx -c "$work/nginx.conf" || return
	begin
	tap_try 'nginx with a plain listen: curl' fetch_by_curl
	same 'nginx' "$work/got"
	moved 'nginx' $size 0
	tap_try 'nginx has become a daemon, supervised still' \
		test -d "/proc/$started" -a \
		"$(ps -o ppid= -p "$(cat "$work/nginx.pid")" | tr -d ' ')" = $started
	kill -TERM $started
	wait $started
	tap_equal 'nginx: SIGTERM reaches it, exit status' 0 $?
}

# --- clients ---

# OpenSSL's own server, tickets and all.
curl_client()
{
	local tickets

	port=442
	serve env -C "$site" openssl s_server -quiet -WWW -accept PORT \
		-cert "$pki/good.pem" -key "$pki/good.key" || return
	begin
	tickets=$(counter rx_tickets)
	tap_try 'curl http://good.test:443' "${client[@]}" curl -sS --fail \
		-o "$work/got" http://good.test:443/data
	same 'curl http://good.test:443' "$work/got"
	moved 'curl http://good.test:443' 0 $size
	tap_try 'curl http://good.test:443: tickets have come' \
		test "$(counter rx_tickets)" -gt $tickets
	begin
	ends 'curl: of another name' 7 'onnect' \
		"${client[@]}" curl -sS -m 30 http://wrong.test:443/data
	unmoved 'curl: of another name'
	tap_try 'curl: of another name, with --name' "$sluice" run --client \
		--name good.test -- curl -sS --fail -o "$work/got" \
		http://wrong.test:443/data
	rm -f "$work/got"
	ends 'curl: its own Fast Open is refused, -v tells' 0 \
		'connect 127.0.0.1:443: TLS, server name good.test' \
		"$sluice" run --client -v -- curl -sS --tcp-fastopen \
		-o "$work/got" http://good.test:443/data
	same 'curl: without Fast Open' "$work/got"
	tap_equal 'curl: as a user without privileges' hello "$(setpriv \
		--reuid 65534 --regid 65534 --clear-groups "${client[@]}" \
		curl -sS --fail http://good.test:443/index.html)"
	end_server
	port=4750
}

socat_both()
{
	serve "${server[@]}" socat -u "TCP-LISTEN:PORT,bind=127.0.0.1" \
		"CREATE:$work/got" || return
	begin
	rekey_often
	tap_try 'socat to socat' "${client[@]}" socat -u "OPEN:$data" \
		"TCP:good.test:$port"
	wait $started
	rekeyed 'socat to socat' 100
	same 'socat to socat' "$work/got"
	moved 'socat to socat' $size $size
}

nc_to_openssl()
{
	port=$((port + 1))
	openssl s_server -quiet -accept $port -naccept 1 -cert "$pki/good.pem" \
		-key "$pki/good.key" >"$work/got" 2>"$work/server.log" \
		< <(exec sleep infinity) &
	started=$!
	wait_for port_listens $port
	begin
	rekey_often
	"${client[@]}" nc.openbsd -N good.test $port <"$data" >/dev/null
	tap_equal 'nc to openssl s_server' 0 $?
	wait $started 2>/dev/null
	rekeyed 'nc to openssl s_server' 100
	same 'nc to openssl s_server' "$work/got"
	moved 'nc to openssl s_server' $size 0
}

redis()
{
	local cli=("${client[@]}" redis-cli -h good.test)

	serve "${server[@]}" redis-server --port PORT --bind 127.0.0.1 \
		--save '' --dir "$work" || return
	begin
	"${cli[@]}" -p $port -x SET key <"$data" >"$work/out" 2>&1
	tap_equal 'redis-cli to redis-server: SET' OK "$(cat "$work/out")"
	# It adds a newline.
	"${cli[@]}" -p $port --raw GET key | head -c $size >"$work/got"
	same 'redis-cli to redis-server: GET' "$work/got"
	moved 'redis' $((2 * size)) $((2 * size))
	end_server
}

# Neither a loader nor a C library to put something into.
static_program()
{
	serve "${server[@]}" "$plain" -l PORT || return
	begin
	"$sluice" run --client --name good.test -- "$plain" 127.0.0.1 $port \
		<"$data" >"$work/got"
	tap_equal 'static client and server' 0 $?
	wait $started
	tap_equal 'static server: exit status' 0 $?
	same 'static client and server' "$work/got"
	moved 'static client and server' $((2 * size)) $((2 * size))

	serve "${server[@]}" "$plain" -l PORT || return
	begin
	ends 'static client without a name' 1 \
		'connect 127.0.0.1.*refused.*--name' \
		"${client[@]}" "$plain" 127.0.0.1 $port
	unmoved 'static client without a name'
	end_server
}

ipv6()
{
	serve "${server[@]}" python3 -m http.server -b ::1 -d "$site" PORT ||
		return
	begin
	tap_try 'IPv6: by its digits' "${client[@]}" python3 -c '
import sys, urllib.request
urllib.request.urlretrieve(sys.argv[1], sys.argv[2])' \
		"http://[::1]:$port/data" "$work/got"
	same 'IPv6' "$work/got"
	moved 'IPv6' $size $size
	end_server
}

chosen_ports()
{
	serve python3 -m http.server -d "$site" PORT || return
	begin
	tap_try '--plain-port: as if there were no TLS' "$sluice" run \
		--plain-port $port -- curl -sS --fail -o "$work/got" \
		"http://good.test:$port/data"
	tap_try '--port of another: likewise' "$sluice" run --port 443 -- \
		curl -sS --fail -o "$work/got" "http://good.test:$port/data"
	unmoved '--port'
	ends 'a server without TLS gets no word' 7 '' \
		"${client[@]}" curl -sS -m 30 "http://good.test:$port/data"
	end_server
}

# A program that outlives sluiced, and one that outlives its supervisor.
alone()
{
	serve "${server[@]}" python3 -m http.server -d "$site" PORT || return
	begin
	"${client[@]}" bash -c "kill -STOP \$\$
		exec 3<>/dev/tcp/good.test/$port" >"$work/out" 2>&1 &
	local pid=$!
	wait_for stopped_child $pid
	kill -KILL $pid
	kill -CONT "$(cat "$work/child")"
	wait $pid 2>/dev/null
	wait_for grep -q 'Function not implemented' "$work/out"
	tap_equal 'without its supervisor connect() fails' 0 $?
	unmoved 'without its supervisor'
	end_server
}

# Requests wait a while for another sluiced, then fail.  The server speaks plain
# HTTP: an armed one would fail at the same time, and its RST could be the first to
# end the client's connection.
sluiced_leaves()
{
	local pid

	serve python3 -m http.server -d "$site" PORT || return
	mkfifo "$work/gone"
	"${client[@]}" bash -c "read <$work/gone
		exec 3<>/dev/tcp/good.test/$port" >"$work/out" 2>&1 &
	pid=$!
	wait_for has_child $pid
	begin
	stop $sluiced_pid
	echo >"$work/gone"
	wait $pid
	tap_equal 'sluiced has gone: connect() fails' 1 $?
	tap_equal 'sluiced has gone: and says why' 'No such process' \
		"$(sed -n 's/^.*connect: //p' "$work/out")"
	unmoved 'sluiced has gone'
	end_server
}

has_child()	# PID
{
	ps --ppid "$1"
}

stopped_child()	# PID
{
	local child

	child=$(ps -o pid=,stat= --ppid "$1" | awk '$2 ~ /^T/ { print $1 }')
	[ -n "$child" ] && echo "$child" >"$work/child"
}

# --- no sluice run ---

without_library()
{
	serve env -C "$site" "$examples/serve.py" PORT || return
	begin
	tap_try 'serve.py: curl' fetch_by_curl
	same 'serve.py' "$work/got"
	moved 'serve.py' $size 0
	"$tools/fetch" good.test $port >"$work/got"
	tap_equal 'fetch.c: exit status' 0 $?
	tap_equal 'fetch.c: the page' hello "$(tail -n 1 "$work/got")"
	ends 'fetch.c: of another name' 1 'Key was rejected' \
		"$tools/fetch" wrong.test $port
	end_server
}

no_sockets()
{
	[ "$(counter sockets)" = 0 ]
}

make_pki || exit 1
make_site
without_module
without_sluiced
start_sluiced || exit 1
setuid
statuses
python_server
nginx_server
curl_client
socat_both
nc_to_openssl
redis
static_program
ipv6
chosen_ports
alone
without_library
sluiced_leaves
tap_try 'no socket is left' wait_for no_sockets
tap_end
