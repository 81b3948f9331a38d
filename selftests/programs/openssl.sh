# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced: openssl s_server and s_client with -ktls.

openssl_version=$(openssl version | cut -d' ' -f2)

# Debian 12 builds it without kTLS; then it and what is built on it are told of in
# one line.
openssl_has_ktls()
{
	! openssl list -disabled | grep -qw KTLS &&
		openssl s_client -help 2>&1 | grep -q -- '-ktls'
}

# Since 3.2 it gives the receiving half of TLS 1.3 to the kernel too.
openssl_receives()	# VERSION
{
	[ "$1" = 1.2 ] ||
		printf '%s\n' 3.2 "$openssl_version" | sort -VC
}

# openssl_halves VERSION HOST...: what OpenSSL gives to the kernel there
openssl_halves()
{
	local version=$1 h halves=

	shift
	for h in "$@"; do
		halves+=" $h:tx"
		! openssl_receives "$version" || halves+=" $h:rx"
	done
	echo $halves
}

openssl_note()	# VERSION
{
	openssl_receives "$1" ||
		echo "OpenSSL $openssl_version: no RX of TLS 1.3"
}

openssl_pair()	# VERSION SUITE
{
	if [ "$1" = 1.2 ]; then
		echo "-tls1_2 -cipher $2"
	else
		echo "-tls1_3 -ciphersuites $2"
	fi
}

s_server()	# PORT VERSION SUITE OPTION...
{
	local port=$1 pair

	pair=$(openssl_pair "$2" "$3")
	shift 3
	# shellcheck disable=SC2086
	at server s_server env -C "$work" openssl s_server -quiet -ktls $pair \
		-accept $server_ip:"$port" -cert "$pki/good.pem" \
		-key "$pki/good.key" "$@"
	server=$started
	await_port "$port"
}

# s_client FILE PORT VERSION SUITE OPTION...
s_client()
{
	local file=$1 port=$2 pair

	pair=$(openssl_pair "$3" "$4")
	shift 4
	# shellcheck disable=SC2086
	feed client s_client "$file" openssl s_client -quiet -ktls $pair \
		-connect $server_ip:"$port" -servername good.test \
		-CAfile "$pki/ca.pem" -verify_return_error "$@"
	client=$started
}

# got_file FILE [WANTED]: what came of a request: a header and, at the end, the file
# that was asked for, by default all the data. Sets $outcome.
got_file()
{
	local wanted=${2-$work/data}

	down=$(stat -c %s "$1")
	up=$(stat -c %s "$work/request")
	tail -c "$(stat -c %s "$wanted")" "$1" >"$work/body"
	outcome=$(same "$wanted" "$work/body")
}

# SSL_sendfile to SSL_read.
openssl_get()	# VERSION CIPHER SUITE
{
	local outcome

	row_begin 'OpenSSL, OpenSSL' "$1" "$2" sendfile
	s_client "$work/request" "$port" "$1" "$3"
	await_end "$client"
	got_file "$work/s_client.out"
	row_end "$(openssl_halves "$1" server client)" "$outcome" "$(openssl_note "$1")"
}

# SSL_write to SSL_read.
openssl_put()	# VERSION CIPHER SUITE
{
	row_begin 'OpenSSL, OpenSSL' "$1" "$2" write
	s_client "$work/data" "$port" "$1" "$3"
	wait_for has_size "$work/s_server.out" "$size"
	up=$size
	row_end "$(openssl_halves "$1" server client)" \
		"$(same "$work/data" "$work/s_server.out")" \
		"$(openssl_note "$1")"
	end "$client"
}

# A client without offload; the server's halves are ours.
openssl_get_python()	# VERSION CIPHER SUITE
{
	local outcome

	row_begin 'OpenSSL, Python' "$1" "$2" sendfile
	foreign_get "$1" "$3" "$port"
	got_file "$work/foreign.out"
	row_end "$(openssl_halves "$1" server)" "$outcome" \
		"$(openssl_note "$1")"
}

# A server without offload.
openssl_python_echo()	# VERSION CIPHER SUITE
{
	row_begin 'Python, OpenSSL' "$1" "$2" 'write, read'
	foreign_echo "$1" "$3" "$port"
	s_client "$work/data" "$port" "$1" "$3"
	wait_for has_size "$work/s_client.out" "$size"
	up=$size down=$size
	row_end "$(openssl_halves "$1" client)" \
		"$(same "$work/data" "$work/s_client.out")" \
		"$(openssl_note "$1")"
	end "$client"
	end "$server"
}

openssl_rows()	# VERSION CIPHER SUITE
{
	next_port
	s_server "$port" "$1" "$3" -WWW -sendfile
	openssl_get "$@"
	openssl_get_python "$@"
	end "$server"
	next_port
	s_server "$port" "$1" "$3"
	openssl_put "$@"
	end "$server"
	next_port
	openssl_python_echo "$@"
}

# s_client's "K" takes a new key, its "k" asks the server for one too.
openssl_type()
{
	sleep 3
	echo 'line 1'
	sleep 2
	echo K
	sleep 2
	echo 'line 2'
	sleep 2
	echo k
	sleep 2
	echo 'line 3'
	exec sleep infinity
}

# Both ends have their keys replaced in the kernel.
openssl_keyupdate()	# CIPHER SUITE
{
	local lines='line 1 line 2 line 3'

	row_begin 'OpenSSL, OpenSSL' 1.3 "$1" KeyUpdate
	next_port
	s_server "$port" 1.3 "$2"
	on client openssl s_client -ktls -tls1_3 -ciphersuites "$2" \
		-connect "$server_ip:$port" -CAfile "$pki/ca.pem" \
		>"$work/keyupdate.out" 2>"$work/keyupdate.err" \
		< <(openssl_type) &
	client=$!
	wait_for grep -q 'line 3' "$work/s_server.out"
	up=21
	row_end "$(openssl_halves 1.3 server client)" "$(
		[ "$(grep line "$work/s_server.out" | xargs)" = "$lines" ] &&
			echo ok || echo "not all lines came")" \
		"$(openssl_note 1.3)"
	end "$client"
	end "$server"
}
