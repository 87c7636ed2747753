package main

import (
	"slices"
	"testing"

	"github.com/officer-doofy/officer/messages"
)

func TestPasteable_keepsTheHomeOfTheCommandLine(t *testing.T) {
	c := &cli{home: "my home"}
	f := messages.NewFailure("no_backup", "show", "no").WithHints("officer list app.db", "ls -l app.db", "officer run --home h app.db")
	c.pasteable(f)
	want := []string{"officer list app.db --home 'my home'", "ls -l app.db", "officer run --home h app.db"}
	if !slices.Equal(f.Hints, want) {
		t.Errorf("hints are %q, want %q", f.Hints, want)
	}
}
