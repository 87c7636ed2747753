package supervisor

import (
	"errors"
	"io/fs"
	"log/slog"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/journal"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// Whatever fails while events are written, and whatever a power cut leaves of them, is
// never taken for somebody who changed the journal; and what was written down durably is
// there.
func TestJournal_noFaultLooksLikeTampering(t *testing.T) {
	points := 0
	for _, c := range []struct {
		before int
		seeds  uint64
	}{{0, 3}, {6, 3}, {eventsKept + journalSlack - 2, 1}} {
		before := c.before
		base := simfs.New(0)
		prepared := base.Boot(simfs.Plan{})
		if err := prepared.MkdirAll("/home/backups"); err != nil {
			t.Fatal(err)
		}
		l := bookOn(prepared)
		l.tell(before)
		l.journal.write(time.Now(), true)
		prepared.End()
		base.SyncAll()
		ops := tellSome(bookOn(base.Clone().Boot(simfs.Plan{Record: true})))
		for _, kind := range []simfs.Kind{simfs.PowerCut, simfs.Kill, simfs.SyncFails, simfs.IOError, simfs.Short, simfs.FullFrom} {
			for _, op := range ops {
				if !kind.Strikes(op) {
					continue
				}
				for seed := range c.seeds {
					points++
					struckJournal(t, base.Clone(), simfs.Plan{Seed: seed, Faults: []simfs.Fault{{Kind: kind, At: op.Number}}})
				}
			}
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d points", points)
}

// A sync that fails forgets also what was written before without one. The file is written anew then, and a power cut
// in the middle of that takes what nobody promised: how far the chain went must not be noted before it goes so far.
func TestJournal_aPowerCutAfterAFailedSyncLooksLikeNothing(t *testing.T) {
	for at := 1; at <= 40; at++ {
		disk := simfs.New(0)
		files := disk.Boot(simfs.Plan{Seed: uint64(at)})
		if err := files.MkdirAll("/home/backups"); err != nil {
			t.Fatal(err)
		}
		l := bookOn(files)
		l.tell(3)
		l.journal.write(time.Now(), true)
		disk.SyncAll()
		l.add(eventOf(&messages.Lifecycle{State: "started"}), time.Now())
		l.journal.write(time.Now(), false)
		var faults []simfs.Fault
		for n := range 20 {
			faults = append(faults, simfs.Fault{Kind: simfs.SyncFails, At: n + 1})
		}
		files.Arm(faults...)
		l.tell(1)
		l.journal.write(time.Now(), false)
		files.Arm(simfs.Fault{Kind: simfs.PowerCut, At: at})
		l.journal.write(time.Now(), false)
		if !files.Dead() {
			disk.PowerCut(uint64(at))
		}
		if got := namesOf(bookOn(disk.Boot(simfs.Plan{})).found); got != "" {
			t.Errorf("cut at operation %d: %s", at, got)
		}
	}
}

func bookOn(files *simfs.Life) *eventLog {
	l := &eventLog{database: "app"}
	l.keep(files, place{home: "/home"}, slog.New(slog.DiscardHandler))
	return l
}

// tellSome has events written as a tree does: important ones at once, others when there
// is time.
func tellSome(l *eventLog) []simfs.Op {
	life := l.journal.files.(*simfs.Life)
	life.Arm()
	sendSome(l)
	return life.Ops()
}

func sendSome(l *eventLog) (durable uint64) {
	for range 3 {
		for range 2 {
			l.add(eventOf(&messages.IntegrityChecked{}), time.Now()) // not important
			l.journal.write(time.Now(), false)
		}
		l.tell(1)
		l.journal.write(time.Now(), false)
		if !l.journal.failing {
			durable = l.sequence
		}
	}
	return durable
}

func struckJournal(t *testing.T, disk *simfs.Disk, plan simfs.Plan) {
	t.Helper()
	life := disk.Boot(simfs.Plan{Seed: plan.Seed})
	l := bookOn(life)
	life.Arm(plan.Faults...)
	durable := sendSome(l)
	if !life.Dead() {
		disk.PowerCut(plan.Seed)
	}
	life.End()
	life = disk.Boot(simfs.Plan{})
	defer life.End()
	if _, err := life.Lstat("/home"); errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%v: the home is gone", plan)
	}
	next := bookOn(life)
	if got := namesOf(next.found); got != "" {
		t.Errorf("%v seed %d looks like tampering: %s", plan.Faults, plan.Seed, got)
	}
	if next.sequence < durable {
		t.Errorf("%v seed %d: the journal goes up to %d, but %d was on the device", plan.Faults, plan.Seed, next.sequence, durable)
	}
	next.tell(2)
	next.journal.write(time.Now(), true)
	data, err := fsx.ReadLimited(life, "/home/events.ndjson", journalReadMax)
	if err != nil {
		t.Fatal(err)
	}
	if b := journal.Read(data); len(b.Breaks) > 0 || b.WholeBytes != len(data) {
		t.Errorf("%v seed %d: what was written after it cannot be read: %v", plan.Faults, plan.Seed, b.Breaks)
	}
	if got := namesOf(next.journal.verify()); got != "" {
		t.Errorf("%v seed %d: after the next write it looks like tampering: %s", plan.Faults, plan.Seed, got)
	}
}
