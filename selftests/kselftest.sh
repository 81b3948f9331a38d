#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel's own test of its tls module, on sluice in that module's place: all
# of it but most of the tests with several processes, which take ten minutes.
# make kselftest runs the rest, and the in-tree module beside it.
# selftest-timeout: 420

set -u
# shellcheck source=selftests/lib/module.sh
. selftests/lib/module.sh

module_reload takeover=1 reveal_keys=1 || exit 1
selftests/kselftest/guest sluice 1 "${SLUICE_SEED:-$RANDOM}"
