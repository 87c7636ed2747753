# What a layer's output says about what failed in it: the failing tests with what they said, panics, data races, broken
# invariants with the line that repeats them, errors of compilers. At most -v most=N lines of it; where nothing of the kind
# is found, the last lines. Plain awk, so that it works where Go does not.
#
#   awk -v most=60 -f .ci/failing.awk OUTPUT

# keep notes a line of the answer, once.
function keep(line) {
  if (line in kept) return
  kept[line]
  answer[++answers] = substr(line, 1, 400)
}

# told keeps what a test said before its verdict: the beginning and the end of it.
function told(test, i, n) {
  n = said[test]
  for (i = 1; i <= n; i++) {
    if (i <= 12 || i > n - 20) keep(words[test, i])
    else if (i == 13) keep("    [" n - 32 " lines of " test "]")
  }
}

function forget(test, i) {
  for (i = 1; i <= said[test]; i++) delete words[test, i]
  said[test] = 0
}

{ last[NR % 40] = $0 }

# go test -v names the test whose lines follow; what nobody is named for belongs to "".
/^=== (RUN|NAME|CONT|PAUSE) / { test = $3; following = 0; next }
/^=== / { next }
/^ *--- (PASS|SKIP): / { forget($3); forget(""); following = 0; next }
/^ *--- FAIL: / {
  told($3)
  if (said[$3] == 0) told("")
  forget($3)
  forget("")
  keep($0)
  following = 24 # without -v it speaks after its verdict
  test = ""
  next
}
/^(panic:|fatal error:|SIGQUIT)/ || /WARNING: DATA RACE/ || /^ *✖ failing tests/ { following = 30 }
/^ *not ok [0-9]/ { following = 20 }
/(^|[^0-9])[1-9][0-9]* violations|repeat it:/ { broken[++breaks] = $0 }
/^FAIL|^# [^ ]+( \[[^ ]*\])?$|^[^ ]+\.go:[0-9]+(:[0-9]+)?: | FAILED$/ { keep($0); next }
/^(ok|PASS|\?) / { following = 0 }
following > 0 { following--; keep($0); next }
{ words[test, ++said[test]] = $0 }

END {
  for (i = 1; i <= breaks; i++) keep(broken[i])
  if (answers == 0)
    for (i = NR < 40 ? 1 : NR - 39; i <= NR; i++) keep(last[i % 40])
  for (i = 1; i <= answers; i++) {
    if (answers <= most || i <= most - 12 || i > answers - 11) print "  " answer[i]
    else if (i == most - 11) print "  [" answers - most + 1 " lines more]"
  }
}
