package supervisor

import (
	"crypto/sha256"
	"fmt"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/manifest"
)

// proof is of bytes in which a chain held, and of how far it was noted to go: the same again
// need not be proved again, and most days nothing is added.
type proof [sha256.Size]byte

func proofOf(data []byte, noted any) (p proof) {
	h := sha256.New()
	h.Write(data)
	_, _ = fmt.Fprintf(h, "%+v", noted)
	h.Sum(p[:0])
	return p
}

// verify proves both chains as they lie on disk. A list of backups that cannot be read
// is made again by who owns it, and named there.
func (j *eventJournal) verify() []finding {
	j.desk.Lock()
	defer j.desk.Unlock()
	out := j.found
	j.found = nil
	if what, ok := j.proveEvents(); ok {
		out = append(out, finding{"events.ndjson", what})
	}
	if what, ok := j.proveBackups(); ok {
		out = append(out, finding{"backups/backups.json", what})
	}
	return out
}

// proveEvents names what was changed; ok is false when the file could not be read.
func (j *eventJournal) proveEvents() (what []string, ok bool) {
	data, err := j.bytes()
	if code := fault.CodeOf(err); code != "" && code != fault.Missing {
		return nil, false
	}
	now := proofOf(data, j.noted.events())
	if now == j.eventsProved {
		return nil, true
	}
	book := j.parse(data)
	for _, b := range append(book.Breaks, book.Against(j.noted.events())...) {
		what = append(what, b.Text)
	}
	if len(what) == 0 && book.WholeBytes == len(data) {
		j.eventsProved = now
	}
	return what, true
}

// proveBackups does the same with the list of backups.
func (j *eventJournal) proveBackups() (what []string, ok bool) {
	data, err := j.manifestBytes()
	if err != nil {
		return nil, false
	}
	now := proofOf(data, []any{j.noted.ManifestSeq, j.noted.ManifestHead})
	if now == j.backupsProved {
		return nil, true
	}
	m, err := manifest.Parse(data)
	if err != nil {
		return nil, false
	}
	for _, b := range m.VerifyChain() {
		what = append(what, b.Text)
	}
	if text := m.VerifyHead(j.noted.ManifestSeq, j.noted.ManifestHead); text != "" {
		what = append(what, text)
		j.queue.Lock()
		j.noteDue = true
		j.queue.Unlock()
	}
	if len(what) == 0 {
		j.backupsProved = now
	}
	return what, true
}
