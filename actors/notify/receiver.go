package notify

import (
	"fmt"
	"time"

	"github.com/officer-doofy/officer/internal/notice"
)

// receiver is a target with what waits for it. It outlives a restart of the actor.
type receiver struct {
	Target
	gate    notice.Gate
	queue   []notice.Note
	busy    bool
	sending notice.Note // the one that is under way
	tried   int
	failing bool
	newest  *notice.Note // the present picture; nil when the receiver does not want it
	has     string       // key of the picture that was delivered last
	owed    func()       // stops the wait for the next offer of the newest; nil = none
}

// see takes a picture that is the present one from now on.
func (r *receiver) see(n notice.Note) {
	r.settle()
	r.newest = nil
	switch {
	case r.Pings:
	case r.Filter.Wants(n):
		r.newest = &n
	default:
		r.has = "" // what it was told is over: should it come back, that is news
	}
}

// settle ends the wait for the next offer.
func (r *receiver) settle() {
	if r.owed != nil {
		r.owed()
		r.owed = nil
	}
}

// shown is the key of the picture that the receiver has once it got what waits for it.
func (r *receiver) shown() string {
	key := r.has
	for _, n := range r.queue {
		if n.Type == healthChanged {
			key = n.Key
		}
	}
	return key
}

// misses tells whether the receiver would go on without the present picture.
func (r *receiver) misses() bool {
	return r.newest != nil && r.newest.Key != r.shown()
}

// passes decides for one receiver. Pings are no news and pass always; of them only the
// newest counts.
func (r *receiver) passes(n notice.Note, now time.Time) (notice.Note, bool) {
	if r.Pings {
		if n.Ping != notice.NoPing && !r.busy {
			r.queue = nil
		}
		return n, n.Ping != notice.NoPing
	}
	news := n.Severity != notice.Green || n.Type == healthChanged
	if !news || !r.Filter.Wants(n) {
		return n, false
	}
	var pass bool
	var held int
	if n.Type == healthChanged {
		r.gate, pass, held = r.gate.Picture(n, r.shown(), now)
	} else {
		r.gate, pass, held = r.gate.Pass(n, now)
	}
	if pass && held > 0 {
		n.Text += fmt.Sprintf("\n(%d more were held back since the last note; officer events shows all.)", held)
	}
	return n, pass
}

// drop takes the note that was under way out of the queue, if it still is in it.
func (r *receiver) drop() {
	if len(r.queue) > 0 && r.queue[0].ID == r.sending.ID {
		r.queue = r.queue[1:]
	}
}
