# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced, in the VM: sluiced and its peers for a test, the module's counters,
# and names for this machine. Sources pki.sh.

SLUICE_BIN=${SLUICE_BIN:-build/userspace}
SLUICE_BIN=$(realpath "$SLUICE_BIN")
sluice=$SLUICE_BIN/sluice
work=${work:-$(mktemp -d /tmp/sluice.XXXXXX)}
pki=$work/pki

# shellcheck source=selftests/lib/pki.sh
. "$(dirname "${BASH_SOURCE[0]}")/pki.sh"

# wait_for COMMAND...: until it succeeds, for at most $patience seconds. Only a
# failure costs them, and a busy emulated machine is slow.
wait_for()
{
	local end=$((SECONDS + ${patience:-120}))

	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

port_listens()	# PORT
{
	[ -n "$(ss -Hltn "sport = :$1")" ]
}

# Two authorities, certificates for good.test (EC, the default), rsa.test (RSA,
# static RSA key exchange allowed), one expired, one of the authority that
# nobody trusts, one for clients and one for mutual.test, which wants to see it.
make_pki()
{
	pki_ca ca
	pki_ca stranger
	pki_cert ca good DNS:good.test,DNS:*.good.test,IP:127.0.0.1,IP:::1
	pki_cert ca rsa DNS:rsa.test rsa
	pki_cert ca expired DNS:expired.test ec 20200101000000Z 20210101000000Z
	pki_cert stranger unknown DNS:unknown.test
	pki_cert ca mutual DNS:mutual.test
	pki_cert ca client DNS:client.test
	echo "127.0.0.1 good.test www.good.test rsa.test expired.test" \
		"unknown.test wrong.test mutual.test" >>/etc/hosts
}

write_config()
{
	cat >"$work/sluiced.conf" <<-CONF
	workers = 2;
	client = { trust = "test"; };
	trust = ( { name = "test"; file = "$pki/ca.pem"; } );
	identities = (
		{ name = "good"; names = [ "good.test", "*.good.test" ];
		  certificate = "$pki/good.pem"; key = "$pki/good.key";
		  default = true; },
		{ name = "rsa"; names = [ "rsa.test" ]; static_rsa = true;
		  certificate = "$pki/rsa.pem"; key = "$pki/rsa.key"; },
		{ name = "expired"; names = [ "expired.test" ];
		  certificate = "$pki/expired.pem"; key = "$pki/expired.key"; },
		{ name = "unknown"; names = [ "unknown.test" ];
		  certificate = "$pki/unknown.pem"; key = "$pki/unknown.key"; },
		{ name = "mutual"; names = [ "mutual.test" ];
		  client_certificates = "require"; client_trust = "test";
		  certificate = "$pki/mutual.pem"; key = "$pki/mutual.key"; },
		{ name = "client";
		  certificate = "$pki/client.pem"; key = "$pki/client.key"; }
	);
	CONF
}

times_ready()
{
	cat "$work/sluiced.log" 2>/dev/null | grep -c ': ready: ' || true
}

ready_again()	# TIMES
{
	[ "$(times_ready)" -gt "$1" ]
}

# start_sluiced [OPTION]...: $sluiced_pid; log in $work/sluiced.log. All of its
# workers have what they keep open by the time it says that it is ready.
start_sluiced()
{
	local before

	before=$(times_ready)
	[ -e "$work/sluiced.conf" ] || write_config
	"$SLUICE_BIN/sluiced" -c "$work/sluiced.conf" "$@" 2>>"$work/sluiced.log" &
	sluiced_pid=$!
	wait_for ready_again "$before" || {
		echo "sluiced does not start:" >&2
		cat "$work/sluiced.log" >&2
		return 1
	}
}

# stop PID: by SIGTERM, waits for it; its exit status
stop()
{
	kill -TERM "$1" 2>/dev/null
	wait "$1"
}

# start COMMAND...: $started; log in $work/server.log, standard input never ends
# (openssl s_server ends with it)
start()
{
	"$@" >"$work/server.log" 2>&1 < <(exec sleep infinity) &
	started=$!
}

# start_serve PORT DIR [OPTION]...: sluice serve, $started
start_serve()
{
	local port=$1 dir=$2

	shift 2
	start "$sluice" serve --port "$port" "$@" "$dir"
	wait_for port_listens "$port" || {
		cat "$work/server.log" >&2
		return 1
	}
}

# counter NAME: the module's, of this network namespace
counter()
{
	"$sluice" stats --json | python3 -c \
		'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}

# What a program leaves open counts, whatever it is.
open_files()	# PID
{
	local f=(/proc/"$1"/fd/*)

	echo ${#f[@]}
}
