package retention

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// stamp is a time for people, in the calendar the rules use.
func (c *cycle) stamp(t time.Time) string { return t.In(c.loc).Format("2 Jan 2006 15:04") }

func (c *cycle) day(t time.Time) string { return t.In(c.loc).Format("2 Jan 2006") }

// span is a duration for people, in its largest two units or so.
func span(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return d.Round(time.Second).String()
}

// whyKept says which rule keeps a counted backup.
func (c *cycle) whyKept(b Backup, t Tier) string {
	switch t {
	case Recent:
		rank := slices.IndexFunc(c.items, func(it item) bool { return it.id == b.ID })
		switch {
		case rank == 0:
			return "the newest verified backup"
		case rank < c.policy.Recent:
			return fmt.Sprintf("one of the newest %d verified backups", c.policy.Recent)
		}
		return "one of the last two verified backups, kept while there is room"
	case Daily:
		return "the last backup of " + c.day(b.TakenAt)
	case Weekly:
		at := b.TakenAt.In(c.loc)
		return "the first backup of the week from Sunday " + c.day(at.AddDate(0, 0, -int(at.Weekday())))
	case Monthly:
		return "the first backup of " + b.TakenAt.In(c.loc).Format("January 2006")
	case Yearly:
		return "the first backup of " + b.TakenAt.In(c.loc).Format("2006")
	}
	return ""
}

// foretell says what one further backup will do to a kept one, and its end if that
// was forecast.
func (c *cycle) foretell(k *Kept, ahead []future, end fate) {
	for i, f := range ahead {
		if !f.lost[k.ID] {
			continue
		}
		if i == 0 {
			k.GoesSameDay = true
			continue
		}
		k.GoesFrom = f.at
		break
	}
	same, later := "", ""
	if len(ahead) > 0 {
		same = "when another backup of " + c.day(ahead[0].at) + " is verified"
	}
	if !k.GoesFrom.IsZero() {
		later = "when the first backup of " + c.day(k.GoesFrom) + " or later is verified"
	}
	as := "replaced as " + string(k.Tier) + " "
	switch {
	case k.GoesSameDay && sameFuture(ahead, k.ID):
		k.Goes = as + "when the next backup is verified"
	case k.GoesSameDay && later != "":
		k.Goes = as + same + ", or else " + later
	case k.GoesSameDay:
		k.Goes = as + same + "; otherwise it stays for now"
	case later != "":
		k.Goes = as + later
	default:
		k.Goes = "the next backup does not make it go"
	}
	switch {
	case end.at.IsZero():
		return
	case end.tier == k.Tier:
		k.Goes += "; with a backup every day it goes about " + c.day(end.at)
	default:
		k.Goes += "; with a backup every day it moves on to " + string(end.tier) + " and goes about " + c.day(end.at)
	}
}

// sameFuture tells whether every further backup, whenever taken, would cost id its place.
func sameFuture(ahead []future, id string) bool {
	return !slices.ContainsFunc(ahead, func(f future) bool { return !f.lost[id] })
}

// whyDropped says which slot a backup lost and to whom.
func (c *cycle) whyDropped(b Backup) string {
	tier := countedTier(b.Tier)
	if tier == "" {
		return "no slot needs it: newer or earlier ones of its day, week, month and year are kept"
	}
	for i := len(c.items) - 1; i >= 0; i-- {
		it := c.items[i]
		if c.tiers[it.id] == tier && newestFirst(it, item{id: b.ID, at: b.TakenAt}) < 0 {
			return "replaced as " + string(tier) + " by the backup of " + c.stamp(it.at)
		}
	}
	return "replaced as " + string(tier) + " by newer backups"
}
