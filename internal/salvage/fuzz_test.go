package salvage_test

import (
	"bytes"
	"os"
	"runtime"
	"testing"

	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/testkit"
)

// taker takes everything and holds the salvage to what a sink may expect.
type taker struct {
	t    *testing.T
	plan *salvage.Plan
	rows int
}

func (k *taker) Begin(p *salvage.Plan) error {
	k.plan = p
	return nil
}

func (k *taker) Row(r *salvage.Row) (salvage.Outcome, error) {
	k.rows++
	if r.Table >= len(k.plan.Tables) {
		k.t.Errorf("row of table %d, there are %d", r.Table, len(k.plan.Tables))
	}
	if got, most := len(r.Values), len(k.plan.Tables[r.Table].Def.Stored); got == 0 || got > most {
		k.t.Errorf("a row of %d values, the table has %d", got, most)
	}
	return salvage.Taken, nil
}

func (k *taker) Stray(*salvage.Stray) error { return nil }

// hostileBytes is what a salvage may take of memory, whatever is in the files: all that it allocates is counted, so what it
// held at any time was less.
const hostileBytes = 64 << 20

// Whatever is in the files, a salvage ends, without a panic, in bounded time and memory.
func FuzzRun(f *testing.F) {
	dir := f.TempDir()
	for _, kind := range []testkit.Kind{testkit.Page512, testkit.WALPending, testkit.WithoutRowid, testkit.AutoVacuumFull, testkit.UTF16be, testkit.Autoincrement} {
		path := testkit.Build(f, dir, kind)
		file, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		log, _ := os.ReadFile(path + "-wal")
		f.Add(file, log, uint32(0), byte(0))
		f.Add(file, log, uint32(105), byte(3))
		f.Add(file, log, uint32(4099), byte(1))
		f.Add(file[:len(file)/2], log, uint32(20), byte(9))
	}
	f.Fuzz(func(t *testing.T, file, log []byte, at uint32, mask byte) {
		file = bytes.Clone(file)
		for i := int(at); i < len(file); i += 1 + int(at)%4093 {
			file[i] ^= mask
		}
		src := salvage.Source{File: bytes.NewReader(file), FileBytes: int64(len(file))}
		if len(log) > 0 {
			src.WAL, src.WALBytes = bytes.NewReader(log), int64(len(log))
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		k := &taker{t: t}
		if _, err := salvage.Run(src, salvage.Options{Base: &src}, k); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > hostileBytes {
			t.Errorf("a file of %d and a log of %d bytes took %d bytes of memory", len(file), len(log), took)
		}
	})
}
