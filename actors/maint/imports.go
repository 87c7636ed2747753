package maint

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/upkeep"
	"github.com/officer-doofy/officer/messages"
)

// importStarted asks whether the import fits the disk before the app begins it.
func (m *maint) importStarted(ctx actor.Context, msg *messages.ImportStarted) {
	e := m.errand(ctx, &work{})
	bytes := max(msg.GetBytes(), 0)
	m.Go(ctx, admitted{name: msg.GetName(), request: m.Accept(ctx)}, func(ctx context.Context) (any, error) {
		v, err := ask[*messages.SpaceVerdict](ctx, e, "disk", &messages.MayUse{Purpose: "import", Bytes: bytes}, askTimeout)
		if err == nil {
			return &messages.ImportNoted{Refused: !v.GetAllowed(), Text: v.GetText()}, nil
		}
		why := e.room(bytes + importReserveBytes)
		return &messages.ImportNoted{Refused: why != "", Text: why}, nil
	})
}

func (m *maint) noteImport(tag admitted, a *kit.Answer) {
	noted, ok := a.Value.(*messages.ImportNoted)
	if !ok {
		tag.request.Answer(messages.NewFailure("internal", "note the import", "it could not be told whether there is room"))
		return
	}
	if !noted.GetRefused() {
		m.ledger.imports[tag.name] = time.Now()
		if noted.GetText() == "" {
			noted.Text = "noted: maintenance waits until the import is finished"
		}
	}
	m.cfg.Log.Info("import announced", slog.String("name", tag.name), slog.Bool("refused", noted.GetRefused()))
	tag.request.Answer(noted)
}

// importFinished renews the statistics, which an import makes stale at one blow, and has
// a backup taken, because what was imported is in none.
func (m *maint) importFinished(ctx actor.Context, msg *messages.ImportFinished) {
	delete(m.ledger.imports, msg.GetName())
	m.cfg.Log.Info("import finished", slog.String("name", msg.GetName()), slog.Int64("rows", msg.GetRows()))
	kit.Reply(ctx, &messages.ImportNoted{Text: "noted: statistics and a backup follow"})
	m.enqueue(ctx, &work{kind: upkeep.Analyze, occasion: upkeep.Asked, full: true, because: "after an import", afterImport: true})
}

func roomText(needBytes, freeBytes int64) string {
	const mb = 1e6
	return fmt.Sprintf("it needs %.0f MB and %.0f MB are free", float64(needBytes)/mb, float64(freeBytes)/mb)
}
