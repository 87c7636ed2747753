package supervisor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

func TestReload_touchesOnlyWhatDiffers(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string {
		return testkit.Build(t, folder(t, dir, name), testkit.Kinds()[0])
	}
	a, b, c, d := path("a"), path("b"), path("c"), path("d")
	list := func(paths ...string) (all []Database) {
		for _, p := range paths {
			all = append(all, Database{Path: p, Name: filepath.Base(filepath.Dir(p))})
		}
		return all
	}
	synctest.Test(t, func(t *testing.T) {
		r, err := Start(t.Context(), Config{Databases: list(a, b, c)})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := r.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			pass(time.Second)
		}()
		events, err := r.Subscribe(t.Context(), &messages.WatchRequest{Replay: true})
		if err != nil {
			t.Fatal(err)
		}
		born := func(name string) int64 {
			got, err := r.Ask(t.Context(), name, &messages.GetStatus{}, nil)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return got.(*messages.Status).StartedAtUnixMs
		}
		neighbour, changed := born("a"), born("b")
		pass(time.Minute)

		next := Config{Databases: list(a, b, d), Log: Log{Format: "json"}}
		next.Databases[1].Backup.Every = time.Hour
		out, err := r.Reload(t.Context(), next)
		if err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			what      string
			got, want []string
		}{
			{"changed", out.Changed, []string{b}}, {"added", out.Added, []string{d}},
			{"removed", out.Removed, []string{c}}, {"needs restart", out.NeedsRestart, []string{"log"}},
		} {
			if !slices.Equal(tc.got, tc.want) {
				t.Errorf("%s: got %v, want %v", tc.what, tc.got, tc.want)
			}
		}
		if len(r.Problems()) != 0 {
			t.Errorf("got problems %v", r.Problems()[0].Failure)
		}
		if born("a") != neighbour || born("b") == changed {
			t.Error("the neighbour was restarted, or the changed one was not")
		}
		born("d")
		if _, err := r.Ask(t.Context(), "c", &messages.GetStatus{}, nil); err == nil {
			t.Error("the removed one still answers")
		}
		synctest.Wait()
		gapless(t, events, "b", "d")

		// The lock of what ended is free, and nothing changes when nothing differs.
		again, err := Start(t.Context(), Config{Databases: list(c)})
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if out, err = r.Reload(t.Context(), next); err != nil || len(out.Changed)+len(out.Added)+len(out.Removed) != 0 {
			t.Errorf("got %v, %v; want no change", out, err)
		}
		// A configuration that cannot be used changes nothing.
		_, err = r.Reload(t.Context(), Config{Databases: list(a, a)})
		var f *messages.Failure
		if !errors.As(err, &f) || f.Code != "invalid" || len(r.Databases()) != 3 {
			t.Errorf("got %v and %v", err, r.Databases())
		}
	})
}

func folder(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// gapless takes what came and wants the events of the named databases to start at 1
// and to rise by 1.
func gapless(t *testing.T, events <-chan *messages.Event, names ...string) {
	t.Helper()
	last := map[string]uint64{}
	for {
		select {
		case e := <-events:
			if e.Sequence == 0 {
				continue
			}
			if e.Sequence != last[e.Database]+1 {
				t.Errorf("%s: event %d %s after %d", e.Database, e.Sequence, e.Type, last[e.Database])
			}
			last[e.Database] = e.Sequence
			continue
		default:
		}
		break
	}
	for _, name := range names {
		if last[name] < 2 {
			t.Errorf("%s: %d events were heard", name, last[name])
		}
	}
}

// onStat is a file system of which a test hears who looks at what.
type onStat struct {
	fsx.FS
	of func(name string) error
}

func (f *onStat) Stat(name string) (fs.FileInfo, error) {
	if err := f.of(name); err != nil {
		return nil, err
	}
	return f.FS.Stat(name)
}

// TestReload_goesOnWhenWhoAskedIsGone: the client of "officer config reload" goes away
// when the first tree has ended and the new one has not begun.
func TestReload_goesOnWhenWhoAskedIsGone(t *testing.T) {
	dir := t.TempDir()
	a := testkit.Build(t, folder(t, dir, "a"), testkit.Kinds()[0])
	b := testkit.Build(t, folder(t, dir, "b"), testkit.Kinds()[0])
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var goes atomic.Bool
		files := &onStat{FS: fsx.OS(), of: func(name string) error {
			if name == a && goes.Load() {
				cancel()
			}
			return nil
		}}
		cfg := Config{FS: files, Databases: []Database{{Path: a, Name: "a"}, {Path: b, Name: "b"}}, Passive: true}
		r, err := Start(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Databases = slices.Clone(cfg.Databases)
		cfg.Databases[0].Backup.Every, cfg.Databases[1].Backup.Every = time.Hour, time.Hour
		goes.Store(true)
		out, err := r.Reload(ctx, cfg)
		if err != nil || !slices.Equal(out.Changed, []string{a, b}) || len(r.Problems()) > 0 {
			t.Errorf("got %v, %v, problems %v; want both changed", out, err, r.Problems())
		}
		for _, name := range []string{"a", "b"} {
			if _, err := r.Ask(t.Context(), name, &messages.GetStatus{}, nil); err != nil {
				t.Errorf("%s is not looked after: %v", name, err)
			}
		}
		if _, err := r.Reload(ctx, Config{Databases: cfg.Databases[:1]}); failureOf("", err).GetCode() != "interrupted" || len(r.Databases()) != 2 {
			t.Errorf("of who was gone before: got %v and %v, want nothing changed", err, r.Databases())
		}
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		pass(time.Second)
	})
}

func TestReload_aDatabaseThatIsNotThereIsAProblemAndTheOthersGoOn(t *testing.T) {
	a := testkit.Build(t, folder(t, t.TempDir(), "a"), testkit.Kinds()[0])
	synctest.Test(t, func(t *testing.T) {
		r, err := Start(t.Context(), Config{Databases: []Database{{Path: a}}})
		if err != nil {
			t.Fatal(err)
		}
		out, err := r.Reload(t.Context(), Config{Databases: []Database{{Path: a}, {Path: a + "-none"}}})
		if err != nil || len(out.Added) != 0 || len(r.Problems()) != 1 || r.Problems()[0].Failure.Code != "missing" {
			t.Errorf("got %v, %v, %v", out, err, r.Problems())
		}
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		pass(time.Second)
	})
}
