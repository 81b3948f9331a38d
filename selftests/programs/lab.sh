# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced: two hosts, namespaces "server" and "client" with a wire between, so that
# the module's counters, which are per namespace, tell one end from the other; and
# the bookkeeping of a row: what was transferred, what each end's counters say.
#
# A row is a transfer by one pair of programs: $down bytes to the client, $up to
# the server, and which of the four halves its programs give to the kernel, as
# words of "server:tx server:rx client:tx client:rx". The others must count
# nothing; why they are not given is the row's note.

server_ip=10.77.0.1
client_ip=10.77.0.2
rows=$work/rows
: >"$rows"

hosts_up()
{
	local h

	for h in server client; do
		ip netns add $h
		ip -n $h link set lo up
	done
	ip link add wire netns server type veth peer name wire netns client
	ip -n server addr add $server_ip/24 dev wire
	ip -n client addr add $client_ip/24 dev wire
	ip -n server link set wire up
	ip -n client link set wire up
	echo "$server_ip good.test rsa.test" >>/etc/hosts
}

# The names, too: other tests in this machine have them elsewhere.
hosts_down()
{
	ip netns del server
	ip netns del client
	sed -i "/^$server_ip /d" /etc/hosts
}

# on HOST COMMAND...: not as a function's child in the background, use "at"
on()
{
	ip netns exec "$@"
}

# at HOST NAME COMMAND...: in the background, $started; standard output to
# $work/NAME.out, a new file so that nobody looks at an older one's, errors to
# NAME.err, standard input never ends.
at()
{
	local host=$1 name=$2

	shift 2
	rm -f "$work/$name.out"
	ip netns exec "$host" "$@" >"$work/$name.out" 2>"$work/$name.err" \
		< <(exec sleep infinity) &
	started=$!
}

# feed HOST NAME FILE COMMAND...: likewise, with FILE first on standard input
feed()
{
	local host=$1 name=$2 file=$3

	shift 3
	rm -f "$work/$name.out"
	ip netns exec "$host" "$@" >"$work/$name.out" 2>"$work/$name.err" \
		< <(cat "$file"; exec sleep infinity) &
	started=$!
}

# Every server gets a port that none had before it.
next_port()
{
	port=$((port + 1))
}

listens()	# PORT
{
	[ -n "$(on server ss -Hltn "sport = :$1")" ]
}

await_port()	# PORT
{
	wait_for listens "$1"
}

has_size()	# FILE BYTES
{
	[ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -ge "$2" ]
}

# Waits for a program of ours that ends by itself; fails if it has to be ended.
await_end()	# PID
{
	local ended=0

	wait_for test ! -d "/proc/$1" || ended=1
	end "$1"
	return $ended
}

# Ends a program of ours and waits for it.
end()	# PID
{
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# --- counters ---

# "tx_bytes rx_bytes tx_sessions rx_sessions" of a host
counters()	# HOST
{
	on "$1" "$sluice" stats --prometheus | awk '
		{ v[$1] = $2 }
		END {
			print v["sluice_tx_bytes_total"] + 0,
			      v["sluice_rx_bytes_total"] + 0,
			      v["sluice_tx_sessions_total"] + 0,
			      v["sluice_rx_sessions_total"] + 0
		}'
}

# counted HOST: the bytes sealed and opened there since row_begin: "TX RX"
counted()
{
	local b=before_$1 now

	now=$(counters "$1")
	echo "${!b} $now" | awk '{ print $5 - $1, $6 - $2 }'
}

no_sessions()
{
	local h

	for h in server client; do
		on $h "$sluice" stats --prometheus | awk '
			/^sluice_[tr]x_current / { n += $2 }
			END { exit n != 0 }' || return 1
	done
}

# --- rows ---

row_begin()	# PROGRAMS VERSION CIPHER WHAT
{
	row="$1, TLS $2 $3: $4"
	row_columns="$1|$2|$3|$4"
	before_server=$(counters server)
	before_client=$(counters client)
	down=0 up=0
	touch "$work/begun"
}

# The bytes each half should have counted, given what is offloaded.
row_wanted()	# HALVES
{
	local half n

	for half in server:tx server:rx client:tx client:rx; do
		case $half in
		server:tx | client:rx) n=$down ;;
		*) n=$up ;;
		esac
		[[ " $1 " == *" $half "* ]] || n=0
		printf '%s ' "$n"
	done
}

# row_end HALVES OUTCOME [NOTE]: OUTCOME "ok", or what went wrong
row_end()
{
	local halves=$1 outcome=$2 note=${3-} wanted seen

	wanted=$(row_wanted "$halves")
	seen="$(counted server) $(counted client)"
	if [ "$outcome" != ok ]; then
		tap_not_ok "$row" "$outcome" "$(row_words)"
	elif [ "$halves" ] && [ "${wanted% }" = '0 0 0 0' ]; then
		tap_not_ok "$row" 'no bytes are known of: nothing is proved'
	elif [ "${wanted% }" != "$seen" ]; then
		outcome='wrong counters'
		tap_not_ok "$row" "bytes by server tx, rx, client tx, rx:" \
			"wanted: $wanted" "seen:   $seen"
	else
		tap_ok "$row"
	fi
	# shellcheck disable=SC2086
	printf '%s|%s|%s|%s|%s|%s|%s\n' "$row_columns" $seen \
		"${outcome:0:16}${note:+ ($note)}" >>"$rows"
}

# The last words of this row's programs.
row_words()
{
	find "$work" -maxdepth 1 \( -name '*.err' -o -name nginx.log \) \
		-newer "$work/begun" -size +0 -exec tail -n 5 {} +
}

row_skip()	# PROGRAMS VERSION CIPHER WHAT WHY
{
	tap_skip "$1, TLS $2 $3: $4" "$5"
	echo "$1|$2|$3|$4|-|-|-|-|$5" >>"$rows"
}

table()
{
	local format='# table: %-18s %-4s %-18s %-12s %10s %10s %10s %10s  %s\n'
	local programs version cipher what tx rx ctx crx verdict

	# shellcheck disable=SC2059
	printf "$format" 'server, client' TLS cipher what 'server tx' rx \
		'client tx' rx ''
	while IFS='|' read -r programs version cipher what tx rx ctx crx \
			verdict; do
		# shellcheck disable=SC2059
		printf "$format" "$programs" "$version" "$cipher" "$what" \
			"$tx" "$rx" "$ctx" "$crx" "$verdict"
	done <"$rows"
}

same()	# FILE FILE
{
	if cmp "$1" "$2" >"$work/cmp" 2>&1; then
		echo ok
	else
		echo "not the same: $(head -c 200 "$work/cmp")"
	fi
}
