package sqlite

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/page"
)

const (
	// crewMax bounds the memory of a check: each worker takes about a megabyte, and two
	// bits for each page.
	crewMax = 8
	// crewPagesMin is the size of a database below which one worker is done before others
	// have started.
	crewPagesMin = 512
	// progressPages is how many pages are read between two words about it.
	progressPages = 2048
	// turnPages is how many pages are read until others get their turn: a tenth of a millisecond.
	turnPages = 32
)

// crew runs the units of a check on so many goroutines.
type crew int

// crewFor gives the crew for a database of so many pages; alone leaves the other
// processors to the app.
func crewFor(pages uint32, alone bool) check.Crew {
	if n := min(runtime.GOMAXPROCS(0), crewMax); !alone && n > 1 && pages >= crewPagesMin {
		return crew(n)
	}
	return check.Alone{}
}

// Workers is how many units run at once.
func (c crew) Workers() int { return int(c) }

// Each runs all units, and panics here if one did elsewhere.
func (crew) Each(workers, units int, do func(worker, unit int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	panics := make(chan any, workers)
	for w := range workers {
		wg.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					panics <- r
				}
			}()
			for u := int(next.Add(1)) - 1; u < units; u = int(next.Add(1)) - 1 {
				do(w, u)
			}
		})
	}
	wg.Wait()
	select {
	case r := <-panics:
		panic(r)
	default:
	}
}

// countedPages are pages that tell how many of them were read, and see to it that whoever waits
// for a processor meanwhile gets it soon and not after a whole slice of time: what reads
// a copy back beside its check would let the device rest.
type countedPages struct {
	of interface {
		page.Pages
		page.Runs
	}
	size  int // bytes of a page
	total int64
	tell  func(done, total int64) // nil: nobody listens

	read atomic.Int64
	turn sync.Mutex // whoever reads meanwhile does not wait to tell
}

func (c *countedPages) ReadPage(n uint32, into []byte) error {
	c.count(1)
	return c.of.ReadPage(n, into)
}

func (c *countedPages) ReadRun(n uint32, into []byte) error {
	err := c.of.ReadRun(n, into)
	if err == nil { // else the pages are read one by one
		c.count(int64(len(into) / c.size))
	}
	return err
}

func (c *countedPages) count(pages int64) {
	now := c.read.Add(pages)
	if now/turnPages != (now-pages)/turnPages {
		runtime.Gosched()
	}
	if now/progressPages == (now-pages)/progressPages || c.tell == nil || !c.turn.TryLock() {
		return
	}
	defer c.turn.Unlock()
	c.tell(min(now, c.total), c.total)
}
