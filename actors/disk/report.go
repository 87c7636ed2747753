package disk

import (
	"github.com/officer-doofy/officer/internal/space"
	"github.com/officer-doofy/officer/messages"
)

// report is the state after the newest look.
func (d *disk) report() *messages.DiskReport {
	l := d.ledger
	r := &messages.DiskReport{Level: space.OK.String()}
	if !l.looked.IsZero() {
		r.CheckedAtUnixMs = l.looked.UnixMilli()
	}
	worst := space.OK
	for _, v := range d.standings() {
		worst = max(worst, v.level)
		r.Volumes = append(r.Volumes, d.shown(v))
		if v.holds(space.Backups) {
			r.ReserveBytes = l.reserve
			r.ReserveHeld = l.reserve > 0 && l.reserve >= d.reserveBytes(v)
		}
	}
	r.Level = worst.String()
	return r
}

// standings are the volumes in the order of their worth.
func (d *disk) standings() (list []*standing) {
	for _, id := range d.ledger.order {
		list = append(list, d.ledger.volumes[id])
	}
	return list
}

func (d *disk) shown(v *standing) *messages.Volume {
	out := &messages.Volume{
		Path: v.path, TotalBytes: v.TotalBytes, FreeBytes: v.FreeBytes, FreeInodes: v.FreeInodes, FsType: v.FSType,
		Network: v.Remote || space.Network(v.FSType), Level: v.level.String(), DaysUntilFull: v.days, NextJobBytes: v.needs,
	}
	for _, role := range v.roles {
		out.Roles = append(out.Roles, string(role))
	}
	for _, path := range v.paths {
		out.CloudSynced = out.CloudSynced || space.CloudFolder(path) != ""
	}
	// Everything that could go lies in the home, but for the WAL.
	for _, f := range d.ledger.freeable {
		if f.What == walFreeable && v.holds(space.Database) || f.What != walFreeable && v.holds(space.Backups) {
			out.Freeable = append(out.Freeable, f)
		}
	}
	return out
}

// verdict answers MayUse with what the newest look saw.
func (d *disk) verdict(m *messages.MayUse) any {
	var rooms []space.Room
	for _, v := range d.standings() {
		rooms = append(rooms, space.Room{Path: v.path, Roles: v.roles, FreeBytes: max(0, v.FreeBytes-v.owed),
			FreeInodes: v.FreeInodes, Level: v.level, Limits: v.limits})
	}
	v, known := space.Judge(space.Purpose(m.GetPurpose()), m.GetBytes(), d.ledger.sizes, rooms)
	if !known {
		return messages.NewFailure("invalid", "ask for room", "%q is no purpose", m.GetPurpose())
	}
	return &messages.SpaceVerdict{Allowed: v.Allowed, Text: v.Text, NeedBytes: v.NeedBytes, FreeBytes: v.FreeBytes, Path: v.Path}
}
