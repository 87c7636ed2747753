package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun_keepsNotesAndProvesThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.db")
	for i, c := range []struct {
		notes []string
		want  []string
	}{
		{[]string{"buy milk", "call Ada"}, []string{"1. buy milk\n", "2. call Ada\n", ", verified\n", "Your data is safe."}},
		{[]string{"sleep"}, []string{"1. buy milk\n", "3. sleep\n", ", verified\n", "Your data is safe."}},
	} {
		var out bytes.Buffer
		if err := run(t.Context(), &out, path, c.notes); err != nil {
			t.Fatalf("run %d: %v", i, err)
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("run %d: got %q, want %q in it", i, out.String(), want)
			}
		}
	}
}

func TestRun_refusesWhatIsNoDatabase(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), &out, t.TempDir(), nil)
	if err == nil {
		t.Fatalf("a folder was taken for a database: %s", out.String())
	}
	explain(&out, err)
	if out.Len() == 0 {
		t.Error("the error says nothing")
	}
}
