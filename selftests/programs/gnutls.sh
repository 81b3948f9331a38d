# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced: gnutls-serv and gnutls-cli with "ktls = true" in the system's
# configuration. gnutls-serv ends each connection 30 s after it began, busy or not: a
# row is as many connections as it takes, of 4 MiB each.

# Debian builds GnuTLS without kTLS. The same source with it, if it was built.
gnutls=build/gnutls
[ -x $gnutls/gnutls-cli ] || gnutls=$(dirname "$(command -v gnutls-cli)")
gnutls_setbuf=
[ ! -e "$gnutls/setbuf.so" ] || gnutls_setbuf=$(realpath "$gnutls/setbuf.so")
gnutls_version=$("$gnutls/gnutls-cli" --version | sed -n '1s/.* //p')

# It has no word for it: what it would log if the kernel refused is in the program
# or in its library.
gnutls_has_ktls()
{
	local lib

	lib=$(ldd "$gnutls/gnutls-cli" | awk '/libgnutls/ { print $3 }')
	grep -q 'Unable to set TCP_ULP' "$gnutls/gnutls-cli" $lib
}

gnutls_configure()
{
	printf '[global]\nktls = true\n' >"$work/gnutls.conf"
	gnutls_env="GNUTLS_SYSTEM_PRIORITY_FILE=$work/gnutls.conf"
	gnutls_piece=$((size < 4 << 20 ? size : 4 << 20))
	gnutls_times=$((size / gnutls_piece))
	head -c $((gnutls_piece - 1)) "$work/data" >"$work/piece"
	echo >>"$work/piece"
}

gnutls_priority()	# VERSION CIPHER
{
	echo "NORMAL:-VERS-ALL:+VERS-TLS$1:-CIPHER-ALL:+$2"
}

gnutls_server()	# PORT VERSION CIPHER OPTION...
{
	local port=$1 priority

	priority=$(gnutls_priority "$2" "$3")
	shift 3
	at server gnutls-serv env "$gnutls_env" "$gnutls/gnutls-serv" \
		--quiet --disable-client-cert --port "$port" \
		--x509certfile="$pki/good.pem" --x509keyfile="$pki/good.key" \
		--priority="$priority" "$@"
	server=$started
	await_port "$port"
}

gnutls_client()	# FILE PORT VERSION CIPHER
{
	feed client gnutls-cli "$1" env "$gnutls_env" \
		LD_PRELOAD="$gnutls_setbuf" "$gnutls/gnutls-cli" --logfile=/dev/null \
		--x509cafile="$pki/ca.pem" --port "$2" \
		--priority="$(gnutls_priority "$3" "$4")" good.test
	client=$started
}

gnutls_both='server:tx server:rx client:tx client:rx'

gnutls_get()	# VERSION CIPHER
{
	local outcome got=0 sent=0 i

	row_begin 'GnuTLS, GnuTLS' "$1" "$2" HTTP
	for ((i = 0; i < gnutls_times; i++)); do
		gnutls_client "$work/request" "$port" "$1" "$2"
		await_end "$client"
		got_file "$work/gnutls-cli.out" "$work/piece"
		got=$((got + down)) sent=$((sent + up))
		[ "$outcome" = ok ] || break
	done
	down=$got up=$sent
	row_end "$gnutls_both" "$outcome"
}

gnutls_echo()	# VERSION CIPHER
{
	local outcome i

	row_begin 'GnuTLS, GnuTLS' "$1" "$2" echo
	for ((i = 0; i < gnutls_times; i++)); do
		gnutls_client "$work/piece" "$port" "$1" "$2"
		wait_for has_size "$work/gnutls-cli.out" "$gnutls_piece"
		outcome=$(same "$work/piece" "$work/gnutls-cli.out")
		end "$client"
		[ "$outcome" = ok ] || break
	done
	up=$((gnutls_times * gnutls_piece)) down=$up
	row_end "$gnutls_both" "$outcome"
}

gnutls_rows()	# VERSION CIPHER
{
	# Its keys for that make neither end understand the other.
	if [ "$1 $2" = '1.2 CHACHA20-POLY1305' ]; then
		row_skip 'GnuTLS, GnuTLS' "$1" "$2" all \
			'GnuTLS 3.8.9 fails so on the in-tree module too'
		return
	fi
	next_port
	gnutls_server "$port" "$1" "$2" --http --httpdata="$work/piece"
	gnutls_get "$@"
	end "$server"
	next_port
	gnutls_server "$port" "$1" "$2" --echo
	gnutls_echo "$@"
	end "$server"
}
