# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced, in the VM: another loading of the module, with parameters of its own.

_module_before=()

_module_load()
{
	rmmod sluice && insmod "build/module/$(uname -r)/sluice.ko" "$@"
}

_module_restore()
{
	local i

	# The last sockets may take a moment to go.
	for ((i = 0; i < 50; i++)); do
		_module_load "${_module_before[@]}" 2>/dev/null && return
		sleep 0.1
	done
	_module_load "${_module_before[@]}"
}

# module_reload [PARAMETER=VALUE]...: until the script ends; then as it was
module_reload()
{
	local p

	_module_before=()
	for p in /sys/module/sluice/parameters/*; do
		[ ! -e "$p" ] || _module_before+=("${p##*/}=$(<"$p")")
	done
	trap _module_restore EXIT
	_module_load "$@"
}

# module_id: the build-id of the module that is loaded under the name, in hex
module_id()	# NAME
{
	tail -c 20 "/sys/module/$1/notes/.note.gnu.build-id" |
		od -An -v -tx1 | tr -d ' \n'
}
