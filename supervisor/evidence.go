package supervisor

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

const (
	tamperedCode  = "evidence_tampered"
	tamperingType = "evidence.tampering_found"
	evidenceEvery = 24 * time.Hour
	// tamperedShown is how long it stays in sight: what was changed stays changed, and a
	// condition that never ends is one that nobody reads.
	tamperedShown = 7 * 24 * time.Hour
	tamperedMost  = 4 // places named in the condition; the event names all
)

// tampered declares what the supervisor finds wrong with the evidence.
func tampered() condition.Definition {
	return condition.Definition{Code: tamperedCode, System: "supervisor", Severity: condition.Yellow,
		DependsOn: []condition.Code{"manifest_rebuilt"},
		Text:      "{file} was changed past Officer: {entries}.",
		Hint:      "officer explain {database}", Headline: "Somebody changed Officer's records."}
}

// Messages of the tree to itself, and tags of its background work.
type (
	evidenceTime struct{} // prove the chains again
	proved       struct{}
	written      struct{}
	writeTime    struct{} // events could not be written down a while ago
)

// writeAgain is how long events that could not be written down wait.
const writeAgain = time.Minute

// write brings queued events to disk in the background.
func (t *tree) write(ctx actor.Context) {
	j := t.led.events.journal
	t.Go(ctx, written{}, func(context.Context) (any, error) {
		j.write(time.Now(), false)
		return j.owed(), nil
	})
}

// noteWrite sees to it that events which could not be written down do not wait for the next one.
func (t *tree) noteWrite(ctx actor.Context, a *kit.Answer) {
	if owed, ok := a.Value.(bool); ok && !owed || t.rewriting {
		return
	}
	t.rewriting = true
	t.After(ctx, writeAgain, &writeTime{})
}

// watchEvidence tells what was found when the journal was opened, and proves both chains
// once a day.
func (t *tree) watchEvidence(ctx actor.Context) {
	log := t.led.events
	if log.journal == nil {
		return
	}
	found := log.found
	log.found = nil
	t.testify(ctx, found)
	if !t.cfg.passive {
		t.After(ctx, evidenceEvery, &evidenceTime{})
	}
}

// prove verifies both chains in the background and sees to the next time.
func (t *tree) prove(ctx actor.Context) {
	j := t.led.events.journal
	t.Go(ctx, proved{}, func(context.Context) (any, error) { return j.verify(), nil })
	t.After(ctx, evidenceEvery, &evidenceTime{})
}

// testify tells of what was changed past Officer: each place once, and the condition
// for a while.
func (t *tree) testify(ctx actor.Context, found []finding) {
	told, _ := t.tamperings()
	for _, f := range found {
		fresh := slices.DeleteFunc(slices.Clone(f.what), func(what string) bool { return told[f.file+": "+what] })
		if len(fresh) == 0 {
			continue
		}
		t.cfg.log.Warn("evidence was changed past Officer", slog.String("file", f.file), slog.Any("what", fresh))
		m := &messages.TamperingFound{File: f.file, What: fresh}
		if t.cfg.passive { // who only answers a verb writes nothing unasked
			t.unwritten = append(t.unwritten, m)
			continue
		}
		t.publish(ctx, eventOf(m))
	}
	t.raiseTampered(ctx)
}

// raiseTampered shows what was found lately.
func (t *tree) raiseTampered(ctx actor.Context) {
	_, lately := t.tamperings()
	lately = append(lately, t.unwritten...)
	var files, what []string
	for _, m := range lately {
		if !slices.Contains(files, m.File) {
			files = append(files, m.File)
		}
		what = append(what, m.What...)
	}
	health := t.cfg.peers.Of("health")
	if len(files) == 0 {
		ctx.Send(health, &messages.ClearCondition{Code: tamperedCode})
		return
	}
	if n := len(what) - tamperedMost; n > 0 {
		what = append(what[:tamperedMost], "and more")
	}
	ctx.Send(health, &messages.RaiseCondition{Code: tamperedCode, Args: []string{
		"file=" + strings.Join(files, " and "), "entries=" + strings.Join(what, "; "), "database=" + t.cfg.file}})
}

// tamperings gives the places that were told so far, and what was told lately.
func (t *tree) tamperings() (told map[string]bool, lately []*messages.TamperingFound) {
	told = make(map[string]bool)
	since := time.Now().Add(-tamperedShown).UnixMilli()
	for _, k := range t.led.events.kept {
		if k.kind != tamperingType {
			continue
		}
		e := k.told()
		m := e.GetTamperingFound()
		for _, what := range m.GetWhat() {
			told[m.GetFile()+": "+what] = true
		}
		if m != nil && e.GetTimeUnixMs() >= since {
			lately = append(lately, m)
		}
	}
	return told, lately
}

// hearOutWithin is how long the trees get for what was told to them before a stop.
const hearOutWithin = time.Second

// hearOut lets the trees take what was told to them already, because a stop overtakes
// other messages: the event of a backup belongs in the journal when its asker has heard
// of it.
func (r *Running) hearOut(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, hearOutWithin)
	defer cancel()
	for _, p := range r.all() {
		_, _ = kit.Ask[*messages.Pong](ctx, r.system, p.tree, &messages.Ping{}, nil)
	}
}

// answered takes the outcome of what the tree asked or did in the background.
func (t *tree) answered(ctx actor.Context, a *kit.Answer) {
	switch a.Tag.(type) {
	case proved:
		found, _ := a.Value.([]finding)
		t.testify(ctx, found)
	case written:
		t.noteWrite(ctx, a)
	default:
		t.collect(ctx, a)
	}
}
