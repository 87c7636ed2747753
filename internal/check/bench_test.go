package check_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/page"
)

// crew works with goroutines.
type crew int

func (c crew) Workers() int { return int(c) }

func (c crew) Each(workers, units int, do func(worker, unit int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for {
				unit := int(next.Add(1)) - 1
				if unit >= units {
					return
				}
				do(worker, unit)
			}
		})
	}
	wg.Wait()
}

// open gives the pages of a database file.
func open(t testing.TB, path string) check.Database {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	file, err := page.OpenFile(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	return check.Database{Pages: file, Header: file.Header, Geometry: file.Geometry}
}

// BenchmarkVerify checks the database file that OFFICER_BENCH_DB names.
func BenchmarkVerify(b *testing.B) {
	path := os.Getenv("OFFICER_BENCH_DB")
	if path == "" {
		b.Skip("OFFICER_BENCH_DB names no database file")
	}
	for name, o := range map[string]check.Options{
		"1":       {},
		"2":       {Crew: crew(2)},
		"2digest": {Crew: crew(2), Digest: true},
	} {
		b.Run(name, func(b *testing.B) {
			db := open(b, path)
			b.SetBytes(int64(db.Geometry.Count) * int64(db.Geometry.PageSize))
			b.ReportAllocs()
			for b.Loop() {
				out, err := check.Verify(context.Background(), db, o)
				if err != nil || out.Verdict != check.OK {
					b.Fatal(errors.Join(err, errors.New(string(out.Verdict))), out.Findings, out.Unjudged)
				}
			}
		})
	}
}
