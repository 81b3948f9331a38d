# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by ../vm/run: user-mode Linux as the machine that boots. It sees
# images as /dev/ubd* and has streams as /dev/ttyS*, one pipe each way; it has
# no other way to this machine's files or network.

uml_drives=(a b c d)
uml_ports=()
uml_open=()

# Read-only and shared: without the "c" the lock keeps other VMs from the image.
uml_drive()
{
	machine+=("ubd${uml_drives[0]}rc=$2")
	uml_drives=("${uml_drives[@]:1}")
}

# The line's other direction is a pipe that nobody writes to. A line cannot be
# a file: its driver waits for it by epoll.
uml_port()
{
	local pipe=$2 in=$((20 + 2 * ${#uml_ports[@]}))

	if [ ! -p "$pipe" ]; then
		pipe=$2.pipe
		mkfifo "$pipe"
		uml_pump <"$pipe" >"$2" &
		pumps+=($!)
	fi
	mkfifo "$run/$1.in"
	uml_open+=("$in<>$run/$1.in" "$((in + 1))<>$pipe")
	machine+=("ssl${#uml_ports[@]}=fd:$in,fd:$((in + 1))")
	uml_ports+=("$1")
}

# A burst of the kernel's log must fit, as the console drops what does not.
uml_pump()
{
	exec perl -e 'fcntl(STDIN, 1031, 1 << 20); exec "cat"'
}

uml_machine()
{
	machine=("$run/linux" mem="${mem}M" "initrd=$run/initrd" uml_dir="$run/"
		 quiet loglevel=5 panic=-1 oops=panic earlyprintk
		 con=null console=ttyS0)
	# A system call by seccomp's trap instead of ptrace: about half its price.
	[ "$(uml_linux "$want_uml")" = 6.12 ] || machine+=(seccomp=on)
	! grep -qx CONFIG_SMP=y "$kdir/.config" || machine+=(ncpus="$cpus")
	uml_port console "$run/console"
	[ $tty = 0 ] || machine+=(con0=fd:0,fd:1)
	# shellcheck disable=SC2206
	machine+=($append)
}

# One of the host's processors for a machine of one: kernel and program take turns, and
# to wake another one for each costs five times what the turn does.
uml_pin()
{
	local cpus

	mapfile -t cpus < <(taskset -cp $BASHPID | sed 's/.*: //' | tr , '\n' |
		while IFS=- read -r from to; do
			seq "$from" "${to:-$from}"
		done)
	taskset -cp "${cpus[BASHPID % ${#cpus[@]}]}" $BASHPID >/dev/null
}

# In the process that becomes the machine.
uml_start()
{
	local o

	grep -qx CONFIG_SMP=y "$kdir/.config" || uml_pin
	for o in "${uml_open[@]}"; do
		eval "exec ${o%%<>*}<>\"\${o#*<>}\""
	done
}
