package supervisor

import (
	"crypto/sha256"
	"fmt"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/journal"
	"github.com/officer-doofy/officer/internal/manifest"
)

// proof is of bytes in which a chain held, and of how far it was noted to go: the same again
// need not be proved again.
type proof [sha256.Size]byte

func proofOf(data []byte, noted any) (p proof) {
	h := sha256.New()
	h.Write(data)
	_, _ = fmt.Fprintf(h, "%+v", noted)
	h.Sum(p[:0])
	return p
}

// provenEvents is how far the journal was proved: on most days a few lines follow.
type provenEvents struct {
	bytes          int
	sum            [sha256.Size]byte // of them
	noted          journal.Head
	oldest, newest journal.Line // without their bytes
}

// with proves what follows; false = what is proved begins otherwise or ends in a break, which only the whole tells.
func (p *provenEvents) with(data []byte, noted journal.Head) bool {
	if p.bytes == 0 || len(data) < p.bytes || noted != p.noted && noted.Sequence < p.newest.Sequence {
		return false
	}
	h, sum := sha256.New(), [sha256.Size]byte{}
	h.Write(data[:p.bytes])
	if [sha256.Size]byte(h.Sum(sum[:0])) != p.sum {
		return false
	}
	more := journal.ReadOn(p.newest, data[p.bytes:])
	lines := append([]journal.Line{p.oldest}, more.Lines...)
	if more.WholeBytes != len(data)-p.bytes || len(more.Breaks) > 0 || len(journal.Book{Lines: lines}.Against(noted)) > 0 {
		return false
	}
	h.Write(data[p.bytes:])
	h.Sum(p.sum[:0])
	p.take(len(data), noted, lines)
	return true
}

func (p *provenEvents) take(bytes int, noted journal.Head, lines []journal.Line) {
	p.bytes, p.noted = bytes, noted
	p.oldest, p.newest = lines[0], lines[len(lines)-1]
	p.oldest.Raw, p.newest.Raw = nil, nil
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
	noted := j.noted.events()
	if j.eventsProved.with(data, noted) {
		return nil, true
	}
	book := j.parse(data)
	for _, b := range append(book.Breaks, book.Against(noted)...) {
		what = append(what, b.Text)
	}
	if len(what) == 0 && len(book.Lines) > 0 && book.WholeBytes == len(data) {
		j.eventsProved.sum = sha256.Sum256(data)
		j.eventsProved.take(len(data), noted, book.Lines)
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
