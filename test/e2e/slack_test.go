//go:build e2e

package e2e

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

const (
	// patience is how long an event is waited for that has to come. It only limits how long a failure takes:
	// what has to come soon is held by punctual.
	patience = 3 * time.Minute
	// usualTime is what slowness takes for one look where nobody else needs the machine.
	usualTime = 60 * time.Millisecond
	// usualBeat is what one beat of the pulse takes there.
	usualBeat  = 20 * time.Millisecond
	pulsePause = 200 * time.Millisecond
	beatsKept  = 600 // two minutes
)

// slowness tells how many times as long as usual this machine takes for what every promise needs, at least 1:
// it starts the program and makes a small file durable, three times, and takes the longest.
func slowness(t *testing.T) float64 {
	t.Helper()
	var worst time.Duration
	for range 3 {
		begun := time.Now()
		officer(t, "version")
		if err := durable(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		worst = max(worst, time.Since(begun))
	}
	return max(1, float64(worst)/float64(usualTime))
}

// durable makes a small file durable.
func durable(dir string) error {
	f, err := os.Create(filepath.Join(dir, "durable"))
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 64<<10))
	return errors.Join(err, f.Sync(), f.Close())
}

// pulse is the control beside every promise: all the time it computes for a moment and makes a small file durable, so that
// it is known afterwards how slow the machine was while something was waited for, though it may be quick again now.
type pulse struct {
	mu    sync.Mutex
	beats []beat
}

type beat struct {
	begun time.Time
	took  time.Duration // with the time for which it was not let begin
}

// heart beats from the beginning of all tests to their end.
var heart pulse

// run beats until the process ends.
func (p *pulse) run(dir string) {
	block := make([]byte, 4<<20)
	tick := time.NewTicker(pulsePause)
	defer tick.Stop()
	for due := range tick.C {
		_ = sha256.Sum256(block)
		if durable(dir) != nil {
			return // the folder is gone: all is over
		}
		p.mu.Lock()
		p.beats = append(p.beats[max(0, len(p.beats)-beatsKept):], beat{due, time.Since(due)})
		p.mu.Unlock()
	}
}

// slowness tells how many times as long as usual the slowest beat since then took, at least 1.
func (p *pulse) slowness(since time.Time) float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	worst := usualBeat
	for _, b := range p.beats {
		if !b.begun.Add(b.took).Before(since) {
			worst = max(worst, b.took)
		}
	}
	return float64(worst) / float64(usualBeat)
}

// punctual fails the test where something that has just ended took longer than is promised and the machine is no excuse:
// a promise is of a machine that has time for it.
func punctual(t *testing.T, what string, took, promised time.Duration) {
	t.Helper()
	if took <= promised {
		return
	}
	slow := max(heart.slowness(time.Now().Add(-took-pulsePause)), slowness(t))
	t.Logf("%s took %v; the machine is %.1f times as slow as usual", what, took, slow)
	if took > time.Duration(slow*float64(promised)) {
		t.Errorf("%s took %v, want at most %v", what, took, promised)
	}
}

// undisturbed holds that an app which waits appPatience for a lock never waited in vain. Officer has the lock for a few
// milliseconds: where a machine takes it away from the processor for tens of them, that is not Officer's.
func undisturbed(t *testing.T, busy int64, lasting time.Duration) {
	t.Helper()
	if busy == 0 {
		return
	}
	if slow := heart.slowness(time.Now().Add(-lasting)); slow >= 10 {
		t.Logf("the app saw BUSY %d times on a machine that was %.1f times as slow as usual", busy, slow)
		return
	}
	t.Errorf("the app saw BUSY %d times, want 0", busy)
}
