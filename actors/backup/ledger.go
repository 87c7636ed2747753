package backup

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/manifest"
)

// ledger is what outlives a restart of the actor. Changes of the shelf run in the
// background, one at a time across incarnations: one that an incarnation began and left
// behind ends before the next one's begins, and none that has not begun ever does.
type ledger struct {
	desk sync.Mutex // held while the shelf is being changed

	mu    sync.Mutex // guards what follows up to why
	m     manifest.Manifest
	fresh bool   // m is what the disk holds
	why   string // the manifest was rebuilt
	// breaks is where the chain did not hold when it was read: a later change of an entry
	// seals it anew.
	breaks []string

	// Only the actor itself touches these.
	suspect     bool // the live database failed its check
	startDone   bool // the backup at start was taken
	tidied      bool // a passive life swept once
	provenAt    time.Time
	same        proven
	gone        map[string]time.Time // files seen missing and not judged yet, by id, since when
	jobs        int
	lastNow     time.Time
	lastElapsed time.Duration
}

// proven is a state of the live database that was found to hold what a backup holds.
type proven struct {
	id     string
	source manifest.Source
}

// view gives the manifest as it was last known.
func (l *ledger) view() manifest.Manifest {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.m
}

// known is the view with what a look at the files found gone since: for answers and
// conditions, never to be saved.
func (l *ledger) known() manifest.Manifest {
	m := l.view()
	if len(l.gone) == 0 {
		return m
	}
	m.Entries = slices.Clone(m.Entries)
	for i, e := range m.Entries {
		since, gone := l.gone[e.ID]
		if !gone || e.Verdict == manifest.Missing {
			continue
		}
		e.Verdict, e.Verified = manifest.Missing, false
		e.Verdicts = append(slices.Clone(e.Verdicts), manifest.VerdictAt{At: since.UTC(), Verdict: manifest.Missing})
		m.Entries[i] = e
	}
	return m
}

// rebuilt says why the manifest was rebuilt, until a verified backup is in it again.
func (l *ledger) rebuilt() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why == "" {
		return ""
	}
	if _, ok := l.m.Newest(); ok && !unjudged(l.m) {
		l.why = ""
	}
	return l.why
}

func unjudged(m manifest.Manifest) bool {
	for _, e := range m.Entries {
		if e.Verdict == manifest.Unverified && e.State == "" {
			return true
		}
	}
	return false
}

func (l *ledger) adopt(m manifest.Manifest, fresh bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.m, l.fresh = m, fresh
}

func (l *ledger) noteBreaks(m manifest.Manifest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, broken := range m.VerifyChain() {
		if !slices.Contains(l.breaks, broken.Text) && len(l.breaks) < breaksShown {
			l.breaks = append(l.breaks, broken.Text)
		}
	}
}

// broken says where the chain does not hold.
func (l *ledger) broken() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.breaks)
}

// change lets f change the shelf and adopts the manifest that f gives back: what is on
// disk. After an error only the disk knows, so the next change loads again.
func (l *ledger) change(ctx context.Context, shelf Shelf, now time.Time, f func(manifest.Manifest) (manifest.Manifest, error)) error {
	l.desk.Lock()
	defer l.desk.Unlock()
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Interrupted, "change the list of backups", "stopped before it began", err)
	}
	l.mu.Lock()
	m, fresh := l.m, l.fresh
	l.mu.Unlock()
	if !fresh {
		var why string
		var err error
		if m, why, err = shelf.Load(ctx, now); err != nil {
			return err
		}
		l.adopt(m, true)
		l.noteBreaks(m)
		if why != "" {
			l.mu.Lock()
			l.why = why
			l.mu.Unlock()
		}
	}
	if f == nil {
		return nil
	}
	next, err := f(m)
	l.adopt(next, err == nil)
	return err
}
