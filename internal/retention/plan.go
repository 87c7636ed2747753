package retention

import (
	"slices"
	"sort"
	"time"
)

// Tolerances of the clock. Time services step by seconds; anything longer is a
// clock that was set, or a machine that slept.
const (
	clockSkew = 2 * time.Minute
	// Without Elapsed a clock set forward looks like a machine that was off. A month
	// of silence is rare enough to spend one cycle without deletion on it.
	silenceMax = 31 * 24 * time.Hour
)

// Plan decides what stays and what goes. Call it after every verified backup and
// after every change of state (pinned, quarantined, verified again …), so that what
// it foretells is up to date. The policy must be valid.
func Plan(s Situation, backups []Backup, p Policy) Decision {
	return newCycle(s, backups, p).decide(nil)
}

// Explain is Plan with the forecast ExpiresAt for every kept backup. It costs a
// few milliseconds, so it is for people who ask, not for every cycle.
func Explain(s Situation, backups []Backup, p Policy) Decision {
	c := newCycle(s, backups, p)
	return c.decide(forecast(c.surviving(), p, c.loc))
}

// cycle is one decision in the making.
type cycle struct {
	Situation
	policy  Policy
	loc     *time.Location
	backups []Backup         // newest first
	tiers   map[string]Tier  // of the counted ones; "" = has no slot
	items   []item           // the counted ones, newest first
	aside   map[string]aside // those that are not counted
}

// aside says where a backup that is not counted lies and why.
type aside struct {
	tier         Tier
	reason, goes string
}

func newCycle(s Situation, backups []Backup, p Policy) *cycle {
	c := &cycle{Situation: s, policy: p, loc: s.Location, tiers: map[string]Tier{}, aside: map[string]aside{}}
	if c.loc == nil {
		c.loc = time.UTC
	}
	c.backups = slices.Clone(backups)
	sort.Slice(c.backups, func(i, k int) bool {
		a, b := &c.backups[i], &c.backups[k]
		return newestFirst(item{id: a.ID, at: a.TakenAt}, item{id: b.ID, at: b.TakenAt}) < 0
	})
	for _, b := range c.backups {
		if why, is := c.keptAside(b); is {
			c.aside[b.ID] = why
			continue
		}
		c.items = append(c.items, place(b.ID, b.TakenAt, c.loc))
	}
	for i, t := range survivors(c.items, p) {
		c.tiers[c.items[i].id] = t
	}
	return c
}

// keptAside tells which backups are not counted. The order matters: what a user
// pinned stays pinned whatever else is known about it.
func (c *cycle) keptAside(b Backup) (aside, bool) {
	switch {
	case b.Pinned:
		return aside{Pinned, "pinned: kept for ever and outside the count", "never, unless it is unpinned"}, true
	case b.Quarantined:
		return aside{Quarantined, "set aside because it did not pass a check; it is not counted", "never by itself; delete it by hand when it is no longer needed"}, true
	case b.Suspect:
		return aside{Suspect, "taken while the database failed its check; kept as evidence and not counted", "never by itself; delete it by hand when it is no longer needed"}, true
	case b.TakenAt.After(c.Now.Add(clockSkew)):
		return aside{Quarantined, "stamped " + c.stamp(b.TakenAt) + ", which is in the future: the clock was wrong, so it is not counted",
			"judged like the others once that time has come"}, true
	case !b.Verified:
		tier := b.Tier
		if !tier.Counted() {
			tier = Recent
		}
		return aside{tier, "not verified yet, so it is not counted", "judged like the others once it is verified"}, true
	}
	return aside{}, false
}

// pinnedFor tells whether a pin that ends by itself still lasts. Such a backup is counted
// like the others, so that nothing else changes when the pin ends, but it does not go.
func (c *cycle) pinnedFor(b Backup) bool { return b.PinnedUntil.After(c.Now) }

func (c *cycle) whyPinned(b Backup) string {
	return "pinned until " + c.stamp(b.PinnedUntil) + ": the last backup before the schema changed"
}

// surviving gives the counted backups that have a place.
func (c *cycle) surviving() []item {
	return slices.DeleteFunc(slices.Clone(c.items), func(it item) bool { return c.tiers[it.id] == "" })
}

// held says why nothing may be dropped in this cycle, "" when something may.
func (c *cycle) held() string {
	if c.LiveSuspect {
		return "nothing is deleted while the live database is suspect"
	}
	if c.Restoring {
		return "nothing is deleted until the restore has ended"
	}
	if text := c.clockJumped(); text != "" {
		return text
	}
	for _, b := range c.backups {
		// It lies among the quarantined, and only its stamp had put it there.
		if _, is := c.aside[b.ID]; !is && b.Tier == Quarantined {
			return "nothing is deleted in this cycle because a backup that had been set aside counts again"
		}
	}
	if !slices.ContainsFunc(c.backups, func(b Backup) bool {
		tier, counted := c.tiers[b.ID]
		return counted && tier == "" && !c.pinnedFor(b)
	}) {
		return ""
	}
	if len(c.items) == 0 || c.items[0].id != c.VerifiedID {
		return "nothing is deleted until a newer backup has been verified"
	}
	return ""
}

// clockJumped compares the wall clock with the one nobody can set, and is content
// with a jump too many: it costs one cycle without deletion.
func (c *cycle) clockJumped() string {
	if c.LastNow.IsZero() {
		return ""
	}
	// Round(0) takes the monotonic readings away: they would hide the jump.
	passed := c.Now.Round(0).Sub(c.LastNow.Round(0))
	switch {
	case passed < -clockSkew:
		return "nothing is deleted in this cycle because the clock was set back by " + span(-passed)
	case c.Elapsed > 0 && (passed-c.Elapsed).Abs() > clockSkew:
		return "nothing is deleted in this cycle because the clock jumped by " + span((passed - c.Elapsed).Abs())
	case c.Elapsed <= 0 && passed > silenceMax:
		return "nothing is deleted in this cycle because the clock is " + span(passed) + " ahead of the last one, which may be a clock that was set"
	}
	return ""
}

// decide writes the decision down with its reasons.
func (c *cycle) decide(fates map[string]fate) Decision {
	d := Decision{Held: c.held()}
	ahead := futures(c.surviving(), c.policy, c.loc)
	for _, b := range c.backups {
		if a, is := c.aside[b.ID]; is {
			d.Keep = append(d.Keep, Kept{ID: b.ID, Tier: a.tier, Reason: a.reason, Goes: a.goes})
			continue
		}
		tier := c.tiers[b.ID]
		switch {
		case tier != "":
			k := Kept{ID: b.ID, Tier: tier, Reason: c.whyKept(b, tier), ExpiresAt: fates[b.ID].at}
			c.foretell(&k, ahead, fates[b.ID])
			if c.pinnedFor(b) {
				k.Reason += "; " + c.whyPinned(b)
				if !k.ExpiresAt.IsZero() && k.ExpiresAt.Before(b.PinnedUntil) {
					k.ExpiresAt = b.PinnedUntil
				}
			}
			d.Keep = append(d.Keep, k)
		case c.pinnedFor(b):
			d.Keep = append(d.Keep, Kept{ID: b.ID, Tier: Pinned, Reason: c.whyPinned(b), ExpiresAt: b.PinnedUntil,
				Goes: "with the next verified backup after " + c.stamp(b.PinnedUntil)})
		case d.Held != "":
			d.Keep = append(d.Keep, c.heldBack(b, d.Held))
		default:
			d.Drop = append(d.Drop, Dropped{ID: b.ID, From: countedTier(b.Tier), Reason: c.whyDropped(b)})
		}
	}
	return d
}

// heldBack is a backup whose place is gone and that only the hold keeps.
func (c *cycle) heldBack(b Backup, held string) Kept {
	tier := countedTier(b.Tier)
	if tier == "" {
		tier = Recent
	}
	return Kept{
		ID: b.ID, Tier: tier, Held: true,
		Reason: "would go (" + c.whyDropped(b) + "), but " + held,
		Goes:   "with the next verified backup, once deleting is allowed again",
	}
}

func countedTier(t Tier) Tier {
	if t.Counted() {
		return t
	}
	return ""
}
