package supervisor

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// flipper is a disk that gives back other payload bytes than were written, the first
// times a copy is read back: what integrity_check cannot see.
type flipper struct {
	fsx.FS
	t     *testing.T
	mu    sync.Mutex
	times int
}

func (f *flipper) Open(name string) (fsx.File, error) {
	f.flip(name)
	return f.FS.Open(name)
}

// OpenUncached gives what the device holds, where the volume can.
func (f *flipper) OpenUncached(name string) (fsx.File, error) {
	u, ok := f.FS.(fsx.Uncached)
	if !ok {
		return nil, fault.New(fault.Refused, "open file past the cache", "this system cannot")
	}
	f.flip(name)
	return u.OpenUncached(name)
}

func (f *flipper) flip(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.times > 0 && strings.HasSuffix(name, ".tmp") && strings.Contains(name, "recent") {
		f.times--
		f.t.Log(testkit.Flip(f.t, name, "images", uint64(f.times)))
		if bad := testkit.Integrity(f.t, name); len(bad) > 0 {
			f.t.Errorf("the flip shows in integrity_check: %v", bad)
		}
	}
}

// TestBackup_flippedBytesInACopyAreFoundAndTheCopyIsMadeAgain runs the real owner, shelf,
// engine and actor: requirement 3 of the main job.
func TestBackup_flippedBytesInACopyAreFoundAndTheCopyIsMadeAgain(t *testing.T) {
	for _, c := range []struct {
		name  string
		rows  int
		times int
		code  string // of the failure; "" = a verified backup
		tries int32
		warns string
	}{
		{"flipped_once", 100, 1, "", 2, "the bytes that were written"},
		{"flipped_beside_its_check", 3500, 1, "", 2, "the bytes that were written"}, // beyond 8 MB they run at once
		// Each try opens a bad copy two or three times: what it holds is hashed, too. The second digests the content.
		{"flipped_at_every_try", 100, 9, "content_differs", 3, "table images"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "app.db")
			testkit.BuildArchive(t, path, c.rows)
			disk := &flipper{FS: fsx.OS(), t: t, times: c.times}
			r, err := Start(t.Context(), Config{Databases: []Database{{Path: path}}, Passive: true, FS: disk})
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.Ask(t.Context(), "", &messages.TakeBackup{Reason: "manual", Priority: messages.Priority_PRIORITY_INTERACTIVE}, nil)
			logs, logErr := r.Ask(t.Context(), "", &messages.GetLogs{Level: "warn"}, nil)
			if logErr != nil {
				t.Fatal(logErr)
			}
			if stopErr := r.Stop(t.Context()); stopErr != nil {
				t.Error(stopErr)
			}
			switch {
			case c.code == "" && err != nil:
				t.Fatal(err)
			case c.code == "":
				report := got.(*messages.BackupReport)
				if !report.GetBackup().GetVerified() || report.GetTries() != c.tries {
					t.Errorf("got verified %v after %d tries, want it verified after %d", report.GetBackup().GetVerified(), report.GetTries(), c.tries)
				}
			default:
				f := failureOf("take backup", err)
				if f.GetCode() != c.code || f.GetDataChanged() {
					t.Errorf("got %v, want %s", f, c.code)
				}
			}
			if !strings.Contains(logs.(*messages.LogPage).String(), c.warns) {
				t.Errorf("no warning says %q: %v", c.warns, logs)
			}
			testkit.CheckDatabase(t, path, path+"-officer")
			if left := testkit.Strays(t, path, path+"-officer"); len(left) > 0 {
				t.Errorf("the bad copies were not deleted: %v", left)
			}
		})
	}
}
