package wal

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/hazard"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

// Codes of the conditions.
const (
	walLarge     = "wal_large"
	walBlocked   = "wal_blocked"
	walPassive   = "wal_passive"
	engineHazard = "engine_hazard"
)

// Conditions declares what this system can find wrong.
func Conditions() []condition.Definition {
	const system = "wal"
	unreachable := []condition.Code{"damage_found", "database_unreachable", "database_missing", "database_stuck"}
	return []condition.Definition{
		{
			Code: walBlocked, System: system, Severity: condition.Yellow, DependsOn: unreachable,
			Text: "{who} keeps the WAL from being emptied; it has grown to {size}.",
			Hint: "{hint}",
		},
		{
			// A burst of writes is over before anybody could do something about it.
			Code: walLarge, System: system, Severity: condition.Yellow, VisibleAfter: 5 * time.Minute,
			DependsOn: append([]condition.Code{walBlocked, "fence_active"}, unreachable...),
			Text:      "The WAL is beyond its limit of {limit}: {size}.",
			Hint:      "officer checkpoint {database}",
		},
		{
			Code: walPassive, System: system, Severity: condition.Green,
			Text: "{because}: Officer moves pages of the WAL only when that is in nobody's way.",
		},
		{
			Code: engineHazard, System: system, Severity: condition.Yellow, DependsOn: unreachable,
			Text: "The app writes with SQLite {version}, which can damage a database in WAL mode when two connections meet at a reset of the WAL. Update it to {fix} or newer.",
			Hint: "https://sqlite.org/wal.html#the_wal_reset_bug",
		},
	}
}

func (w *wal) raise(ctx actor.Context, code string, args ...string) {
	ctx.Send(w.cfg.Peers.Of("health"), &messages.RaiseCondition{Code: code,
		Args: append(args, "database="+shell.Database(w.cfg.Database))})
}

func (w *wal) clear(ctx actor.Context, code string) {
	ctx.Send(w.cfg.Peers.Of("health"), &messages.ClearCondition{Code: code})
}

// showLarge tells when the WAL passes its limit and when it is back.
func (w *wal) showLarge(ctx actor.Context, size int64, large bool) {
	if large {
		if !w.large {
			ctx.Send(w.cfg.Peers.Tree(), &messages.WalGrew{WalBytes: size, LimitBytes: w.cfg.LimitBytes})
		}
		w.raise(ctx, walLarge, "size="+megabytes(size), "limit="+megabytes(w.cfg.LimitBytes))
	} else if w.large {
		w.clear(ctx, walLarge)
	}
	w.large = large
}

// showBlocked raises or clears what lasting says.
func (w *wal) showBlocked(ctx actor.Context) {
	list := w.lasting()
	if len(list) == 0 {
		w.clear(ctx, walBlocked)
		return
	}
	hint := "officer checkpoint " + shell.Database(w.cfg.Database)
	if pid := list[0].GetPid(); pid > 0 {
		hint = "ps -fp " + strconv.FormatInt(pid, 10)
	}
	size, _ := w.size()
	w.raise(ctx, walBlocked, "who="+who(list), "size="+megabytes(size), "hint="+hint)
}

// show tells again what is known of the engine and of another program's checkpoints.
func (w *wal) show(ctx actor.Context) {
	if w.ledger.passive != "" {
		w.raise(ctx, walPassive, "because="+w.ledger.passive)
	} else {
		w.clear(ctx, walPassive)
	}
	if v := w.hazardous(); v != 0 {
		w.raise(ctx, engineHazard, "version="+hazard.Version(v), "fix="+hazard.WALResetFix(v))
	} else {
		w.clear(ctx, engineHazard)
	}
}

// hazardous is the version of the last writer if it endangers this database, else 0.
func (w *wal) hazardous() int {
	if v := int(w.ledger.version); w.ledger.mode == "wal" && hazard.WALReset(v) {
		return v
	}
	return 0
}

// inspect asks who wrote the database last; page 1 may be in the WAL, so that only the
// owner can tell.
func (w *wal) inspect(ctx actor.Context) {
	w.Ask(ctx, w.cfg.Peers.Of("dbowner"), &messages.InspectDatabase{
		Job: &messages.Job{TimeoutMs: factsWait.Milliseconds()}}, factsWait+askTimeout, told{})
}

func (w *wal) learn(ctx actor.Context, a *kit.Answer) {
	facts, ok := a.Value.(*messages.DatabaseFacts)
	if !ok {
		var f *messages.Failure
		if errors.As(a.Err, &f) && !passing(f) {
			w.cfg.Log.Debug("the facts of the database could not be had", slog.Any("error", f))
		}
		return
	}
	w.ledger.mode, w.ledger.version = facts.GetJournalMode(), facts.GetSource().GetWriterVersion()
	if !w.cfg.Passive {
		w.show(ctx)
	}
}

// report is the state of the WAL.
func (w *wal) report() *messages.WalReport {
	size, _ := w.size()
	r := &messages.WalReport{
		JournalMode: w.ledger.mode, WalBytes: size, LimitBytes: w.cfg.LimitBytes, Last: w.ledger.last,
		Hostages: w.ledger.hostages, PassiveBecause: w.ledger.passive, EngineVersion: hazard.Version(int(w.ledger.version)),
	}
	if !w.ledger.lastAt.IsZero() {
		r.LastAtUnixMs = w.ledger.lastAt.UnixMilli()
	}
	if v := w.hazardous(); v != 0 {
		r.EngineHazard = fmt.Sprintf("SQLite %s can damage a database in WAL mode when two connections meet at a reset of the WAL; %s or newer does not",
			hazard.Version(v), hazard.WALResetFix(v))
	}
	return r
}

// who names readers: "process 4711 (python3 report.py) has read since 14:05:09 and pins 2560 pages".
func who(list []*messages.Hostage) string {
	h := list[0]
	name := "A program that " + cannotTell
	if h.GetPid() > 0 {
		name = fmt.Sprintf("Process %d (%s)", h.GetPid(), h.GetCommand())
	}
	text := fmt.Sprintf("%s has been reading since %s or longer, pins %d pages and", name,
		time.UnixMilli(h.GetSinceUnixMs()).Format("15:04:05"), h.GetPages())
	if more := len(list) - 1; more > 0 {
		text = strings.TrimSuffix(text, " and") + fmt.Sprintf(" (as do %d more readers) and", more)
	}
	return text
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }
