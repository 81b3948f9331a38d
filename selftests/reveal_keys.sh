#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The module with reveal_keys=1: keys come back from the socket option as the
# in-tree module gives them. That they do not otherwise is sockopt's to test.

set -u
# shellcheck source=selftests/lib/module.sh
. selftests/lib/module.sh

parameter=/sys/module/sluice/parameters/reveal_keys
if [ "$(<$parameter)" != N ]; then
	echo "# keys are revealed without being asked for"
	exit 1
fi
if echo Y 2>/dev/null >$parameter; then
	echo "# keys can be revealed after the module was loaded"
	exit 1
fi
module_reload reveal_keys=1 || exit 1
build/selftests/sockopt -t read_back -t read_back_the_sequence
