package campaign

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// What TestYears is told by the environment, beside the seed.
const (
	yearsVariable = "OFFICER_FAULTY_YEARS" // how many
	yearsDefault  = 2
	daysVariable  = "OFFICER_FAULTY_DAYS" // how long each is
	daysDefault   = 6

	greenWithin = time.Hour      // virtual, after the disk is well again
	savedWithin = 25 * time.Hour // until a backup of what the app wrote last is verified, unasked
)

// TestYears_faultsThenGreenAgain: the whole Officer and an app on a disk that fails, is
// full, is killed and loses its power at seeded times for weeks (safety: nothing
// acknowledged is lost, what is called verified verifies), and then is well (liveness:
// everything is green within an hour, and backups go on by themselves).
func TestYears_faultsThenGreenAgain(t *testing.T) {
	years, days, first := number(t, yearsVariable, yearsDefault), number(t, daysVariable, daysDefault), number(t, seedVariable, 1)
	shm := t.TempDir()
	for i := range years {
		seed := uint64(first + i)
		t.Run("seed "+strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			y, began := &faulty{}, time.Now()
			synctest.Test(t, func(t *testing.T) {
				y.w = &world{ctx: t.Context(), shm: shm, shape: shapeOf(seed), disk: simfs.New(0), rng: rand.New(rand.NewPCG(seed, 0x79656172)),
					ledger: ledger{backups: map[string]int{}, restored: -1}}
				y.seed = seed
				if err := y.w.create(); err != nil {
					t.Fatal(err)
				}
				y.w.disk.SyncAll()
				y.live(days)
				y.heal()
			})
			t.Logf("%v, %d days: %s; in %v", y.w.shape, days, y, time.Since(began).Round(time.Millisecond))
			for _, wrong := range y.w.wrong {
				t.Error(wrong)
			}
			if t.Failed() {
				t.Logf("repeat it: %s=%d %s=1 %s=%d go test -v -run TestYears ./test/campaign", seedVariable, seed, yearsVariable, daysVariable, days)
			}
		})
	}
}

// faulty is one machine on a bad disk.
type faulty struct {
	w    *world
	seed uint64

	commits, refused, faults, deaths, starts, failedStarts int
	well                                                   time.Duration // virtual, until a disk that lasts to be bad is well
	green, saved                                           time.Duration // virtual, after the disk was well for good
}

// String counts what happened.
func (y *faulty) String() string {
	return fmt.Sprintf("%d commits, %d refused, %d faults, %d deaths, %d starts of which %d failed; green after %v, backed up after %v",
		y.commits, y.refused, y.faults, y.deaths, y.starts, y.failedStarts, y.green, y.saved)
}

// live is the safety phase.
func (y *faulty) live(days int) {
	rng := y.w.rng
	for range days * 4 { // quarters of a day
		if y.w.running == nil {
			y.start()
		}
		if y.w.running != nil && rng.IntN(4) == 0 {
			y.trouble()
		}
		for range rng.IntN(3) {
			y.commit()
			testkit.Advance(time.Duration(rng.IntN(90)) * time.Minute)
		}
		testkit.Advance(3 * time.Hour)
		if y.well > 0 {
			if y.well -= 6 * time.Hour; y.well <= 0 && y.w.running != nil {
				y.w.life.Well()
			}
		}
		switch {
		case y.w.running == nil:
		case y.w.life.Dead():
			y.deaths++
			y.end()
		case rng.IntN(24) == 0:
			y.end()
		}
	}
}

// trouble arms one fault that comes some operations later.
func (y *faulty) trouble() {
	kinds := slices.DeleteFunc(shares(), func(k simfs.Kind) bool { return k == simfs.Lie || k == simfs.LieFrom })
	streams := []string{"db", "db", "journal", "backups", "backups", "notes", "home", "quarantine"}
	kind := kinds[y.w.rng.IntN(len(kinds))]
	y.w.life.Arm(simfs.Fault{Kind: kind, On: streams[y.w.rng.IntN(len(streams))], At: 1 + y.w.rng.IntN(1+y.w.rng.IntN(150))})
	y.faults++
	if kind == simfs.Broken || kind == simfs.FullFrom {
		y.well = time.Duration(1+y.w.rng.IntN(48)) * time.Hour
	}
}

func (y *faulty) start() {
	y.starts++
	if err := y.w.boot(y.seed + uint64(y.starts)); err != nil {
		y.failedStarts++
		y.end()
		return
	}
	testkit.Advance(settling)
}

// end ends a life and looks at the disk before the next one (P2).
func (y *faulty) end() {
	y.w.stop()
	y.well = 0
	y.w.raw(false)
	y.held("between two lives")
}

// commit is one of the app's; while the disk is bad it may be refused.
func (y *faulty) commit() {
	if y.w.running == nil {
		return
	}
	ctx, cancel := context.WithTimeout(y.w.ctx, time.Minute)
	defer cancel()
	was := y.w.ctx
	y.w.ctx = ctx
	err := y.w.commit(y.w.app)
	y.w.ctx = was
	if err != nil {
		y.refused++
		return
	}
	y.commits++
}

// held: what was acknowledged is there, and the database is whole (P4, P6).
func (y *faulty) held(when string) {
	err := y.w.alone(func(l *simfs.Life) error {
		db, err := y.w.connect(l)
		if err != nil {
			return err
		}
		rows, err := rowsIn(y.w.ctx, db)
		if err == nil && (rows < y.w.ledger.rows || rows > y.w.ledger.rows+1) {
			err = fmt.Errorf("%d commits are there, %d were acknowledged", rows, y.w.ledger.rows)
		}
		if err == nil {
			y.w.ledger.rows = rows // one that was not acknowledged is there for good now
		}
		return errors.Join(err, db.Close())
	})
	if err != nil {
		y.w.bad("P4: %s %s: %v", time.Now().Format(time.DateTime), when, err)
	}
}

// heal is the liveness phase: the disk is well, nothing is ordered, and Officer has to come
// back to what it promises.
func (y *faulty) heal() {
	if y.w.running != nil {
		y.w.life.Well()
	} else {
		y.start()
	}
	if y.w.life.Dead() {
		y.end()
		y.start()
	}
	if y.w.running == nil {
		y.w.bad("P7: on a disk that is well Officer does not start")
		return
	}
	began := time.Now()
	for !y.isGreen(false) && time.Since(began) < greenWithin {
		y.commit() // what it said of slow statements ends with fast ones
		testkit.Advance(time.Minute)
	}
	y.green = time.Since(began)
	y.isGreen(true)
	y.commit()
	rows := y.w.ledger.rows
	for y.backedUp() < rows && time.Since(began) < savedWithin {
		testkit.Advance(10 * time.Minute)
	}
	y.saved = time.Since(began)
	if got := y.backedUp(); got < rows {
		y.w.bad("P3: %v after the disk was well the newest verified backup holds %d of %d commits", y.saved, got, rows)
	}
	if err := verifyAll(y.w); err != nil {
		y.w.bad("P1: not all backups verify: %v", err)
	}
	y.w.stop()
	y.w.raw(false)
	y.held("at the end")
}

// isGreen tells whether nothing is wrong and every part runs; told says what is.
func (y *faulty) isGreen(told bool) bool {
	answer, err := y.w.ask(&messages.GetStatus{})
	if err != nil {
		if told {
			y.w.bad("P11: no status: %v", err)
		}
		return false
	}
	st, green := answer.(*messages.Status), true
	for _, a := range st.Actors {
		if a.State != "running" {
			green = false
			if told {
				y.w.bad("P11: %s is %s: %s", a.Name, a.State, a.LastFailure)
			}
		}
	}
	for _, c := range st.Health.GetConditions() {
		green = false
		if told {
			y.w.bad("P7: %v after the disk was well: %s: %s", y.green, c.GetCode(), c.GetText())
		}
	}
	return green
}

// backedUp gives the commits in the newest verified backup.
func (y *faulty) backedUp() int {
	m, _ := y.w.manifest(y.w.life)
	rows := -1
	for _, e := range m.Entries {
		if e.Verdict == manifest.Verified {
			rows = max(rows, rowsOf(e))
		}
	}
	return rows
}
