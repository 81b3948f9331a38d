#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One sluiced for the network namespaces of containers: their users are known by
# their ids on this side, to access lists and quotas.

set -u
# shellcheck source=selftests/lib/tap.sh
. selftests/lib/tap.sh
# shellcheck source=selftests/lib/daemon.sh
. selftests/lib/daemon.sh

storm=build/selftests/tools/storm
tcat=build/selftests/tools/tcat
host_id=100000

# container: $box, a process in user and network namespaces of its own, whose root is
# $host_id here
container()
{
	setpriv --reuid $host_id --regid $host_id --clear-groups \
		unshare --user --map-root-user --net \
		sh -c 'ip link set lo up && exec sleep infinity' &
	box=$!
	wait_for inside $box grep -q 127.0.0.1 /proc/net/fib_trie
}

# inside PID COMMAND...: as root of that container
inside()
{
	local pid=$1

	shift
	nsenter --target "$pid" --user --net "$@"
}

box_listens()	# PORT
{
	[ -n "$(inside "$served" ss -Hltn "sport = :$1")" ]
}

log_has()	# PATTERN
{
	grep -q "$1" "$work/sluiced.log"
}

serving()
{
	tap_equal 'all that stays is CAP_NET_ADMIN' 0000000000001000 \
		"$(awk '/^CapPrm/ { print $2 }' /proc/$sluiced_pid/status)"
	tap_try 'handshakes in a container' \
		inside "$served" $storm good.test test 10 4
	tap_try 'its root is a user of this side' \
		log_has "uid=$host_id pid=.* netns=/proc/$served/ns/net ok"
	tap_try 'handshakes on this side go on' $storm good.test test 10 4
	inside "$other" $storm good.test test 1 1 >/dev/null 2>"$work/other.err"
	tap_equal 'a container that is not served has no agent' 1 $?
	tap_try 'and is told so' \
		grep -q 'sluiced is not running' "$work/other.err"
}

access()
{
	local server

	inside "$served" $tcat -l -i rsa 4833 2>"$work/server.err" &
	server=$!
	wait_for box_listens 4833
	inside "$served" $tcat rsa.test 4833 </dev/null >/dev/null 2>&1
	wait $server
	tap_equal "an identity that is not a container's" 1 $?
	tap_try 'is refused to it' grep -q \
		"user $host_id may not use identity \"rsa\"" "$work/server.err"
}

pending()	# NUMBER, in the container
{
	inside "$served" "$sluice" status | grep -q "^pending: *$1 "
}

# One user, whatever namespace it asks from.
quota()
{
	local client

	echo 'max_handshakes_per_user = 1;' >>"$work/sluiced.conf"
	kill -HUP $sluiced_pid
	wait_for log_has 'configuration reloaded'
	start inside "$served" nc -l 4834
	wait_for box_listens 4834
	inside "$served" $tcat good.test 4834 >/dev/null 2>&1 </dev/null &
	client=$!
	wait_for pending 1
	setpriv --reuid $host_id --regid $host_id --clear-groups \
		$storm good.test test 1 1 >/dev/null 2>"$work/over.err"
	tap_equal "a container's handshakes count as its user's" 1 $?
	tap_try 'who is told so' \
		grep -q 'too many handshakes' "$work/over.err"
	kill -KILL $started $client
	wait $started $client 2>/dev/null
}

no_such_namespace()
{
	local words

	echo 'namespaces = [ "/run/netns/nowhere" ];' >>"$work/plain.conf"
	words=$("$SLUICE_BIN/sluiced" -c "$work/plain.conf" 2>&1)
	if [ $? = 1 ] && grep -q 'nowhere: No such file' <<<"$words"; then
		tap_ok 'a namespace that is not there is an error'
	else
		tap_not_ok 'a namespace that is not there is an error' "$words"
	fi
}

make_pki || exit 1
write_config
chmod 755 "$work" "$pki"
chown nobody "$pki"/*.key
cp "$work/sluiced.conf" "$work/plain.conf"
container
served=$box
container
other=$box
sed -i "s/default = true;/default = true; allow_users = [ \"$host_id\", \"root\" ];/" \
	"$work/sluiced.conf"
cat >>"$work/sluiced.conf" <<CONF
user = "nobody";
namespaces = [ "/proc/$served/ns/net" ];
CONF
start_sluiced -v || exit 1
serving
access
quota
stop $sluiced_pid
tap_equal 'it ends cleanly' 0 $?
no_such_namespace
kill -KILL "$served" "$other"
tap_end
