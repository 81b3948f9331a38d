# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced: samples that a printed seed repeats.

# draw N SEED: N of the lines of standard input, or all if there are fewer
draw()
{
	awk -v n="$1" -v seed="$2" '
		BEGIN { srand(seed); rand() }
		{ line[NR] = $0 }
		END {
			for (i = 1; i <= n && i <= NR; i++) {
				j = i + int(rand() * (NR - i + 1))
				print line[j]
				line[j] = line[i]
			}
		}'
}
