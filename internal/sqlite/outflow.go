package sqlite

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"
)

// besideMin is the size of a copy below which nothing is gained by reading on while what
// was read is written; and a run with a fault at its nth operation can be repeated.
const besideMin = 8 << 20

// outflow takes bursts to where they belong, in order: they are written and, if their
// SHA-256 is wanted, hashed, each beside the reading of the next ones. So a copy takes as
// long as the slowest of the three.
type outflow struct {
	put    func(p []byte, off int64) error
	free   chan []byte
	writes chan piece  // nil: the caller writes
	hashes chan []byte // nil: nobody wants the sum
	failed chan error
	sum    hash.Hash
	writer sync.WaitGroup
	hasher sync.WaitGroup
	over   bool
}

type piece struct {
	p   []byte
	off int64
}

// startOutflow begins; beside has put called in a goroutine of its own.
func startOutflow(put func(p []byte, off int64) error, beside, hashed bool) *outflow {
	buffers := 1
	o := &outflow{put: put, failed: make(chan error, 1)}
	if hashed {
		buffers += hashAhead
		o.sum, o.hashes = sha256.New(), make(chan []byte, hashAhead)
		o.hasher.Go(o.hash)
	}
	if beside {
		buffers += writeAhead + 1
		o.writes = make(chan piece, writeAhead)
		o.writer.Go(o.write)
	}
	o.free = make(chan []byte, buffers)
	for range buffers {
		o.free <- nil
	}
	return o
}

func (o *outflow) hash() {
	for p := range o.hashes {
		o.sum.Write(p)
		o.free <- p
	}
}

// write puts what comes until that fails, and passes the rest by.
func (o *outflow) write() {
	var err error
	for w := range o.writes {
		if err != nil {
			o.free <- w.p
		} else if err = o.pass(w); err != nil {
			o.failed <- err
			o.free <- w.p
		}
	}
}

func (o *outflow) pass(w piece) error {
	if err := o.put(w.p, w.off); err != nil {
		return err
	}
	if o.hashes != nil {
		o.hashes <- w.p
	} else {
		o.free <- w.p
	}
	return nil
}

// buffer waits for room.
func (o *outflow) buffer(n int64) []byte {
	p := <-o.free
	if int64(cap(p)) < n {
		p = make([]byte, n)
	}
	return p[:n]
}

// feed hands on a buffer; an error may be that of an earlier one.
func (o *outflow) feed(p []byte, off int64) error {
	if o.writes == nil {
		return o.pass(piece{p, off})
	}
	select {
	case err := <-o.failed:
		return err
	case o.writes <- piece{p, off}:
		return nil
	}
}

// end waits until all is written and hashed; the sum is "" if nobody wanted it. After an
// error, and when it is called again, it only waits.
func (o *outflow) end() (sum string, err error) {
	if o.over {
		return "", nil
	}
	o.over = true
	if o.writes != nil {
		close(o.writes)
		o.writer.Wait()
	}
	if o.hashes != nil {
		close(o.hashes)
		o.hasher.Wait()
		sum = hex.EncodeToString(o.sum.Sum(nil))
	}
	select {
	case err = <-o.failed:
	default:
	}
	return sum, err
}
