# SPDX-License-Identifier: GPL-2.0-or-later
#
# Judges one test program by what it printed (TAP) and how it ended: the first
# line of the answer is "PASSED FAILED SKIPPED", then a line per failure.
# A program that prints no TAP at all is one test, told by its exit status.
#
# usage: awk -v status=N -v why=TEXT -f tap.awk LOG
#        why: what went wrong beside the test's own words, if anything

function fail(text)
{
	failed++
	failures = failures "\n" text
}

{ sub(/\r$/, "") }

/^TAP version/ { tap = 1 }

/^1\.\.[0-9]+/ {
	tap = planned = 1
	plan = substr($1, 4) + 0
	if (plan == 0 && toupper($0) ~ /# *SKIP/)
		skipped++
}

/^(not )?ok($|[ \t])/ {
	tap = 1
	seen++
	if (toupper($0) ~ /# *SKIP/)
		skipped++
	else if ($1 == "ok")
		passed++
	else
		fail($0)
}

/^Bail out!/ {
	tap = 1
	fail($0)
}

END {
	if (!tap && status == 0)
		passed++
	else if (!tap && status == 4)
		skipped++
	else if (!tap && why == "")
		fail("exit status " status)
	else if (tap && !planned)
		fail("it ended without its plan (exit status " status ")")
	else if (tap && seen != plan) {
		missing = plan - seen
		fail(missing > 0 ? missing " of " plan " tests did not report" \
				 : seen " tests reported, " plan " planned")
		if (missing > 1)
			failed += missing - 1
	} else if (tap && status != 0 && status != 4 && !failed && why == "")
		fail("exit status " status " though no test failed")
	if (why != "")
		fail(why)
	printf "%d %d %d%s\n", passed, failed, skipped, failures
}
