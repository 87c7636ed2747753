package recovery

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
)

func TestNotebook_removesExactlyWhatOfficerMade(t *testing.T) {
	home, dir := t.TempDir(), t.TempDir()
	at := time.Date(2026, 11, 27, 2, 1, 33, 123456789, time.UTC)
	made := madeName(filepath.Join(dir, "new.db"), at)
	if filepath.Base(made) != "new.db.officer-20261127T020133.123456789Z.tmp" {
		t.Errorf("the name is %s", made)
	}
	if _, err := time.Parse(setLayout, "20261127T020133.123456789Z"); err != nil {
		t.Errorf("an older sweep does not know the name: %v", err)
	}
	stays := map[string]string{
		"somebody's file":               filepath.Join(dir, "new.db"),
		"to the second, as before":      filepath.Join(dir, "new.db.officer-20261127T020133Z.tmp"),
		"made, but not noted":           madeName(filepath.Join(dir, "other.db"), at),
		"another tail":                  madeName(filepath.Join(dir, "new.db"), at) + "2",
		"fewer digits of the second":    filepath.Join(dir, "new.db.officer-20261127T020133.12345678Z.tmp"),
		"what a link of the name is to": filepath.Join(dir, "target"),
	}
	for what, path := range stays {
		if err := os.WriteFile(path, []byte(what), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := madeName(filepath.Join(dir, "link.db"), at)
	folder := madeName(filepath.Join(dir, "folder.db"), at)
	if err := os.Symlink(stays["what a link of the name is to"], link); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(made, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	away := madeName(filepath.Join(dir, "not mounted", "x.db"), at)
	note := making{Files: []string{made, link, folder, away, "relative.officer-20261127T020133.123456789Z.tmp", ""}}
	for what, path := range stays {
		if what != "made, but not noted" {
			note.Files = append(note.Files, path)
		}
	}
	data, err := json.Marshal(note)
	if err == nil {
		err = os.WriteFile(filepath.Join(home, makingFile), data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}

	for range 2 {
		if err := (&notebook{}).removeUnfinished(fsx.OS(), home); err != nil {
			t.Fatal(err)
		}
	}

	if _, err := os.Lstat(made); !os.IsNotExist(err) {
		t.Errorf("the half-made file: %v, want none", err)
	}
	for what, path := range stays {
		if data, err := os.ReadFile(path); err != nil || string(data) != what {
			t.Errorf("%s: %q %v", what, data, err)
		}
	}
	for _, path := range []string{link, folder} {
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("not a file of Officer's, and gone: %v", err)
		}
	}
	left, err := readMaking(fsx.OS(), home)
	if err != nil || !slices.Equal(left, []string{away}) {
		t.Errorf("remembered are %v (%v), want what lies on a volume that is not there", left, err)
	}
	if err := os.Mkdir(filepath.Dir(away), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := (&notebook{}).removeUnfinished(fsx.OS(), home); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(home, makingFile)); !os.IsNotExist(err) {
		t.Errorf("the note of nothing: %v, want none", err)
	}
}

// The look for what a killed life left runs beside the first orders.
func TestNotebook_leavesAloneWhatIsBeingMade(t *testing.T) {
	home, dir := t.TempDir(), t.TempDir()
	path := madeName(filepath.Join(dir, "new.db"), time.Now())
	n := &notebook{}
	if err := n.change(fsx.OS(), home, path, true); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := n.removeUnfinished(fsx.OS(), home); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("a file in the making was removed: %v", err)
	}
	if err := (&notebook{}).removeUnfinished(fsx.OS(), home); err != nil { // the next life
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("what the life before left: %v, want none", err)
	}
}

func TestNotebook_ofANoteOfSomebodyElse(t *testing.T) {
	home := t.TempDir()
	noUTF8 := []string{"/a\xff\xfe/b", "/ä"}
	if err := writeMaking(fsx.OS(), home, noUTF8); err != nil {
		t.Fatal(err)
	}
	if got, err := readMaking(fsx.OS(), home); err != nil || !slices.Equal(got, noUTF8) {
		t.Errorf("got %q %v, want %q", got, err, noUTF8)
	}
	for _, text := range []string{"", "half a no", `{"files":"x"}`, `[]`} {
		if err := os.WriteFile(filepath.Join(home, makingFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := (&notebook{}).removeUnfinished(fsx.OS(), home); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
