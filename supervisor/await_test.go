package supervisor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// TestAwait_takesADatabaseOnWhenItHasCome: a sidecar is up before the app has made its
// database; it is alive, creates nothing, and does not miss the first event.
func TestAwait_takesADatabaseOnWhenItHasCome(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	cfg := Config{Databases: []Database{{Path: path}}, Await: true}
	r, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Alive(t.Context()); err != nil {
		t.Errorf("it is not alive: %v", err)
	}
	if p := r.Problems(); len(p) != 1 || p[0].Failure.Code != "missing" {
		t.Errorf("problems are %v, want that it is missing", p)
	}
	events, err := r.Subscribe(t.Context(), &messages.WatchRequest{Replay: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(HomeOf(path)); err == nil {
		t.Error("a home was made for a database that is not there")
	}
	testkit.BuildArchive(t, path, 10)
	done, err := r.Reload(t.Context(), cfg)
	if err != nil || len(done.Added) != 1 || len(r.Problems()) != 0 {
		t.Fatalf("got %v, %v, problems %v; want it added", done, err, r.Problems())
	}
	if e := <-events; e.Type != "officer.started" || e.Sequence != 1 {
		t.Errorf("the first event is %v", e)
	}
	answerOf[*messages.HealthReport](t, r, "", &messages.GetHealth{})
	if err := r.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := r.Alive(t.Context()); err == nil {
		t.Error("it is alive after it was stopped")
	}
}

func TestAwait_doesNotHideAMistake(t *testing.T) {
	dir := t.TempDir()
	_, err := Start(t.Context(), Config{Databases: []Database{{Path: filepath.Join(dir, "app.db")}, {Path: dir}}, Await: true})
	if got := failureOf("start", err).GetCode(); got != "invalid" {
		t.Errorf("got %q, want invalid: a folder is no database", got)
	}
}

func TestStart_waitsForALockUntilItIsInterrupted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	testkit.BuildArchive(t, path, 10)
	if err := os.Mkdir(HomeOf(path), 0o700); err != nil {
		t.Fatal(err)
	}
	other := flock.New(filepath.Join(HomeOf(path), "officer.lock"))
	if got, err := other.TryLock(); !got || err != nil {
		t.Fatal(got, err)
	}
	defer func() { _ = other.Unlock() }()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := Start(ctx, Config{Databases: []Database{{Path: path}}, LockWait: time.Hour})
	var f *messages.Failure
	if !errors.As(err, &f) || f.Code != "interrupted" {
		t.Errorf("got %v, want interrupted", err)
	}
	if took := time.Since(start); took > time.Minute { // of an hour
		t.Errorf("it took %v", took)
	}
}
