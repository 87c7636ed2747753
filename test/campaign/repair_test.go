package campaign

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// repair recovers the damaged database in place; nothing that was acknowledged may be
// missing afterwards, for what the protocols damage can be proven or lent exactly.
func repair(w *world) error {
	_, err := w.ask(&messages.RepairDatabase{Confirmed: true, JobId: "repair"})
	return err
}

// newer is a past with commits that no backup has.
func newer(w *world) error { return errors.Join(past(2)(w), commits(3)(w)) }

// mend repairs what is still damaged, as the condition says one should.
func (w *world) mend() []int {
	if _, err := rowsIn(w.ctx, w.app); err != nil {
		if err := repair(w); err != nil {
			w.bad("P7: the damaged database cannot be repaired: %v", err)
		}
		w.hangUp()
		var err error
		if w.app, err = w.running.Handle(""); err != nil {
			w.bad("P7: no handle: %v", err)
		}
		w.app.SetMaxOpenConns(1)
		testkit.Advance(settling)
	}
	return []int{w.ledger.rows}
}

// zeroRoot is damage to the root page of a table or index.
func zeroRoot(name string) func(*world) error {
	return func(w *world) error { return w.zero(name, false) }
}

// zeroLeaf is damage to its first leaf page.
func zeroLeaf(name string) func(*world) error {
	return func(w *world) error { return w.zero(name, true) }
}

func (w *world) zero(name string, leaf bool) error {
	return w.alone(func(l *simfs.Life) error {
		db, err := w.connect(l)
		if err != nil {
			return err
		}
		var root int64
		err = db.QueryRowContext(w.ctx, "select rootpage from sqlite_schema where name=?", name).Scan(&root)
		if err := errors.Join(err, db.Close()); err != nil {
			return err
		}
		f, err := l.Open(database)
		if err != nil {
			return err
		}
		defer f.Close()
		size := int64(w.shape.pageSize)
		b := make([]byte, size)
		for {
			if _, err := f.ReadAt(b, (root-1)*size); err != nil {
				return err
			}
			if !leaf || b[0] > 5 { // https://sqlite.org/fileformat2.html#b_tree_pages
				break
			}
			root = int64(binary.BigEndian.Uint32(b[binary.BigEndian.Uint16(b[12:]):]))
		}
		return overwrite(l, database, (root-1)*size, make([]byte, size))
	})
}

// killedRepair is a repair that was killed while its candidate was written into the
// database, after the app had committed once more.
func killedRepair(w *world) error {
	if err := zeroLeaf("stone")(w); err != nil {
		return err
	}
	at := simfs.Fault{Kind: simfs.Kill, On: "struck", At: 9}
	if w.shape.journal != "wal" {
		at.At = 1 // pages beside each other are one write
	}
	w.life = w.disk.Boot(simfs.Plan{ShmDir: w.shm, Stream: func(op simfs.Op) string {
		if op.Kind == w.shape.struck() && (op.Path == database || op.Path == database+"-wal") {
			return "struck"
		}
		return ""
	}})
	if err := w.start(); err != nil {
		return err
	}
	if err := w.commit(w.app); err != nil {
		return err
	}
	w.life.Arm(at)
	err := repair(w)
	if dead := w.life.Dead(); err == nil || !dead {
		return fmt.Errorf("the repair was not killed (%v): %w", dead, err)
	}
	w.stop()
	return nil
}
