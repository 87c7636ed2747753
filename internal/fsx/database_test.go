package fsx_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/fsx"
)

func TestHashDatabase_seesEachOfTheThreeFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	write := func(suffix, text string) {
		t.Helper()
		if err := os.WriteFile(path+suffix, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hash := func() string {
		t.Helper()
		sum, err := fsx.HashDatabase(t.Context(), fsx.OS(), path)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	if _, err := fsx.HashDatabase(t.Context(), fsx.OS(), path); err == nil {
		t.Error("a missing database has a hash")
	}
	write("", "abc")
	alone := hash()
	write("-wal", "")
	if hash() != alone {
		t.Error("an empty log is told from none")
	}
	seen := map[string]bool{alone: true}
	for _, change := range [][2]string{{"-wal", "x"}, {"-journal", "x"}, {"-wal", ""}, {"", "abcx"}, {"-journal", ""}} {
		write(change[0], change[1])
		if sum := hash(); seen[sum] {
			t.Errorf("%q = %q makes no difference", change[0], change[1])
		} else {
			seen[sum] = true
		}
	}
	log, err := os.Open(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	write("-wal", "log")
	opened, err := fsx.HashOpened(t.Context(), map[string]*io.SectionReader{
		"": io.NewSectionReader(strings.NewReader("abcx"), 0, 4), "-wal": io.NewSectionReader(log, 0, 3)})
	if want := hash(); err != nil || opened != want {
		t.Errorf("opened files give %q %v, want %q as by name", opened, err, want)
	}
}
