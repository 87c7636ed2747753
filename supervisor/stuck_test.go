package supervisor

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/messages"
)

// stalling is a file system on which the numbers of the database a, which are written at
// the end, do not move while slow, until goesOn is closed.
type stalling struct {
	fsx.FS
	slow   atomic.Bool
	goesOn chan struct{}
}

func (s *stalling) OpenFile(name string, flag int, perm fs.FileMode) (fsx.File, error) {
	s.stall(name)
	return s.FS.OpenFile(name, flag, perm)
}

func (s *stalling) Create(name string) (fsx.File, error) {
	s.stall(name)
	return s.FS.Create(name)
}

func (s *stalling) stall(name string) {
	if s.slow.Load() && filepath.Base(filepath.Dir(name)) == "metrics" && strings.Contains(filepath.ToSlash(name), "/a/") {
		<-s.goesOn
	}
}

func free(t *testing.T, path string) bool {
	t.Helper()
	lock := flock.New(filepath.Join(HomeOf(path), "officer.lock"))
	got, err := lock.TryLock()
	if err != nil {
		t.Fatal(err)
	}
	_ = lock.Unlock()
	return got
}

// TestReload_aTreeThatEndsSlowlyIsNotForgotten: an fsync takes minutes while the settings
// of a database change, or while the configuration names it no more.
func TestReload_aTreeThatEndsSlowlyIsNotForgotten(t *testing.T) {
	for _, named := range []bool{true, false} {
		paths, list := three(t)
		synctest.Test(t, func(t *testing.T) {
			files := &stalling{FS: fsx.OS(), goesOn: make(chan struct{})}
			r, err := Start(t.Context(), Config{FS: files, Databases: list})
			if err != nil {
				t.Fatal(err)
			}
			events, err := r.Subscribe(t.Context(), &messages.WatchRequest{Replay: true})
			if err != nil {
				t.Fatal(err)
			}
			pass(time.Minute)
			files.slow.Store(true)
			next := slices.Clone(list)
			next[0].Backup.Every = time.Hour
			want := 3
			if !named {
				next, want = next[1:], 2
			}
			out, err := r.Reload(t.Context(), Config{Databases: next})
			if err != nil || len(out.Changed)+len(out.Removed) != 0 {
				t.Errorf("got %v, %v", out, err)
			}
			for _, d := range []time.Duration{0, retryAfter + 2*stopWithin} {
				pass(d)
				if got := codes(r); !slices.Equal(got, []string{"a no_answer"}) || len(r.Databases()) != 2 || free(t, paths[0]) {
					t.Errorf("after %v: %v, %d databases, lock free: %v", d, got, len(r.Databases()), free(t, paths[0]))
				}
			}
			files.slow.Store(false)
			close(files.goesOn)
			pass(2*retryAfter + stopWithin)
			if got := codes(r); len(got) != 0 || len(r.Databases()) != want || free(t, paths[0]) == named {
				t.Errorf("afterwards: %v, %d databases, want %d; lock free: %v", got, len(r.Databases()), want, free(t, paths[0]))
			}
			if _, err := r.Ask(t.Context(), "a", &messages.GetStatus{}, nil); (err == nil) != named {
				t.Errorf("a answers with %v", err)
			}
			gapless(t, events, "a", "b", "c")
			if err := r.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			pass(time.Second)
			for _, path := range paths {
				if !free(t, path) {
					t.Errorf("the lock of %s was not given back", path)
				}
			}
		})
	}
}

// TestStop_inTheMiddleOfAReloadGivesEachLockBack: the old tree of a has ended, the new one
// has not begun, and the lock is held in between.
func TestStop_inTheMiddleOfAReloadGivesEachLockBack(t *testing.T) {
	paths, list := three(t)
	synctest.Test(t, func(t *testing.T) {
		var r *Running
		var stops atomic.Bool
		stopped := make(chan error, 1)
		files := &onStat{FS: fsx.OS(), of: func(name string) error {
			if name == paths[0] && stops.CompareAndSwap(true, false) {
				go func() { stopped <- r.Stop(t.Context()) }()
				<-r.life.Done()
			}
			return nil
		}}
		var err error
		if r, err = Start(t.Context(), Config{FS: files, Databases: list, Passive: true}); err != nil {
			t.Fatal(err)
		}
		next := slices.Clone(list)
		for i := range next {
			next[i].Backup.Every = time.Hour
		}
		stops.Store(true)
		if _, err := r.Reload(t.Context(), Config{Databases: next}); err != nil {
			t.Error(err)
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		pass(time.Second)
		for _, path := range paths {
			if !free(t, path) {
				t.Errorf("the lock of %s was not given back", path)
			}
		}
	})
}
