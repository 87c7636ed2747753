package supervisor

import (
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// three builds the databases a, b and c, each in a folder of its own.
func three(t *testing.T) (paths []string, list []Database) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		path := testkit.Build(t, folder(t, dir, name), testkit.Kinds()[0])
		paths, list = append(paths, path), append(list, Database{Path: path, Name: name})
	}
	return paths, list
}

func codes(r *Running) (list []string) {
	for _, p := range r.Problems() {
		list = append(list, filepath.Base(filepath.Dir(p.Path))+" "+p.Failure.Code)
	}
	return list
}

// held takes the lock of a home, as a verb does for a moment.
func held(t *testing.T, path string) (release func()) {
	t.Helper()
	if err := fsx.MakeDirs(fsx.OS(), HomeOf(path)); err != nil {
		t.Fatal(err)
	}
	verb := flock.New(filepath.Join(HomeOf(path), "officer.lock"))
	if got, err := verb.TryLock(); !got || err != nil {
		t.Fatal(got, err)
	}
	return func() { _ = verb.Unlock() }
}

// TestStart_whatIsInTheWayForAMomentCostsMinutes: of three databases one cannot be looked
// at twice, and of one a verb has the lock while Officer starts.
func TestStart_whatIsInTheWayForAMomentCostsMinutes(t *testing.T) {
	paths, list := three(t)
	release := held(t, paths[2])
	synctest.Test(t, func(t *testing.T) {
		var fails atomic.Int32
		fails.Store(2)
		files := &onStat{FS: fsx.OS(), of: func(name string) error {
			if name == paths[1] && fails.Add(-1) >= 0 {
				return &fs.PathError{Op: "stat", Path: name, Err: syscall.EIO}
			}
			return nil
		}}
		var mu sync.Mutex
		var late []string
		r, err := Start(t.Context(), Config{FS: files, Databases: list, Late: func(d Looked) {
			mu.Lock()
			defer mu.Unlock()
			late = append(late, d.Name)
		}})
		if err != nil {
			t.Fatal(err)
		}
		events, err := r.Subscribe(t.Context(), &messages.WatchRequest{Replay: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := codes(r); !slices.Equal(got, []string{"b io_error", "c locked"}) {
			t.Errorf("at the start: %v", got)
		}
		release()
		pass(retryAfter + time.Second)
		if got := codes(r); !slices.Equal(got, []string{"b io_error"}) || len(r.Databases()) != 2 {
			t.Errorf("after a minute: %v, %d databases; want c", got, len(r.Databases()))
		}
		pass(2 * retryAfter)
		mu.Lock()
		if len(codes(r)) != 0 || len(r.Databases()) != 3 || r.Databases()[1].Name != "b" || !slices.Equal(late, []string{"c", "b"}) {
			t.Errorf("after three minutes: %v, %v, told %v", codes(r), r.Databases(), late)
		}
		mu.Unlock()
		for _, name := range []string{"a", "b", "c"} {
			if _, err := r.Ask(t.Context(), name, &messages.GetStatus{}, nil); err != nil {
				t.Errorf("%s is not looked after: %v", name, err)
			}
		}
		gapless(t, events, "b", "c")
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		pass(time.Second)
		held(t, paths[1])() // its lock was given back
	})
}

func TestStart_whatDoesNotPassIsNotTriedAgain(t *testing.T) {
	paths, list := three(t)
	defer held(t, paths[2])()
	synctest.Test(t, func(t *testing.T) {
		var looks atomic.Int32
		files := &onStat{FS: fsx.OS(), of: func(name string) error {
			if name == paths[1] {
				looks.Add(1)
				return &fs.PathError{Op: "stat", Path: name, Err: syscall.ENOENT}
			}
			return nil
		}}
		r, err := Start(t.Context(), Config{FS: files, Databases: list})
		if err != nil {
			t.Fatal(err)
		}
		pass(20 * time.Minute) // c was tried four times, and stays
		if got := codes(r); looks.Load() != 1 || len(got) != 2 {
			t.Errorf("%v, b was looked at %d times, want once", got, looks.Load())
		}
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := r.Reload(t.Context(), Config{Databases: list}); failureOf("", err).GetCode() != "interrupted" {
			t.Errorf("a reload after the end: got %v", err)
		}
		pass(time.Hour)
	})
}

func TestPasses_knowsWhatWaitingHelps(t *testing.T) {
	for code, want := range map[string]bool{
		"locked": true, "io_error": true, "busy": true, "disk_full": true, "out_of_memory": true, "interrupted": true, "no_answer": true,
		"read_only": true, "permission": true, "missing": false, "database_missing": false, "invalid": false, "refused": false,
		"foreign_driver": false, "actor_gone": false, "internal": false,
	} {
		if got := passes(messages.NewFailure(code, "look after app.db", "x")); got != want {
			t.Errorf("%s: got %v, want %v", code, got, want)
		}
	}
}
