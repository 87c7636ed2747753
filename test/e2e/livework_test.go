//go:build e2e && linux

package e2e

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/officer-doofy/officer/testkit"
)

// TestMatrix_restoreRepairUndoBesideEveryApp: the apps commit as fast as they can over connections that stay open, while the
// database under them is restored, the restore is undone, and a damaged page is repaired. What is acknowledged after
// the answer is there, the undo brings back what the restore replaced, and the repair loses nothing of theirs (P4, P5, P6, P9).
func TestMatrix_restoreRepairUndoBesideEveryApp(t *testing.T) {
	t.Parallel()
	apps, works := 0, 0
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			db, r := matrixDatabase(t, mode)
			l := &liveWork{t: t, db: db, all: committers(t, db)}
			apps = len(l.all)
			l.goOn("at first")
			must(t, "backup", db, "--json")
			l.goOn("after a backup")

			before := l.acked()
			l.work("restore", "--yes")
			l.goOn("after the restore")
			l.work("undo", "--yes")
			for i, a := range l.all {
				if gone := before[i] - a.count(t, db, 0, before[i]); gone > 0 {
					t.Errorf("%s: %d of %d commits from before the restore are not there after the undo", a.name, gone, before[i])
				}
			}
			l.goOn("after the undo")

			since := l.acked()
			l.damage()
			l.work("repair", "--yes")
			l.keptAll("while the database was repaired", since)
			l.goOn("after the repair")
			works += 3
			l.end()
			if code := r.stop(); code != 0 && code != 3 {
				t.Errorf("stopped with %d", code)
			}
		})
	}
	t.Logf("matrix: 2 modes × %d apps: restore, undo and repair beside them, %d works, no acknowledged commit lost", apps, works)
}

type liveWork struct {
	t     *testing.T
	db    string
	all   []committer
	since []int64 // acknowledged when the last work was answered
}

func (l *liveWork) acked() []int64 {
	var all []int64
	for _, a := range l.all {
		all = append(all, a.acked())
	}
	return all
}

// work is one verb; whatever is acknowledged from its answer on has to stay.
func (l *liveWork) work(verb string, more ...string) {
	l.t.Helper()
	began := time.Now()
	o := officer(l.t, append([]string{verb, l.db, "--json"}, more...)...)
	if o.code != 0 && o.code != 3 {
		l.t.Fatalf("%s: exit %d: %s%s", verb, o.code, o.stdout, o.stderr)
	}
	l.since = l.acked()
	l.t.Logf("%s beside the apps took %v", verb, time.Since(began).Round(time.Millisecond))
	if got := testkit.Integrity(l.t, l.db); len(got) > 0 {
		l.t.Errorf("after %s: %q", verb, got)
	}
}

// goOn waits until every app has committed again, over the connection that it had, and looks whether all is there.
func (l *liveWork) goOn(when string) {
	l.t.Helper()
	from := l.acked()
	waiting := ""
	defer func() {
		if waiting != "" {
			l.t.Logf("%s: %v acknowledged", waiting, l.acked())
		}
	}()
	until(l.t, "a commit of every app "+when, func() bool {
		waiting = ""
		for i, n := range l.acked() {
			if n < from[i]+3 {
				waiting = l.all[i].name + " does not go on"
			}
		}
		return waiting == ""
	})
	if l.since != nil {
		l.keptAll(when, l.since)
	}
}

// keptAll: every commit that was acknowledged above these numbers is there. One that was under way at the answer may be a number above.
func (l *liveWork) keptAll(when string, above []int64) {
	l.t.Helper()
	now := l.acked()
	for i, a := range l.all {
		if got, want := a.count(l.t, l.db, above[i]+1, now[i]), now[i]-above[i]-1; got < want {
			l.t.Errorf("%s %s: %d commits of %d that were acknowledged", a.name, when, got, want)
		}
	}
}

// damage writes zeros over a page of a table that no app touches.
func (l *liveWork) damage() {
	l.t.Helper()
	if out, err := exec.Command("sqlite3", "-cmd", ".timeout 30000", l.db, "pragma wal_checkpoint").CombinedOutput(); err != nil {
		l.t.Fatalf("%v: %s", err, out)
	}
	l.t.Log(testkit.ZeroPageOf(l.t, l.db, "locations", 1))
}

func (l *liveWork) end() {
	l.t.Helper()
	for _, a := range l.all {
		if failed, why := a.stop(); failed > 0 && !strings.Contains(why, "malformed") {
			l.t.Errorf("%d commits of %s failed: %s", failed, a.name, why)
		}
	}
	if got := testkit.Integrity(l.t, l.db); len(got) > 0 {
		l.t.Errorf("at the end: %q", got)
	}
}
