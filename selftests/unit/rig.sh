#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The rig's own judgement: what in a kernel log fails a run, and what a test
# program's output counts as.

set -u
# shellcheck source=selftests/lib/tap.sh
. selftests/lib/tap.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

complains()	# LINE
{
	printf '[    1.0] fine\n[   12.345678] %s\r\n[   13.0] more\n' "$1" \
		>"$work/log"
	! selftests/vm/klog "$work/log" >"$work/found" &&
		grep -qF -- "$1" "$work/found"
}

silent()	# LINE
{
	printf '[    1.0] %s\n' "$1" >"$work/log"
	selftests/vm/klog "$work/log"
}

while IFS= read -r line; do
	tap_try "klog finds: $line" complains "$line"
done <<'EOF'
------------[ cut here ]------------
WARNING: CPU: 0 PID: 192 at net/ipv4/tcp.c:6 tcp_sendmsg+0xa6/0xd0
WARNING: possible circular locking dependency detected
BUG: kernel NULL pointer dereference, address: 0000000000000008
BUG: sleeping function called from invalid context at mm/slab.h:1
BUG: KFENCE: use-after-free read in sluice_tx_flush+0x1/0x2
BUG sluice_ctx (Not tainted): Objects remaining in sluice_ctx
Oops: Oops: 0002 [#1] PREEMPT SMP NOPTI
Kernel panic - not syncing: Fatal exception
general protection fault, probably for non-canonical address 0xdead
refcount_t: underflow; use-after-free.
INFO: task sluiced:100 blocked for more than 120 seconds.
rcu: INFO: rcu_preempt self-detected stall on CPU
watchdog: BUG: soft lockup - CPU#0 stuck for 26s!
unregister_netdevice: waiting for lo to become free. Usage count = 2
list_add corruption. prev->next should be next
sluiced[100]: segfault at 0 ip 0000 sp 0000 error 4
sluiced: page allocation failure: order:3
Out of memory: Killed process 100 (sluiced)
EOF

while IFS= read -r line; do
	tap_try "klog passes: $line" silent "$line"
done <<'EOF'
sluice: loading out-of-tree module taints kernel.
selftest: leak
Kernel command line: console=ttyS0 oops=panic
debug: a word of its own
EOF

# judged NAME "PASSED FAILED SKIPPED" STATUS WHY OUTPUT
judged()
{
	tap_equal "tap: $1" "$2" "$(printf '%b' "$5" |
		awk -v status="$3" -v why="$4" -f selftests/tap.awk |
		head -n 1)"
}

judged 'all passed'		'2 0 0' 0 '' '1..2\nok 1 a\nok 2 b\n'
judged 'carriage returns'	'1 0 0' 0 '' '1..1\r\nok 1 a\r\n'
judged 'plan at the end'	'1 0 0' 0 '' 'ok 1 a\n1..1\n'
judged 'one failed'		'1 1 0' 1 '' '1..2\nok 1 a\nnot ok 2 b\n'
judged 'one skipped'		'1 0 1' 0 '' '1..2\nok 1 a\nok 2 # SKIP b\n'
judged 'all skipped'		'0 0 1' 4 '' '1..0 # SKIP no such thing\n'
judged 'subtests aside'		'1 0 0' 0 '' '1..1\n  not ok 1 x\nok 1 a\n'
judged 'died half way'		'1 2 0' 139 '' '1..3\nok 1 a\n'
judged 'no plan'		'1 1 0' 0 '' 'ok 1 a\n'
judged 'more than planned'	'2 1 0' 0 '' '1..1\nok 1 a\nok 2 b\n'
judged 'ended badly'		'1 1 0' 99 '' '1..1\nok 1 a\n'
judged 'bailed out'		'0 2 0' 1 '' '1..1\nBail out! no module\n'
judged 'a reason beside'	'1 1 0' 0 'leak' '1..1\nok 1 a\n'
judged 'no TAP, good'		'1 0 0' 0 '' 'hello\n'
judged 'no TAP, bad'		'0 1 0' 3 '' 'hello\n'
judged 'no TAP, skipped'	'0 0 1' 4 '' ''
judged 'no TAP, killed'		'0 1 0' 124 'killed after 3 s' ''

tap_end
