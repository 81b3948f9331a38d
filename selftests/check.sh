#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What can be said of the sources without running them: checkpatch, sparse,
# W=1, the rules of this tree. What kernel-doc and clang-format think is shown,
# and is no failure.

set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
shopt -s nullglob

files=build/kernel-files/6.12
out=build/lint
failed=0

# Says what NAME found, if it found anything.
result()
{
	if [ -s $out/log ]; then
		echo "FAIL $1"
		head -n 60 $out/log | sed 's/^/     | /'
		failed=1
	else
		echo "ok   $1"
	fi
}

checkpatch()
{
	[ $# -gt 1 ] || return 0
	perl $files/checkpatch.pl --no-tree --no-summary --terse -q \
		--show-types --max-line-length=100 "$@" 2>&1
}

# Advice that only kernel code can follow.
no_kernel=ARRAY_SIZE,BRACES,COMPLEX_MACRO,EMBEDDED_FUNCTION_NAME
no_kernel+=,MACRO_WITH_FLOW_CONTROL,MULTISTATEMENT_MACRO_USE_DO_WHILE
no_kernel+=,PREFER_DEFINED_ATTRIBUTE_MACRO,PREFER_FALLTHROUGH
no_kernel+=,SPLIT_STRING,SSCANF_TO_KSTRTO,STATIC_CONST_CHAR_ARRAY,STRCPY
no_kernel+=,STRLCPY,STRNCPY,USE_NEGATIVE_ERRNO,NEW_TYPEDEFS,SYMBOLIC_PERMS
no_kernel+=,TRAILING_SEMICOLON,AVOID_EXTERNS,ENOSYS,LINE_SPACING,MISSING_SPACE
# OpenSSL's STACK_OF(X509) reads as an argument without a name.
no_kernel+=,FUNCTION_ARGUMENTS

# Our proto_ops are filled in from the socket's own: not const.
checkpatch_module()
{
	checkpatch --strict --ignore CONST_STRUCT -f module/*.[ch] \
		include/uapi/linux/*.h
	# Here alone may a kernel be asked for its version.
	checkpatch --strict --ignore LINUX_VERSION_CODE,CONSTANT_COMPARISON \
		-f $(git ls-files 'module/compat/*.h')
}

checkpatch_userspace()
{
	checkpatch --ignore $no_kernel -f include/*.h userspace/*/*.[ch] \
		selftests/*.[ch] selftests/*/*.[ch] |
		# A pointer to a type of a library reads as a product.
		grep -v "need consistent spacing around '\*'"
}

# Built aside, so that everything is compiled and looked at.
warnings_and_sparse()
{
	rm -rf $out/build
	make B=$out/build W=1 module C=2 CF=-D__CHECK_ENDIAN__ 2>&1 |
		grep -E -A 6 '(warning|error):|\*\*\*' |
		grep -vE '^  (CC|CHECK|LD|MODPOST) |Leaving'
}

# How much of the kernel-doc leaves a parameter to its name.
kernel_doc_opinion()
{
	local tool n

	tool=$(ls -d /usr/src/linux-headers-6.12*-common/scripts/kernel-doc |
	       sort -V | tail -n 1)
	n=$(perl "$tool" -none module/*.[ch] include/uapi/linux/*.h 2>&1 |
	    grep -c 'warning: Function parameter')
	echo "note kernel-doc misses $n descriptions"
}

uapi_alone()
{
	local h=include/uapi/linux/sluice.h

	echo "#include <linux/sluice.h>" >$out/alone.c
	cc -std=c90 -Wall -Wextra -Werror -fsyntax-only \
		-Iinclude/uapi $out/alone.c 2>&1
	c++ -std=c++11 -x c++ -Wall -Wextra -Werror -fsyntax-only \
		-Iinclude/uapi $out/alone.c 2>&1
	[ -e $h ] || echo "$h is missing"
}

# Each file names its licence, in the place and of the kind that is due.
licences()
{
	local f line want

	git ls-files | while read -r f; do
		case $f in
		LICENSES/*) continue ;;
		*.md | *.json | *.txt | *.pem | selftests/*/corpus/*) continue ;;
		module/* | Kbuild) want='GPL-2.0-only' ;;
		include/uapi/*) want='GPL-2.0 WITH Linux-syscall-note' ;;
		userspace/lib/* | include/sluice.h) want='LGPL-2.1-or-later' ;;
		*) want='GPL-2.0-or-later' ;;
		esac
		[ -f "$f" ] || continue
		line=$(head -n 2 "$f" | grep -F 'SPDX-License-Identifier:')
		[[ $line == *"$want"* ]] || echo "$f: not '$want' on top"
	done
}

tree_rules()
{
	git ls-files | sed 's,/.*,,' | sort -u |
		grep -vxE 'Kbuild|Makefile|README.md|module|userspace|include|selftests|LICENSES|\..*' |
		sed 's/$/: does not belong into the top level/'
	grep -rnE '\b(TO[D]O|FIX[M]E|X[X]X)\b' module userspace include selftests \
		--include='*.[ch]' --include='*.sh'
	grep -rn 'LINUX_VERSION_CODE' module --include='*.[ch]' |
		grep -v '^module/compat/'
	true
}

scripts()
{
	local f

	git ls-files .ci selftests | while read -r f; do
		case $(head -c 20 "$f" | head -n 1) in
		'#!/bin/bash'*) bash -n "$f" 2>&1 ;;
		'#!/bin/sh'* | '#!/bin/busybox sh'*) sh -n "$f" 2>&1 ;;
		esac
	done
}

format_opinion()
{
	local f n=0

	command -v clang-format >/dev/null || return
	for f in module/*.[ch] userspace/*/*.[ch] include/*.h; do
		clang-format --dry-run -Werror "$f" 2>/dev/null ||
			n=$((n + 1))
	done
	echo "note clang-format would lay out $n files differently"
}

mkdir -p $out
[ -e $files/checkpatch.pl ] || selftests/kernel-files 6.12 || exit 1
for step in checkpatch_module checkpatch_userspace warnings_and_sparse \
	    uapi_alone licences tree_rules scripts; do
	$step >$out/log
	result $step
done
kernel_doc_opinion
format_opinion
rm -rf $out
exit $failed
