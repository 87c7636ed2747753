package space_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/officer-doofy/officer/internal/space"
)

const (
	mb = 1_000_000
	gb = 1_000_000_000
)

func TestLimits_forAVolume(t *testing.T) {
	for _, tc := range []struct {
		name  string
		set   space.Limits
		total int64
		want  space.Limits
	}{
		{"defaults", space.Limits{}, 250 * gb, space.Limits{WarnBytes: gb, ImportsBytes: 500 * mb, WritesBytes: 100 * mb}},
		{"defaults on 2 GB", space.Limits{}, 2 * gb, space.Limits{WarnBytes: gb, ImportsBytes: 500 * mb, WritesBytes: 100 * mb}},
		{"defaults on a small volume", space.Limits{}, 100 * mb, space.Limits{WarnBytes: 50 * mb, ImportsBytes: 25 * mb, WritesBytes: 10 * mb}},
		{"size unknown", space.Limits{}, 0, space.Limits{WarnBytes: gb, ImportsBytes: 500 * mb, WritesBytes: 100 * mb}},
		{"set ones are taken as they are", space.Limits{WarnBytes: 90 * mb, ImportsBytes: 80 * mb, WritesBytes: 70 * mb}, 100 * mb,
			space.Limits{WarnBytes: 90 * mb, ImportsBytes: 80 * mb, WritesBytes: 70 * mb}},
		{"never", space.Limits{WarnBytes: -1, ImportsBytes: -1, WritesBytes: -1}, gb, space.Limits{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.set.For(tc.total); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestNext_level(t *testing.T) {
	limits := space.Limits{}.For(250 * gb)
	for _, tc := range []struct {
		name string
		was  space.Level
		free int64
		want space.Level
	}{
		{"plenty", space.OK, 50 * gb, space.OK},
		{"exactly the warning", space.OK, gb, space.OK},
		{"below the warning", space.OK, gb - 1, space.Low},
		{"below imports", space.OK, 500*mb - 1, space.ImportsBlocked},
		{"below writes", space.Low, 100*mb - 1, space.WritesBlocked},
		{"nothing", space.OK, 0, space.WritesBlocked},
		{"not yet better", space.WritesBlocked, 105 * mb, space.WritesBlocked},
		{"better by a tenth", space.WritesBlocked, 110 * mb, space.ImportsBlocked},
		{"imports not yet", space.ImportsBlocked, 540 * mb, space.ImportsBlocked},
		{"imports again", space.ImportsBlocked, 550 * mb, space.Low},
		{"two levels at once, the upper one within its calm", space.WritesBlocked, 1050 * mb, space.Low},
		{"all at once", space.WritesBlocked, 2 * gb, space.OK},
		{"worse while waiting for better", space.Low, 90 * mb, space.WritesBlocked},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := limits.Next(tc.was, tc.free); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestNext_warnsAlsoBelowTheNextJob(t *testing.T) {
	limits := space.Limits{}.For(250 * gb).Needing(3 * gb)
	if got := limits.Next(space.OK, 2*gb); got != space.Low {
		t.Errorf("got %v, want low: the next job needs 3 GB", got)
	}
	if got := (space.Limits{WarnBytes: -1}).For(250*gb).Needing(3*gb).Next(space.OK, 2*gb); got != space.OK {
		t.Errorf("got %v, want ok: the warning is off", got)
	}
	if got := limits.OnlyWarning().Next(space.OK, 0); got != space.Low {
		t.Errorf("got %v for temporary files, want low", got)
	}
}

func anyLimits(t *rapid.T) space.Limits {
	return space.Limits{
		WarnBytes:    rapid.Int64Range(-1, 3*gb).Draw(t, "warn"),
		ImportsBytes: rapid.Int64Range(-1, 3*gb).Draw(t, "imports"),
		WritesBytes:  rapid.Int64Range(-1, 3*gb).Draw(t, "writes"),
	}.For(rapid.Int64Range(0, 10*gb).Draw(t, "total"))
}

func TestNext_properties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := anyLimits(t)
		was := space.Level(rapid.IntRange(0, 3).Draw(t, "was"))
		free := rapid.Int64Range(0, 4*gb).Draw(t, "free")
		fresh, next := limits.Next(space.OK, free), limits.Next(was, free)
		if next < fresh {
			t.Errorf("memory made it better: %v after %v, %v without", next, was, fresh)
		}
		if next > max(was, fresh) {
			t.Errorf("%v is worse than %v was and %v is", next, was, fresh)
		}
		if again := limits.Next(next, free); again != next {
			t.Errorf("a second look at the same changes %v to %v", next, again)
		}
		if more := limits.Next(was, free+rapid.Int64Range(0, gb).Draw(t, "more")); more > next {
			t.Errorf("more room made it worse: %v, was %v", more, next)
		}
	})
}

// A free space that swings by less than a tenth of every limit changes the level at
// most once in each direction of a drift.
func TestNext_doesNotFlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := space.Limits{}.For(rapid.Int64Range(2*gb, 500*gb).Draw(t, "total"))
		limit := rapid.SampledFrom([]int64{limits.WarnBytes, limits.ImportsBytes, limits.WritesBytes}).Draw(t, "limit")
		middle := limit + rapid.Int64Range(-20*mb, 20*mb).Draw(t, "beside") // elsewhere nothing changes
		level, changes := space.OK, 0
		for i := range 100 {
			swing := rapid.Int64Range(0, 9*mb).Draw(t, "swing")
			next := limits.Next(level, middle+swing)
			if i > 0 && next < level {
				changes++
			}
			level = next
		}
		if changes > 1 {
			t.Errorf("the level got better %d times while 9 MB came and went around %d", changes, middle)
		}
	})
}

// Releasing the reserve does not lift the level: the room it owes does not count.
func TestNext_theReserveDoesNotLiftItsOwnFence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := anyLimits(t)
		reserve := rapid.Int64Range(0, 64*mb).Draw(t, "reserve")
		free := rapid.Int64Range(0, 4*gb).Draw(t, "free")
		was := space.Level(rapid.IntRange(0, 3).Draw(t, "was"))
		held := limits.Next(was, free)
		released := limits.Next(held, free+reserve-reserve) // freed by it, owed to it
		if released != held {
			t.Errorf("got %v after the release, was %v", released, held)
		}
	})
}

func TestInodesLow_hasAMemory(t *testing.T) {
	for _, tc := range []struct {
		was  bool
		free int64
		want bool
	}{{false, -1, false}, {true, -1, false}, {false, 1000, false}, {false, 999, true}, {true, 1200, true}, {true, 1500, false}} {
		if got := space.InodesLow(tc.was, tc.free); got != tc.want {
			t.Errorf("%v, %d free: got %v, want %v", tc.was, tc.free, got, tc.want)
		}
	}
}

func TestLookAgain_oftenOnlyWhenItMatters(t *testing.T) {
	limits := space.Limits{}.For(250 * gb)
	for _, tc := range []struct {
		level space.Level
		free  int64
		want  time.Duration
	}{{space.OK, 100 * gb, 0}, {space.OK, 2 * gb, 5 * time.Minute}, {space.Low, 900 * mb, time.Minute}, {space.WritesBlocked, 0, time.Minute}} {
		if got := limits.LookAgain(tc.level, tc.free); got != tc.want {
			t.Errorf("%v with %d free: got %v, want %v", tc.level, tc.free, got, tc.want)
		}
	}
}

func TestLevel_names(t *testing.T) {
	for level, want := range map[space.Level]string{space.OK: "ok", space.Low: "low", space.ImportsBlocked: "imports_blocked", space.WritesBlocked: "writes_blocked"} {
		if got := level.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
