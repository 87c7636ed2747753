package shelf

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/retention"
)

func day(n int) time.Time { return time.Date(2026, 3, n, 12, 0, 0, 0, time.UTC) }

// payload looks like a database with pages of 4096 bytes.
func payload(text string) []byte {
	p := make([]byte, 4096)
	copy(p, "SQLite format 3\x00")
	binary.BigEndian.PutUint16(p[16:], 4096)
	copy(p[100:], text)
	return p
}

func sum(p []byte) string {
	h := sha256.Sum256(p)
	return hex.EncodeToString(h[:])
}

// entryOf is a verified backup of the payload.
func entryOf(at time.Time, p []byte, tier retention.Tier) manifest.Entry {
	id := at.Format("20060102T150405Z")
	return manifest.Entry{ID: id, Reason: "manual", Taken: at, SizeBytes: int64(len(p)), PageSize: 4096,
		SHA256: sum(p), File: manifest.FileName("app", id, tier), Tier: tier, Verdict: manifest.Unverified}
}

// add takes a backup as the actor does: temporary file, publish, manifest.
func add(s *Shelf, m manifest.Manifest, at time.Time, tier retention.Tier) (manifest.Manifest, error) {
	p := payload(at.String())
	e := entryOf(at, p, tier)
	temp, err := s.Temp(e.File, e.ID)
	if err != nil {
		return m, err
	}
	f, err := s.cfg.FS.Create(temp)
	if err != nil {
		return m, err
	}
	_, err = f.Write(p)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return m, err
	}
	if got, err := s.ReadBack(context.Background(), temp, nil); err == nil && got.Seal != s.cfg.Sealer.Burst(0, p) {
		return m, errors.New("read back are other bytes than those written")
	} else if err != nil {
		return m, err
	}
	next, err := m.Append(e)
	if err == nil {
		next, err = next.Judge(e.ID, manifest.VerdictAt{At: at, Verdict: manifest.Verified, How: "backup"})
	}
	if err == nil {
		err = s.Publish(temp, e.File)
	}
	if err == nil {
		err = s.Save(next)
	}
	if err != nil {
		return m, err
	}
	return next, nil
}

func shelfOn(fsys fsx.FS, dir string) *Shelf {
	return New(Config{FS: fsys, Dir: filepath.Join(dir, "backups"), Name: "app", Sealer: fsx.NewSealer()})
}

func load(t *testing.T, s *Shelf) (manifest.Manifest, string) {
	t.Helper()
	m, why, err := s.Load(t.Context(), day(20))
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return m, why
}

func filled(t *testing.T, s *Shelf, days ...int) manifest.Manifest {
	t.Helper()
	m, _ := load(t, s)
	for _, d := range days {
		var err error
		if m, err = add(s, m, day(d), retention.Recent); err != nil {
			t.Fatalf("add: %v", err)
		}
	}
	return m
}

// files lists every file below the shelf, relative.
func files(t *testing.T, s *Shelf) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(s.cfg.Dir, func(p string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(s.cfg.Dir, p)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// whole asserts P2 and P7: the manifest on disk parses, its chain holds, it names only
// files that are there with the bytes it says, and nothing else lies there.
func whole(t *testing.T, s *Shelf, m manifest.Manifest) {
	t.Helper()
	onDisk, err := s.read()
	if err != nil {
		t.Fatalf("manifest on disk: %v", err)
	}
	if len(onDisk.Entries) != len(m.Entries) {
		t.Errorf("manifest on disk has %d entries, the one in memory %d", len(onDisk.Entries), len(m.Entries))
	}
	if breaks := onDisk.VerifyChain(); len(breaks) > 0 {
		t.Errorf("the chain is broken: %v", breaks)
	}
	named := []string{manifestName}
	for _, e := range onDisk.Entries {
		named = append(named, e.File)
		data, err := os.ReadFile(filepath.Join(s.cfg.Dir, e.File))
		if err != nil {
			t.Errorf("%s is named and missing: %v", e.File, err)
		} else if e.SHA256 != "" && sum(data) != e.SHA256 {
			t.Errorf("%s does not hold what was written", e.File)
		}
	}
	for _, f := range files(t, s) {
		if !slices.Contains(named, f) {
			t.Errorf("stray %s", f)
		}
	}
}

// action is something a shelf does that can be killed.
type action struct {
	name string
	run  func(*Shelf, manifest.Manifest) error
	keep int // verified backups that must survive; 0 = it begins with an empty shelf
}

func actions() []action {
	return []action{
		{"take", func(s *Shelf, m manifest.Manifest) error {
			_, err := add(s, m, day(9), retention.Recent)
			return err
		}, 3},
		{"move", func(s *Shelf, m manifest.Manifest) error {
			_, err := s.Move(m, map[string]retention.Tier{m.Entries[0].ID: retention.Weekly, m.Entries[1].ID: retention.Daily})
			return err
		}, 3},
		{"expire", func(s *Shelf, m manifest.Manifest) error {
			_, err := s.Remove(m, m.Entries[0].ID, day(9), "replaced")
			return err
		}, 2},
		{"first take", func(s *Shelf, _ manifest.Manifest) error {
			m, _, err := s.Load(context.Background(), day(9))
			if err == nil {
				_, err = add(s, m, day(9), retention.Recent)
			}
			return err
		}, 0},
		{"sweep", func(s *Shelf, m manifest.Manifest) error {
			if err := os.WriteFile(filepath.Join(s.cfg.Dir, "2026", "recent", ".officer-20260301T000000Z.tmp-wal"), nil, 0o600); err != nil {
				return err
			}
			_, _, _, err := s.Sweep(m, day(9))
			return err
		}, 3},
	}
}

func TestShelf_killedAtEveryOperation(t *testing.T) {
	for _, a := range actions() {
		for _, noLinks := range []bool{false, true} {
			n := 0
			for killAt(t, a, noLinks, n) {
				n++
			}
			t.Logf("%s, hard links %v: %d points", a.name, !noLinks, n)
		}
	}
}

// killAt kills the action at its operation n and looks at what is left; false when the
// action ended before.
func killAt(t *testing.T, a action, noLinks bool, n int) bool {
	t.Helper()
	dir := t.TempDir()
	k := &killFS{FS: fsx.OS(), noLinks: noLinks, left: -1}
	s := shelfOn(k, dir)
	var m manifest.Manifest
	if a.keep > 0 {
		m = filled(t, s, 1, 2, 3)
	}
	k.left = n
	if err := a.run(s, m); err == nil {
		return false
	}
	reborn := shelfOn(fsx.OS(), dir)
	if a.keep > 0 && !noLinks {
		namesNoMissing(t, reborn, a.name, n)
	}
	after, why := load(t, reborn)
	if why != "" {
		t.Errorf("the manifest had to be rebuilt: %s", why)
	}
	after, _, _, err := reborn.Sweep(after, day(20))
	if err != nil {
		t.Errorf("Sweep: %v", err)
	}
	if verified := count(after); verified < a.keep {
		t.Errorf("%d verified backups, want at least %d", verified, a.keep)
	}
	whole(t, reborn, after)
	if t.Failed() {
		t.Fatalf("%s killed at operation %d, hard links %v", a.name, n, !noLinks)
	}
	return true
}

// namesNoMissing asserts P2 before anything was repaired.
func namesNoMissing(t *testing.T, s *Shelf, action string, n int) {
	t.Helper()
	m, err := s.read()
	if err != nil {
		t.Fatalf("%s killed at %d: manifest: %v", action, n, err)
	}
	for _, e := range m.Entries {
		if _, err := s.Size(e.File); err != nil {
			t.Errorf("%s killed at %d: %s is named: %v", action, n, e.File, err)
		}
	}
}

func count(m manifest.Manifest) int {
	n := 0
	for _, e := range m.Entries {
		if e.Verified {
			n++
		}
	}
	return n
}

func TestLoad_damagedIsKeptAsideAndRebuilt(t *testing.T) {
	cases := map[string]func(t *testing.T, name string){
		"cut": func(t *testing.T, name string) { write(t, name, []byte(`{"version":1,"entr`)) },
		"a path that leaves the folder": func(t *testing.T, name string) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			write(t, name, []byte(strings.ReplaceAll(string(data), "2026/recent/", "../../etc/")))
		},
		"a symbolic link": func(t *testing.T, name string) {
			if err := errors.Join(os.Remove(name), os.Symlink("/etc/hostname", name)); err != nil {
				t.Skip("no symbolic links here:", err)
			}
		},
	}
	for name, harm := range cases {
		t.Run(name, func(t *testing.T) {
			s := shelfOn(fsx.OS(), t.TempDir())
			filled(t, s, 1, 2)
			harm(t, filepath.Join(s.cfg.Dir, manifestName))
			m, why := load(t, s)
			if len(m.Entries) != 2 || count(m) != 0 {
				t.Errorf("got %d entries, %d verified; want 2 and none", len(m.Entries), count(m))
			}
			if !strings.Contains(why, "backups.json.damaged-20260320T120000Z") {
				t.Errorf("why = %q", why)
			}
			if _, err := os.Lstat(filepath.Join(s.cfg.Dir, "backups.json.damaged-20260320T120000Z")); err != nil {
				t.Errorf("the damaged manifest is gone: %v", err)
			}
			if again, why := load(t, s); why != "" || len(again.Entries) != 2 {
				t.Errorf("loaded again: %d entries, %q; want 2 and nothing to say", len(again.Entries), why)
			}
		})
	}
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLoad_lostIsRebuilt(t *testing.T) {
	s := shelfOn(fsx.OS(), t.TempDir())
	if _, why := load(t, s); why != "" {
		t.Errorf("an empty shelf: why = %q, want nothing", why)
	}
	filled(t, s, 1, 2)
	if err := os.Remove(filepath.Join(s.cfg.Dir, manifestName)); err != nil {
		t.Fatal(err)
	}
	m, why := load(t, s)
	if len(m.Entries) != 2 || !strings.Contains(why, "lost") || m.Entries[0].PageSize != 4096 {
		t.Errorf("got %+v, %q; want 2 entries with their page size, lost", m.Entries, why)
	}
}

func TestLoad_newerIsLeftAlone(t *testing.T) {
	s := shelfOn(fsx.OS(), t.TempDir())
	filled(t, s, 1)
	name := filepath.Join(s.cfg.Dir, manifestName)
	write(t, name, []byte(`{"version":99,"database":"app","entries":[]}`))
	if _, _, err := s.Load(t.Context(), day(20)); fault.CodeOf(err) != manifest.Newer {
		t.Errorf("got %v, want %s", err, manifest.Newer)
	}
	if data, _ := os.ReadFile(name); !strings.Contains(string(data), "99") {
		t.Error("the newer manifest was touched")
	}
}

func TestSweep_removesOnlyWhatOfficerNamed(t *testing.T) {
	s := shelfOn(fsx.OS(), t.TempDir())
	m := filled(t, s, 1)
	dir := filepath.Join(s.cfg.Dir, "2026", "recent")
	own := []string{".officer-20260301T000000Z.tmp", ".officer-20260301T000000Z-2.tmp-journal",
		".officer-20260301T000000Z.tmp-wal", ".officer-20260301T000000Z.tmp-shm"}
	foreign := []string{"notes.tmp", ".officer-notes.tmp", "x.officer-20260301T000000Z.tmp", "app-20260301T120000Z.db-journal", "readme.txt"}
	for _, n := range append(slices.Clone(own), foreign...) {
		write(t, filepath.Join(dir, n), []byte("x"))
	}
	write(t, filepath.Join(s.cfg.Dir, "backups.json.tmp2"), []byte("x"))
	write(t, filepath.Join(s.cfg.Dir, "backups.json.damaged-1"), []byte("x"))
	_, removed, listed, err := s.Sweep(m, day(20))
	if err != nil || len(removed) != len(own)+1 || len(listed) != 0 {
		t.Errorf("removed %v, listed %v, %v; want the %d own ones", removed, listed, err, len(own)+1)
	}
	for _, n := range foreign {
		if _, err := os.Lstat(filepath.Join(dir, n)); err != nil {
			t.Errorf("%s was removed", n)
		}
	}
	if _, err := os.Lstat(filepath.Join(s.cfg.Dir, "backups.json.damaged-1")); err != nil {
		t.Error("the kept manifest was removed")
	}
}

func TestSweep_listsUnknownBackupsAgain(t *testing.T) {
	s := shelfOn(fsx.OS(), t.TempDir())
	m := filled(t, s, 1)
	rel := manifest.FileName("app", "20260305T120000Z", retention.Daily)
	if err := os.MkdirAll(filepath.Join(s.cfg.Dir, filepath.Dir(rel)), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.cfg.Dir, rel), payload("found"))
	m, removed, listed, err := s.Sweep(m, day(20))
	e, ok := m.Find("20260305T120000Z")
	if err != nil || len(removed) != 0 || !slices.Equal(listed, []string{rel}) || !ok || e.Verified || e.PageSize != 4096 {
		t.Errorf("removed %v, listed %v, %v, entry %+v; want it listed, unverified", removed, listed, err, e)
	}
	whole(t, s, m)
}

func TestPath_refusesEscape(t *testing.T) {
	s := shelfOn(fsx.OS(), t.TempDir())
	filled(t, s, 1)
	for _, rel := range []string{"", ".", "..", "../x", "/etc/passwd", "backups.json", "2026/recent/../../../x.db",
		"2026/recent/x", `2026\recent\app-20260301T120000Z.db`, "2026/nowhere/app-20260301T120000Z.db",
		"2026/recent/app-20260301T120000Z.db/", "2026/recent/app-20260301T120000Z.db\x00"} {
		if p, err := s.Path(rel); fault.CodeOf(err) != fault.Refused {
			t.Errorf("Path(%q) = %q, %v; want refused", rel, p, err)
		}
	}
	for _, id := range []string{"", "../x", "20260301T120000Z/../x", "x"} {
		if p, err := s.Temp("2026/recent/app-20260301T120000Z.db", id); fault.CodeOf(err) != fault.Refused {
			t.Errorf("Temp(%q) = %q, %v; want refused", id, p, err)
		}
	}
	if err := s.Discard(filepath.Join(s.cfg.Dir, "2026/recent/app-20260301T120000Z.db")); fault.CodeOf(err) != fault.Refused {
		t.Errorf("Discard of a backup: %v, want refused", err)
	}
	if _, _, err := s.Hash(t.Context(), "/etc/hostname"); fault.CodeOf(err) != fault.Refused {
		t.Errorf("Hash of a foreign file: %v, want refused", err)
	}
	for _, name := range []string{"/etc/hostname", filepath.Join(s.cfg.Dir, "2026/recent/app-20260301T120000Z.db")} {
		if _, err := s.ReadBack(t.Context(), name, nil); fault.CodeOf(err) != fault.Refused {
			t.Errorf("ReadBack of %s, no temporary file: %v, want refused", name, err)
		}
	}
}

func TestShelf_plantedSymlinkIsRefused(t *testing.T) {
	for _, planted := range []string{".", "2026", "2026/recent"} {
		t.Run(planted, func(t *testing.T) {
			s := shelfOn(fsx.OS(), t.TempDir())
			m := filled(t, s, 1)
			place, elsewhere := filepath.Join(s.cfg.Dir, planted), filepath.Join(t.TempDir(), "elsewhere")
			if err := errors.Join(os.Rename(place, elsewhere), os.Symlink(elsewhere, place)); err != nil {
				t.Skip("no symbolic links here:", err)
			}
			before := len(files(t, New(Config{FS: fsx.OS(), Dir: elsewhere})))
			if _, err := add(s, m, day(2), retention.Recent); fault.CodeOf(err) != fault.Refused {
				t.Errorf("take: %v, want refused", err)
			}
			if _, err := s.Remove(m, m.Entries[0].ID, day(3), "x"); fault.CodeOf(err) != fault.Refused {
				t.Errorf("remove: %v, want refused", err)
			}
			if _, err := s.Move(m, map[string]retention.Tier{m.Entries[0].ID: retention.Daily}); fault.CodeOf(err) != fault.Refused {
				t.Errorf("move: %v, want refused", err)
			}
			if after := len(files(t, New(Config{FS: fsx.OS(), Dir: elsewhere}))); after != before {
				t.Errorf("%d files behind the link, had %d", after, before)
			}
		})
	}
}

func TestPublish_replacesNothing(t *testing.T) {
	s := shelfOn(fsx.OS(), t.TempDir())
	m := filled(t, s, 1)
	if _, err := add(s, manifest.New("app"), day(1), retention.Recent); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want that the name is taken", err)
	}
	m, _, _, err := s.Sweep(m, day(20))
	if err != nil {
		t.Fatal(err)
	}
	whole(t, s, m)
}

func TestFree_worksBeforeTheFolderIsMade(t *testing.T) {
	s := shelfOn(fsx.OS(), filepath.Join(t.TempDir(), "not", "made"))
	if n, err := s.Free(); err != nil || n <= 0 {
		t.Errorf("got %d, %v; want the space of the volume", n, err)
	}
}
