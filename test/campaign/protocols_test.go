package campaign

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// protocol is one thing that Officer does, on disks of every shape.
type protocol struct {
	name string
	// active: Officer also works unasked while the faults are on. Then its systems work at
	// the same time, and the number of an operation may differ between two runs.
	active bool
	// build makes the past, with Officer running and no fault; it is made once a shape.
	build func(w *world) error
	// harm is done to the disk after the past, with nobody running.
	harm func(w *world) error
	// booting: the faults strike from the start of Officer on.
	booting bool
	// prime comes right before the faults.
	prime func(w *world) error
	// act is what the faults strike. Its error is an answer like another.
	act func(w *world) error
	// rows are the states that the database may hold afterwards; nil = what the app
	// acknowledged, and nothing else.
	rows func(w *world, before ledger) []int
	// heals: a database that is not whole in the next life is restored by order; without
	// it the faults must leave it whole.
	heals bool
	// mends: a database that is not whole in the next life is repaired by order, and then
	// nothing is missing that the app acknowledged.
	mends bool
	// again is done once more in the next life, nil = nothing.
	again func(w *world) error
	// direct, when set, is all there is: no tree runs.
	direct *direct
	// only names the journal modes it is for; "" = all.
	only string
}

func protocols() []protocol {
	return []protocol{
		{name: "first", prime: commits(1), act: takeBackup},
		{name: "backup", build: past(2), prime: commits(2), act: takeBackup},
		{name: "expiry", build: past(12), prime: commits(1), act: takeBackup},
		{name: "pin", build: past(3), prime: nil, act: pin},
		{name: "verify", build: past(3), act: verifyAll},
		{name: "drill", build: past(2), act: drill},
		{name: "restore", build: past(2), prime: commits(3), act: restore, rows: oldOrRestored, again: takenBack},
		{name: "undo", build: undoable, prime: commits(1), act: undo, rows: oldOrUndone},
		{name: "tofile", build: past(2), prime: commits(1), act: toFile},
		{name: "checkpoint", build: past(1), prime: commits(3), act: checkpoint, only: "wal"},
		{name: "vacuum", build: past(1), prime: commits(2), act: vacuum},
		{name: "damage", active: true, booting: true, build: past(2), harm: zeroPage, act: settled, heals: true},
		{name: "restore.damaged", build: past(2), harm: zeroPage, act: restore, heals: true},
		{name: "restore.header", build: past(2), harm: zeroHeader, act: restore, heals: true},
		{name: "restore.missing", build: past(2), harm: remove, act: restore, heals: true},
		{name: "repair", build: past(2), harm: zeroLeaf("stone"), prime: commits(3), act: repair, mends: true},
		{name: "repair.index", build: newer, harm: zeroLeaf("item_amount"), act: repair, mends: true},
		{name: "repair.header", build: past(2), harm: zeroHeader, act: repair, mends: true},
		{name: "repair.alone", build: commits(3), harm: zeroRoot("stone"), act: repair, mends: true},
		{name: "repair.resume", active: true, booting: true, build: past(2), harm: killedRepair, act: settled, mends: true},
		{name: "resume", active: true, booting: true, build: past(2), harm: killedRestore, act: settled, rows: oldOrRestored},
		{name: "resume.header", active: true, booting: true, build: past(2), harm: killedReset, act: settled, heals: true},
		{name: "start", active: true, booting: true, build: past(3), act: settled},
		{name: "life", active: true, build: past(2), prime: commits(2), act: awhile, rows: atMostOneMore},
		{name: "firstlife", active: true, prime: commits(1), act: awhile, rows: atMostOneMore},
	}
}

// commits has the app commit n times.
func commits(n int) func(*world) error {
	return func(w *world) error {
		for range n {
			if err := w.commit(w.app); err != nil {
				return err
			}
		}
		return nil
	}
}

// past is n backups, nine days from one to the next, each of another state.
func past(n int) func(*world) error {
	return func(w *world) error {
		for range n {
			if err := commits(2)(w); err != nil {
				return err
			}
			if err := w.backedUp(&messages.TakeBackup{Force: true, Reason: "manual", Priority: messages.Priority_PRIORITY_INTERACTIVE}); err != nil {
				return err
			}
			testkit.Advance(9 * 24 * time.Hour)
		}
		return nil
	}
}

func takeBackup(w *world) error {
	return w.backedUp(&messages.TakeBackup{Force: true, Reason: "manual", Priority: messages.Priority_PRIORITY_INTERACTIVE})
}

func pin(w *world) error {
	answer, err := w.ask(&messages.ListBackups{})
	if err != nil {
		return err
	}
	list := answer.(*messages.BackupList).Backups
	if len(list) == 0 {
		return errors.New("no backups")
	}
	_, err = w.ask(&messages.PinBackup{Id: list[len(list)/2].Id})
	return err
}

func verifyAll(w *world) error {
	answer, err := w.ask(&messages.VerifyBackups{All: true})
	if err != nil {
		return err
	}
	for _, v := range answer.(*messages.VerifyReport).Verdicts {
		// What is backed up of a damaged database lies apart, and says what it is.
		if v.Verdict != "verified" && v.Backup.GetTier() != "suspect" {
			return fmt.Errorf("%s is %s", v.Backup.GetId(), v.Verdict)
		}
	}
	return nil
}

func drill(w *world) error {
	_, err := w.ask(&messages.DrillNow{})
	return err
}

// restore puts the newest backup in place.
func restore(w *world) error {
	answer, err := w.ask(&messages.RestoreBackup{Confirmed: true, JobId: "restore"})
	if err != nil {
		return err
	}
	w.ledger.replaced = w.ledger.rows
	w.ledger.restored = w.ledger.backups[answer.(*messages.RestoreReport).RestoredFrom]
	return nil
}

// oldOrRestored: an answered restore is there; one that was not answered may be, and it
// may be of the backup that it took before.
func oldOrRestored(w *world, before ledger) []int {
	if w.ledger.restored >= 0 {
		return []int{w.ledger.restored}
	}
	newest := 0
	for _, rows := range before.backups {
		newest = max(newest, rows)
	}
	return []int{before.rows, newest}
}

// takenBack: what an answered restore replaced can be had back, also after a power cut
// (P5), and the restore after that.
func takenBack(w *world) error {
	if w.ledger.restored < 0 {
		return nil
	}
	w.ledger.undo = w.ledger.replaced
	if err := undo(w); err != nil {
		return err
	}
	rows, err := rowsIn(w.ctx, w.app)
	if err != nil || rows != w.ledger.replaced {
		return fmt.Errorf("the undo brought %d commits back (%w), want %d", rows, err, w.ledger.replaced)
	}
	w.ledger.rows = rows
	testkit.Advance(settling) // Officer backs up what is in place now
	return nil
}

// undoable is a past with a restore in it.
func undoable(w *world) error {
	if err := past(2)(w); err != nil {
		return err
	}
	if err := commits(3)(w); err != nil {
		return err
	}
	was := w.ledger.rows
	if err := restore(w); err != nil {
		return err
	}
	w.ledger.rows = w.ledger.restored
	w.ledger.restored = -1
	w.ledger.undo = was
	return nil
}

func undo(w *world) error {
	if _, err := w.ask(&messages.UndoRestore{JobId: "undo"}); err != nil {
		return err
	}
	w.ledger.restored = w.ledger.undo
	return nil
}

func oldOrUndone(w *world, before ledger) []int {
	if w.ledger.restored >= 0 {
		return []int{w.ledger.restored}
	}
	return []int{before.rows, before.undo}
}

func toFile(w *world) error {
	_, err := w.ask(&messages.RestoreBackup{Confirmed: true, ToFile: restored, JobId: "tofile"})
	return err
}

func checkpoint(w *world) error {
	_, err := w.ask(&messages.CheckpointNow{Mode: "truncate", Reason: "manual"})
	return err
}

func vacuum(w *world) error {
	_, err := w.ask(&messages.VacuumNow{Force: true, JobId: "vacuum"})
	return err
}

// settled lets Officer do what it does after a start.
func settled(*world) error {
	testkit.Advance(settling)
	return nil
}

// zeroPage is damage that SQLite's check finds, in the middle of the file.
func zeroPage(w *world) error {
	return w.alone(func(l *simfs.Life) error {
		info, err := l.Lstat(database)
		if err != nil {
			return err
		}
		page := int64(w.shape.pageSize)
		return overwrite(l, database, info.Size()/page/2*page, make([]byte, page))
	})
}

// zeroHeader is damage that keeps every new connection out.
func zeroHeader(w *world) error {
	return w.alone(func(l *simfs.Life) error { return overwrite(l, database, 0, make([]byte, 100)) })
}

func remove(w *world) error {
	return w.alone(func(l *simfs.Life) error { return l.Remove(database) })
}

func overwrite(l *simfs.Life, name string, off int64, p []byte) error {
	f, err := l.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(p, off)
	return errors.Join(err, f.Close())
}

// killedRestore is a restore that was killed while the live database was being written.
func killedRestore(w *world) error {
	nth := 3
	if w.shape.journal != "wal" {
		nth = 1
	}
	return w.killedAt(w.shape.struck(), database, nth)
}

// struck is the operation at which a restore is in its middle: in a rollback-journal mode
// its pages are written, and its journal is there.
func (s shape) struck() simfs.OpKind {
	if s.journal == "wal" {
		return simfs.OpWrite
	}
	return simfs.OpSync
}

// killedReset is one that was killed between emptying and filling a database whose header
// was destroyed.
func killedReset(w *world) error {
	if err := zeroHeader(w); err != nil {
		return err
	}
	// It is empty and durable after the first, and has its pages, which are rolled back, at the second.
	return w.killedAt(simfs.OpSync, database, 2)
}

// killedAt kills a restore at the nth operation of a kind on a file.
func (w *world) killedAt(kind simfs.OpKind, path string, nth int) error {
	at := simfs.Fault{Kind: simfs.Kill, On: "struck", At: nth}
	w.life = w.disk.Boot(simfs.Plan{ShmDir: w.shm, Stream: func(op simfs.Op) string {
		if op.Kind == kind && op.Path == path {
			return "struck"
		}
		return ""
	}})
	if err := w.start(); err != nil {
		return err
	}
	if err := w.commit(w.app); err != nil && !strings.Contains(err.Error(), "not a database") {
		return err
	}
	w.life.Arm(at)
	err := restore(w)
	w.ledger.restored = -1
	if dead := w.life.Dead(); err == nil || !dead {
		return fmt.Errorf("the restore was not killed (%v): %w", dead, err)
	}
	w.stop()
	return nil
}

// atMostOneMore: the commit that was not acknowledged may be there.
func atMostOneMore(w *world, _ ledger) []int { return []int{w.ledger.rows, w.ledger.rows + 1} }

// awhile lets Officer do by itself what it does after a start, with an app that commits.
func awhile(w *world) error {
	for range 4 {
		testkit.Advance(20 * time.Second)
		if err := w.commit(w.app); err != nil {
			return err
		}
	}
	return nil
}
