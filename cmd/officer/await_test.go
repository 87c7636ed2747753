package main

import (
	"io/fs"
	"testing"
	"time"
)

// look is a file as it was seen.
type look struct {
	fs.FileInfo
	size     int64
	modified time.Time
}

func (l look) Size() int64        { return l.size }
func (l look) ModTime() time.Time { return l.modified }

func TestArrival_waitsUntilTheAppHasMadeItsDatabase(t *testing.T) {
	start := time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	var a arrival
	for _, step := range []struct {
		after time.Duration
		size  int64
		touch time.Duration
		want  bool
	}{
		{0, 0, 0, false},
		{time.Hour, 0, 0, false}, // however long nothing is written
		{time.Hour + time.Second, 4096, time.Second, false},
		{time.Hour + 2*time.Second, 8192, 2 * time.Second, false},
		{time.Hour + 3*time.Second, 8192, 2 * time.Second, false},
		{time.Hour + 4*time.Second, 8192, 2 * time.Second, true},
	} {
		if got := a.ripe(look{size: step.size, modified: at(step.touch)}, at(step.after)); got != step.want {
			t.Errorf("after %v: got %v, want %v", step.after, got, step.want)
		}
	}
	var busy arrival
	for d := time.Duration(0); d < newFor; d += time.Second {
		if busy.ripe(look{size: 4096, modified: at(d)}, at(d)) {
			t.Fatalf("taken on after %v though it is written all the time", d)
		}
	}
	if !busy.ripe(look{size: 4096, modified: at(newFor)}, at(newFor)) {
		t.Errorf("not taken on after %v", newFor)
	}
}
