package campaign

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// What TestYears and TestDays are told by the environment, beside the seed.
const (
	yearsVariable = "OFFICER_FAULTY_YEARS" // how many seeds with calm settings
	yearsDefault  = 2
	daysVariable  = "OFFICER_FAULTY_DAYS" // how long each of them is
	daysDefault   = 40
	asSetVariable = "OFFICER_FAULTY_DEFAULTS" // how many seeds with the default settings
	asSetDefault  = 1
	asSetDaysOf   = "OFFICER_FAULTY_DEFAULT_DAYS" // how long each of them is
	asSetDays     = 4

	greenWithin = time.Hour // virtual, after the disk is well again
	savedAfter  = time.Hour // after the period until a backup of what the app wrote last is verified, unasked
)

// TestYears_faultsThenGreenAgain: the whole Officer and an app on a disk that fails, is
// full, is killed and loses its power at seeded times for a year (safety: nothing
// acknowledged is lost, what is called verified verifies), and then is well (liveness:
// everything is green within an hour, and backups go on by themselves).
func TestYears_faultsThenGreenAgain(t *testing.T) {
	live(t, "TestYears", number(t, yearsVariable, yearsDefault), daysVariable, number(t, daysVariable, daysDefault), calmOf)
}

// TestDays_faultsThenGreenAgain is the same with the settings that nobody changed, under
// which every second of the year is looked at.
func TestDays_faultsThenGreenAgain(t *testing.T) {
	live(t, "TestDays", number(t, asSetVariable, asSetDefault), asSetDaysOf, number(t, asSetDaysOf, asSetDays),
		func(uint64) settings { return asInstalled() })
}

// TestYears_sameSeedSameRun: a run is repeated by its seed: the same lives, which end at the
// same moments and leave the same backups, to the byte. (Parts that work at one instant take
// turns on the disk as the scheduler has it.)
func TestYears_sameSeedSameRun(t *testing.T) {
	shm := t.TempDir()
	for seed := range uint64(2) {
		a, b := lived(t, shm, seed, daysDefault, calmOf(seed)), lived(t, shm, seed, daysDefault, calmOf(seed))
		for i := range max(len(a.past), len(b.past)) {
			if i >= len(a.past) || i >= len(b.past) || a.past[i] != b.past[i] {
				t.Errorf("seed %d: life %d left\n%s\nthen\n%s", seed, i, a.past[i:min(i+1, len(a.past))], b.past[i:min(i+1, len(b.past))])
				break
			}
		}
	}
}

func live(t *testing.T, test string, seeds int, daysOf string, days int, settingsOf func(seed uint64) settings) {
	first, shm := number(t, seedVariable, 1), t.TempDir()
	jobs := make(chan uint64, seeds)
	for i := range seeds {
		jobs <- uint64(first + i)
	}
	close(jobs)
	sum, began := &faulty{}, time.Now()
	var mu sync.Mutex
	t.Run("workers", func(t *testing.T) {
		for i := range min(seeds, runtime.GOMAXPROCS(0)) {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				for seed := range jobs {
					y := lived(t, shm, seed, days, settingsOf(seed))
					for _, wrong := range y.w.wrong {
						t.Error(wrong)
					}
					if len(y.w.wrong) > 0 {
						t.Logf("seed %d, %s; repeat it: %s=%d %s=%d go test -v -run '%s_faults' ./test/campaign", seed, y, seedVariable, seed, daysOf, days, test)
					}
					mu.Lock()
					sum.add(y)
					mu.Unlock()
				}
			})
		}
	})
	t.Logf("%d violations in %d × %d days: %s; in %v", len(sum.w.wrong), seeds, days, sum, time.Since(began).Round(time.Millisecond))
}

// lived is one machine for so many days, and until it is well again.
func lived(t *testing.T, shm string, seed uint64, days int, set settings) *faulty {
	y := &faulty{seed: seed}
	synctest.Test(t, func(t *testing.T) {
		y.w = &world{ctx: t.Context(), shm: shm, shape: shapeOf(seed), settings: set, disk: simfs.New(0), rng: rand.New(rand.NewPCG(seed, 0x79656172)),
			ledger: ledger{backups: map[string]int{}, restored: -1}}
		if err := y.w.create(); err != nil {
			t.Fatal(err)
		}
		y.w.disk.SyncAll()
		y.live(time.Duration(days) * day)
		y.heal()
	})
	return y
}

// faulty is one machine on a bad disk.
type faulty struct {
	w    *world
	seed uint64
	past []string // what each life left

	commits, refused, faults, struck, crashes, deaths, starts, failedStarts int
	well                                                                    time.Duration // virtual, until a disk that lasts to be bad is well
	green, saved                                                            time.Duration // virtual, after the disk was well for good
}

// String counts what happened.
func (y *faulty) String() string {
	return fmt.Sprintf("%d commits, %d refused, %d faults of which %d struck, %d parts that panic, %d deaths, %d starts of which %d failed; green after %v, backed up after %v",
		y.commits, y.refused, y.faults, y.struck, y.crashes, y.deaths, y.starts, y.failedStarts, y.green, y.saved)
}

// add takes the counts of another, and the longest times.
func (y *faulty) add(other *faulty) {
	if y.w == nil {
		y.w = &world{}
	}
	y.w.wrong = append(y.w.wrong, other.w.wrong...)
	y.commits, y.refused, y.crashes = y.commits+other.commits, y.refused+other.refused, y.crashes+other.crashes
	y.faults, y.struck = y.faults+other.faults, y.struck+other.struck
	y.deaths, y.starts, y.failedStarts = y.deaths+other.deaths, y.starts+other.starts, y.failedStarts+other.failedStarts
	y.green, y.saved = max(y.green, other.green), max(y.saved, other.saved)
}

// live is the safety phase.
func (y *faulty) live(span time.Duration) {
	rng, set, began := y.w.rng, y.w.settings, time.Now()
	for time.Since(began) < span {
		if y.w.running == nil {
			y.start()
		}
		next := time.Now().Add(set.step)
		if y.w.running != nil && rng.IntN(set.troubles) == 0 {
			y.trouble()
		}
		for range rng.IntN(3) {
			y.commit()
			y.pass(time.Duration(rng.IntN(90)) * time.Minute)
		}
		if y.well > 0 && y.w.running != nil {
			wait := min(y.well, max(0, time.Until(next)))
			y.pass(wait)
			if y.well -= wait; y.well <= 0 {
				y.w.life.Well()
			}
		}
		y.pass(time.Until(next))
		switch {
		case y.w.running == nil:
		case y.w.life.Dead():
			y.deaths++
			y.end()
		case rng.IntN(set.stops) == 0:
			y.end()
			testkit.Advance(time.Duration(max(0, rng.IntN(20)-10)) * day) // the machine is off: its clock jumps
		}
	}
}

// pass lets time go by, until the life ends: who looks after Officer starts it again.
func (y *faulty) pass(d time.Duration) {
	if y.w.running == nil {
		testkit.Advance(d)
		return
	}
	left := time.NewTimer(d)
	defer left.Stop()
	select {
	case <-left.C:
	case <-y.w.life.Died():
	}
	synctest.Wait()
}

// trouble arms one fault that comes some operations later.
func (y *faulty) trouble() {
	kinds := slices.DeleteFunc(shares(), func(k simfs.Kind) bool { return k == simfs.Lie || k == simfs.LieFrom })
	streams := []string{"db", "db", "journal", "backups", "backups", "notes", "home", "quarantine"}
	kind := kinds[y.w.rng.IntN(len(kinds))]
	if y.w.rng.IntN(8) == 0 {
		y.w.fuse.Store(int64(1 + y.w.rng.IntN(60)))
		y.crashes++
		return
	}
	y.struck += len(y.w.life.Struck())
	y.faults++
	y.w.life.Arm(simfs.Fault{Kind: kind, On: streams[y.w.rng.IntN(len(streams))], At: 1 + y.w.rng.IntN(1+y.w.rng.IntN(150))})
	if kind == simfs.Broken || kind == simfs.FullFrom {
		y.well = time.Duration(1+y.w.rng.IntN(1+y.w.rng.IntN(48))) * time.Hour
	}
}

func (y *faulty) start() {
	y.starts++
	y.w.fuse.Store(0)
	if err := y.w.boot(y.seed + uint64(y.starts)); err != nil {
		y.failedStarts++
		y.end()
		return
	}
	testkit.Advance(settling)
}

// end ends a life and looks at the disk before the next one (P2).
func (y *faulty) end() {
	y.struck += len(y.w.life.Struck())
	y.w.stop()
	y.well = 0
	y.w.raw(false)
	y.held("between two lives")
	y.note()
}

// note keeps what a life left: the moment of its end, what was acknowledged, and every backup.
func (y *faulty) note() {
	line := fmt.Sprintf("%s: %d rows, %s;", time.Now().Format(time.DateTime), y.w.ledger.rows, y)
	_ = y.w.alone(func(l *simfs.Life) error {
		m, _ := y.w.manifest(l)
		for _, e := range m.Entries {
			line += fmt.Sprintf(" %s %s %s %.8s", e.ID, e.Tier, e.Verdict, e.SHA256)
		}
		return nil
	})
	y.past = append(y.past, line)
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
	y.w.fuse.Store(0)
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
	for y.backedUp() < rows && time.Since(began) < y.w.settings.every()+savedAfter {
		testkit.Advance(y.w.settings.every() / 50)
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
	y.note()
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
