package supervisor

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// TestStart_waitsForAVerbThatHasTheLockForAMoment: a status in a cron job must not turn
// away the start that falls into it; an Officer that stays still does.
func TestStart_waitsForAVerbThatHasTheLockForAMoment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	testkit.BuildArchive(t, path, 10)
	first, err := Start(t.Context(), Config{Databases: []Database{{Path: path}}, Passive: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Config{Databases: []Database{{Path: path}}}); failureOf("start", err).GetCode() != "locked" {
		t.Errorf("beside an Officer that stays: got %v, want locked", err)
	}
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	verb := flock.New(filepath.Join(HomeOf(path), "officer.lock"))
	if got, err := verb.TryLock(); !got || err != nil {
		t.Fatal(got, err)
	}
	time.AfterFunc(300*time.Millisecond, func() { _ = verb.Unlock() })
	r, err := Start(t.Context(), Config{Databases: []Database{{Path: path}}})
	if err != nil {
		t.Fatalf("the lock was free after 300 ms: %v", err)
	}
	answerOf[*messages.HealthReport](t, r, "", &messages.GetHealth{})
	if err := r.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
