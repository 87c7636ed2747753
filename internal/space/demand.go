package space

import (
	"fmt"
	"slices"
	"strings"
)

// Role is what of Officer's and the app's lies on a volume.
type Role string

// The roles.
const (
	Database Role = "database"
	WAL      Role = "wal"
	Temp     Role = "temp"
	Backups  Role = "backups" // the home: backups, logs, undo points
)

// Purpose is a job that needs room.
type Purpose string

// The purposes.
const (
	Import  Purpose = "import"
	Backup  Purpose = "backup"
	Vacuum  Purpose = "vacuum"
	Restore Purpose = "restore"
	Drill   Purpose = "drill"
)

// Sizes are those of the live database.
type Sizes struct {
	DatabaseBytes int64
	WALBytes      int64
}

func (s Sizes) all() int64 { return s.DatabaseBytes + s.WALBytes }

// MarginBytes is what a backup leaves free on its volume, for the app's WAL and journal
// while the copy lies there.
const MarginBytes = 64 << 20

// amountMaxBytes bounds what a request may claim, so that sums do not overflow.
const amountMaxBytes = 1 << 60

// inodesNeeded is what a job may take: a copy, its journal, a manifest, each with a
// temporary file.
const inodesNeeded = 16

// Demand is the room that a job takes at its worst, by role; false for an unknown
// purpose. bytes is what the asker knows (the growth by an import, the size of a backup),
// 0 = take the database's.
//
// An import passes through the WAL before it is in the file (https://sqlite.org/wal.html).
// VACUUM writes the database once into a temporary file and once, through the WAL or the
// journal, back: twice its size (https://sqlite.org/lang_vacuum.html). A restore keeps the
// present files and writes the backup through the WAL.
func Demand(p Purpose, bytes int64, s Sizes) (map[Role]int64, bool) {
	bytes = min(max(bytes, 0), amountMaxBytes)
	asked := bytes
	if asked == 0 {
		asked = s.all()
	}
	switch p {
	case Import:
		return map[Role]int64{Database: 2 * bytes}, true
	case Backup:
		return map[Role]int64{Backups: asked + MarginBytes}, true
	case Vacuum:
		return map[Role]int64{Database: asked, Temp: asked}, true
	case Restore:
		return map[Role]int64{Database: asked, Backups: s.all()}, true
	case Drill:
		return map[Role]int64{Backups: asked + MarginBytes}, true
	}
	return nil, false
}

// Room is one volume as Judge sees it.
type Room struct {
	Path       string
	Roles      []Role
	FreeBytes  int64
	FreeInodes int64 // -1 = unknown
	Level      Level
	Limits     Limits // resolved
}

// need is what a demand means for one volume.
func (r Room) need(demand map[Role]int64) (bytes int64) {
	for _, role := range r.Roles {
		bytes += demand[role]
	}
	return bytes
}

// Verdict is the answer to whether a job may use room, with the numbers of the volume
// that decided: the one that lacks most, or would have the least left.
type Verdict struct {
	Allowed   bool
	Text      string // one sentence
	NeedBytes int64
	FreeBytes int64
	Path      string
}

// Judge answers whether a job may begin; false for an unknown purpose. Imports and VACUUM
// may not use the room below which writes are blocked.
func Judge(p Purpose, bytes int64, s Sizes, rooms []Room) (Verdict, bool) {
	demand, known := Demand(p, bytes, s)
	if !known {
		return Verdict{}, false
	}
	var worst Verdict
	found := false
	for _, r := range rooms {
		v, concerned := judge(p, demand, r)
		if !concerned {
			continue
		}
		worse := !v.Allowed && worst.Allowed ||
			v.Allowed == worst.Allowed && v.FreeBytes-v.NeedBytes < worst.FreeBytes-worst.NeedBytes
		if !found || worse {
			worst, found = v, true
		}
	}
	if !found {
		return Verdict{Text: "It is not known how much room there is."}, true
	}
	return worst, true
}

func judge(p Purpose, demand map[Role]int64, r Room) (v Verdict, concerned bool) {
	for _, role := range r.Roles {
		_, asked := demand[role]
		concerned = concerned || asked
	}
	need := r.need(demand)
	holdsData := slices.Contains(r.Roles, Database)
	if holdsData && (p == Import || p == Vacuum) {
		need += r.Limits.WritesBytes
	}
	v = Verdict{Allowed: true, NeedBytes: need, FreeBytes: r.FreeBytes, Path: r.Path}
	job := sentence(p)
	switch {
	case r.FreeBytes < need:
		v.Allowed = false
		v.Text = fmt.Sprintf("%s does not fit: it needs %s on the volume of %s, and %s are free.", job, Text(need), r.Path, Text(r.FreeBytes))
	case p == Import && holdsData && r.Level >= ImportsBlocked:
		v.Allowed = false
		v.Text = fmt.Sprintf("Imports are refused: only %s are free on the volume of %s; they are let in again from %s on.",
			Text(r.FreeBytes), r.Path, Text(r.Limits.BetterAtBytes(ImportsBlocked)))
	case r.FreeInodes >= 0 && r.FreeInodes < inodesNeeded:
		v.Allowed = false
		v.Text = fmt.Sprintf("%s cannot begin: the volume of %s has room for %d more files only.", job, r.Path, r.FreeInodes)
	default:
		v.Text = fmt.Sprintf("%s fits: it needs %s on the volume of %s, and %s are free.", job, Text(need), r.Path, Text(r.FreeBytes))
	}
	return v, concerned
}

func sentence(p Purpose) string {
	if p == Vacuum {
		return "VACUUM"
	}
	article := "A "
	if strings.IndexByte("aeiou", p[0]) >= 0 {
		article = "An "
	}
	return article + string(p)
}

// Text writes an amount for people: "0 bytes", "1.2 GB", decimal as disks are sold.
func Text(bytes int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB"}
	v, i := float64(bytes), 0
	for v >= 999.5 && i < len(units)-1 {
		v /= 1000
		i++
	}
	if i > 0 && v < 9.95 {
		return fmt.Sprintf("%.1f %s", v, units[i])
	}
	return fmt.Sprintf("%.0f %s", v, units[i])
}
