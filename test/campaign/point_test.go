package campaign

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/officer-doofy/officer/testkit"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// point is one run: a protocol, a seed (which decides the shape of the database, how the
// life ends and what a power cut leaves), and a fault, or none.
type point struct {
	protocol string
	seed     uint64
	fault    simfs.Fault
}

// String is what OFFICER_FAULT takes: "backup/7/cut@backups:112".
func (p point) String() string {
	f := "none"
	if p.fault.Kind != "" {
		f = p.fault.String()
	}
	return fmt.Sprintf("%s/%d/%s", p.protocol, p.seed, f)
}

func parsePoint(s string) (p point, err error) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 {
		return p, fmt.Errorf("%q is no point; one is backup/7/cut@backups:112", s)
	}
	p.protocol = parts[0]
	if p.seed, err = strconv.ParseUint(parts[1], 10, 64); err == nil && parts[2] != "none" {
		p.fault, err = simfs.ParseFault(parts[2])
	}
	return p, err
}

// base is a disk with a past, from which every point of a protocol and shape begins.
type base struct {
	disk    *simfs.Disk
	ledger  ledger
	elapsed time.Duration
	ops     []simfs.Op // of the protocol without a fault
}

// bases makes each base once.
type bases struct {
	mu   sync.Mutex
	made map[string]*base
	shm  string
}

func (b *bases) of(t *testing.T, p protocol, s shape) *base {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := fmt.Sprint(p.name, s)
	if got := b.made[key]; got != nil {
		return got
	}
	made := &base{}
	b.made[key] = made
	if p.direct != nil {
		disk, err := buildDirect(t, b.shm, p, s)
		if err != nil {
			t.Fatalf("%s on %v: the past: %v", p.name, s, err)
		}
		made.disk = disk
	} else {
		b.live(t, p, s, made)
	}
	clean := run(t, b.shm, p, made, point{protocol: p.name, seed: shapeSeed(s)}, nil)
	if len(clean.wrong) > 0 {
		t.Fatalf("%s on %v without a fault: %q", p.name, s, clean.wrong)
	}
	made.ops = clean.ops
	return made
}

// live makes the past of a protocol by letting Officer live it.
func (b *bases) live(t *testing.T, p protocol, s shape, made *base) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		w := &world{ctx: t.Context(), shm: b.shm, shape: s, passive: true, record: true, disk: simfs.New(0),
			ledger: ledger{backups: map[string]int{}, restored: -1}}
		if err := w.create(); err != nil {
			t.Fatalf("%s: create: %v", p.name, err)
		}
		if p.build != nil {
			err := w.boot(0)
			if err == nil {
				err = p.build(w)
			}
			if err != nil {
				t.Fatalf("%s: the past: %v", p.name, err)
			}
			w.stop()
		}
		if p.harm != nil {
			if err := p.harm(w); err != nil {
				t.Fatalf("%s: the harm: %v", p.name, err)
			}
		}
		w.disk.SyncAll()
		w.ledger.good = len(w.ledger.backups)
		*made = base{disk: w.disk, ledger: w.ledger, elapsed: time.Since(began)}
	})
}

func shapeOf(seed uint64) shape { return shapes()[seed%uint64(len(shapes()))] }

func shapeSeed(s shape) uint64 {
	for i, other := range shapes() {
		if s == other {
			return uint64(i)
		}
	}
	return 0
}

// result is what became of a point.
type result struct {
	struck bool
	wrong  []string
	ops    []simfs.Op
	hash   uint64
	answer error
}

// run carries a point out: a life with the fault, its end, and the next life.
func run(t *testing.T, shm string, p protocol, b *base, at point, log *lines) (r result) {
	if p.direct != nil {
		return runDirect(t, shm, p, b, at)
	}
	synctest.Test(t, func(t *testing.T) {
		w := &world{ctx: t.Context(), shm: shm, shape: shapeOf(at.seed), passive: !p.active, record: true,
			rng: rand.New(rand.NewPCG(at.seed, 0x666175)), disk: b.disk.Clone(), ledger: b.ledger.clone(), log: log}
		testkit.Advance(b.elapsed + time.Hour)
		before := w.struck(t, p, at, &r)
		w.end(at)
		w.next(p, before, at)
		r.wrong = w.wrong
	})
	return r
}

// struck is the life with the fault. It gives what was known when the fault began.
func (w *world) struck(t *testing.T, p protocol, at point, r *result) (before ledger) {
	var faults []simfs.Fault
	if at.fault.Kind != "" {
		faults = append(faults, at.fault)
	}
	var err error
	if p.booting {
		before = w.ledger.clone()
		err = w.boot(at.seed, faults...)
		r.answer = err
	} else if err = w.boot(at.seed); err != nil {
		t.Fatalf("%s: start: %v", at, err)
	}
	if err == nil && p.prime != nil {
		if err := p.prime(w); err != nil && !p.booting {
			t.Fatalf("%s: before the fault: %v", at, err)
		}
	}
	if !p.booting {
		synctest.Wait()
		before = w.ledger.clone()
		w.life.Arm(faults...)
	}
	if err == nil {
		r.answer = p.act(w)
	}
	synctest.Wait()
	r.ops, r.hash, r.struck = w.life.Ops(), w.life.Hash(), len(w.life.Struck()) > 0
	return before
}

// end ends the first life: as it wants to, by a kill, or by a power cut before or after.
func (w *world) end(at point) {
	cut := w.rng.IntN(2) == 0 || at.fault.Kind == simfs.Lie || at.fault.Kind == simfs.LieFrom
	if w.rng.IntN(2) == 0 {
		w.life.Well()
	}
	switch {
	case w.life.Dead():
		cut = false
	case cut && w.rng.IntN(2) == 0:
		w.disk.PowerCut(at.seed)
		cut = false
	case w.rng.IntN(3) == 0:
		w.life.Kill()
	}
	w.stop()
	if cut {
		w.disk.PowerCut(at.seed)
	}
}
