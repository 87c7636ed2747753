package backup

import (
	"slices"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/messages"
)

// queueUp has a backup that somebody asked for wait for the end of the one under way.
func (b *backup) queueUp(t *take) {
	if len(b.behind) >= behindMax {
		t.req.Answer(b.alreadyRunning())
		return
	}
	b.behind = append(b.behind, t)
	t.req.Tell(&messages.Progress{JobId: t.job, Stage: "wait", Total: 1})
}

// leaveQueue ends the wait of who does not want it any more. A backup under way is
// cancelled where its work is done.
func (b *backup) leaveQueue(job string) {
	b.behind = slices.DeleteFunc(b.behind, func(t *take) bool {
		if job == "" || t.job != job {
			return false
		}
		t.req.Answer(messages.NewFailure(string(fault.Interrupted), takeOp, "it was cancelled").WithDid(didNothing))
		return true
	})
}
