package supervisor

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

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
