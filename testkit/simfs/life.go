package simfs

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"syscall"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/sqlite/fsvfs"
)

// Plan says what happens to a Life.
type Plan struct {
	Seed   uint64 // of what a fault leaves to chance
	Faults []Fault
	// Quiet names files whose operations are not numbered and never fail while the
	// process lives, say a log; nil = none.
	Quiet func(path string) bool
	// Stream divides the operations: each stream is numbered for itself. A program whose
	// parts work at the same time does the same in each of its streams at every run, but
	// not one after the other. nil = one stream, "".
	Stream func(op Op) string
	// Record keeps the operations for Ops.
	Record bool
	// ShmDir is a real folder for the shared memory of databases in WAL mode.
	ShmDir string
}

// Life is one process on a Disk: an fsx.FS, and by VFS also one of SQLite's. When it was
// killed every call fails and does nothing.
type Life struct {
	disk       *Disk
	plan       Plan
	name       string
	unregister func()

	// Guarded by the disk's mutex.
	dead   bool
	died   chan struct{}     // closed by the end
	counts map[string]int    // by stream
	hashes map[string]uint64 // by stream
	began  []bool            // which faults have struck, or would have at another operation
	struck []Fault
	ops    []Op
}

// errDead is what a killed process gets; it is not one of the errors that a disk gives.
var errDead = errors.New("simfs: the process was killed")

// Boot begins a Life.
func (d *Disk) Boot(p Plan) *Life {
	l := &Life{disk: d, plan: p, died: make(chan struct{})}
	l.arm(p.Faults)
	l.name = fmt.Sprintf("simfs-%p", l)
	l.unregister = fsvfs.Register(fsvfs.Config{Name: l.name, FS: l, ShmDir: p.ShmDir, TempDir: "/"})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lives = append(d.lives, l)
	return l
}

// VFS is the name under which SQLite knows the files of this Life.
func (l *Life) VFS() string { return l.name }

// End ends the process, after the last connection was closed. What it wrote stays.
func (l *Life) End() {
	l.Kill()
	l.unregister()
}

// Kill ends the process from outside.
func (l *Life) Kill() {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	l.die()
}

// Died is closed when the Life has ended, by whatever.
func (l *Life) Died() <-chan struct{} { return l.died }

func (l *Life) die() {
	l.gone()
	l.disk.lives = slices.DeleteFunc(l.disk.lives, func(other *Life) bool { return other == l })
}

func (l *Life) gone() {
	if !l.dead {
		l.dead = true
		close(l.died)
	}
}

// Dead tells whether it was killed.
func (l *Life) Dead() bool {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	return l.dead
}

// Struck gives the faults that have happened.
func (l *Life) Struck() []Fault {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	return slices.Clone(l.struck)
}

// Count is the number of operations so far, of all streams.
func (l *Life) Count() (n int) {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	for _, c := range l.counts {
		n += c
	}
	return n
}

// Ops gives the operations so far, when the Plan says Record.
func (l *Life) Ops() []Op {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	return slices.Clone(l.ops)
}

// Hash is of all operations so far, without what was written and without the order of two
// streams: two runs of one seed have the same.
func (l *Life) Hash() (sum uint64) {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	for _, h := range l.hashes {
		sum += h
	}
	return sum
}

// Arm sets other faults and begins to count anew: the next operation is number 1.
func (l *Life) Arm(faults ...Fault) {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	l.arm(faults)
}

func (l *Life) arm(faults []Fault) {
	l.plan.Faults, l.began = faults, make([]bool, len(faults))
	l.counts, l.hashes, l.struck, l.ops = map[string]int{}, map[string]uint64{}, nil, nil
}

// Well ends the faults that last: the disk was exchanged, somebody made room.
func (l *Life) Well() {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	l.plan.Faults, l.began = nil, nil
}

// Of FNV-1a with 64 bits.
const (
	fnvBasis = 14695981039346656037
	fnvPrime = 1099511628211
)

func (l *Life) note(op Op) {
	h := uint64(fnvBasis)
	for _, s := range []string{op.Stream, string(op.Kind), op.Path} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * fnvPrime
		}
		h = (h ^ ' ') * fnvPrime
	}
	h = ((h^uint64(op.Offset))*fnvPrime ^ uint64(op.Length)) * fnvPrime
	l.hashes[op.Stream] = (l.hashes[op.Stream] ^ h) * fnvPrime
	if l.plan.Record {
		l.ops = append(l.ops, op)
	}
}

// begin numbers an operation and tells what goes wrong with it: "" = nothing. The disk's
// mutex is held.
func (l *Life) begin(op Op) (Kind, error) {
	if l.dead {
		return Kill, errDead
	}
	if l.plan.Quiet != nil && l.plan.Quiet(op.Path) {
		return "", nil
	}
	if l.plan.Stream != nil {
		op.Stream = l.plan.Stream(op)
	}
	l.counts[op.Stream]++
	op.Number = l.counts[op.Stream]
	l.note(op)
	due := -1
	for i, f := range l.plan.Faults {
		// One that strikes just now comes before one that goes on.
		if f.due(op, l.began[i]) && (due < 0 || !l.began[i]) {
			due = i
		}
		l.began[i] = l.began[i] || f.On == op.Stream && f.At == op.Number
	}
	if due < 0 {
		return "", nil
	}
	f := l.plan.Faults[due]
	if !slices.Contains(l.struck, f) {
		l.struck = append(l.struck, f)
	}
	return f.Kind, l.strike(f.Kind)
}

// strike ends the process if it has to end and gives the error of the operation.
func (l *Life) strike(k Kind) error {
	switch k {
	case IOError, Broken, SyncFails:
		return syscall.EIO
	case Full, FullFrom, Short:
		return syscall.ENOSPC
	case Kill, PowerCut:
		l.die()
		return errDead
	}
	return nil
}

// ended does what a fault does after the operation it struck.
func (l *Life) ended(k Kind) {
	if k == PowerCut {
		l.disk.cut(l.plan.Seed)
	}
}

// chance is the same for the same operation of the same seed.
func (l *Life) chance() *rand.Rand {
	n := uint64(0)
	for _, c := range l.counts {
		n += uint64(c)
	}
	return rand.New(rand.NewPCG(l.plan.Seed, n))
}

// do runs an operation that is done or not done as a whole.
func (l *Life) do(op Op, f func() syscall.Errno) error {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	k, err := l.begin(op)
	if err != nil {
		if k == PowerCut && op.Kind != OpSyncDir { // it is among what was under way
			_ = f()
		}
		l.ended(k)
		return wrap(op, err)
	}
	if k == Lie || k == LieFrom {
		return nil
	}
	if errno := f(); errno != 0 {
		return wrap(op, errno)
	}
	return nil
}

func wrap(op Op, err error) error {
	return fsx.Wrap(string(op.Kind), &fs.PathError{Op: string(op.Kind), Path: op.Path, Err: err})
}
