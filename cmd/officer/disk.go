package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/officer-doofy/officer/messages"
)

type volumeJSON struct {
	Roles         []string       `json:"roles"`
	Path          string         `json:"path"`
	TotalBytes    int64          `json:"total_bytes"`
	FreeBytes     int64          `json:"free_bytes"`
	FreeInodes    int64          `json:"free_inodes"`
	FSType        string         `json:"fs_type"`
	Network       bool           `json:"network"`
	CloudSynced   bool           `json:"cloud_synced"`
	Level         string         `json:"level"`
	DaysUntilFull float64        `json:"days_until_full"`
	NextJobBytes  int64          `json:"next_job_bytes"`
	Freeable      []freeableJSON `json:"freeable"`
}

type freeableJSON struct {
	What  string `json:"what"`
	Bytes int64  `json:"bytes"`
	How   string `json:"how"`
}

func volumesOf(r *messages.DiskReport) []volumeJSON {
	out := []volumeJSON{}
	for _, v := range r.GetVolumes() {
		j := volumeJSON{v.Roles, v.Path, v.TotalBytes, v.FreeBytes, v.FreeInodes, v.FsType, v.Network, v.CloudSynced,
			v.Level, v.DaysUntilFull, v.NextJobBytes, []freeableJSON{}}
		for _, f := range v.Freeable {
			j.Freeable = append(j.Freeable, freeableJSON{f.What, f.Bytes, f.How})
		}
		out = append(out, j)
	}
	return out
}

// showDisk writes a line for each volume that holds more than temporary files, and, when
// room is short, what could be freed.
func showDisk(w io.Writer, s style, r *messages.DiskReport) {
	for _, v := range r.GetVolumes() {
		short := v.Level != "ok"
		if !short && len(v.Roles) == 1 && v.Roles[0] == "temp" {
			continue
		}
		mark := s.good()
		switch v.Level {
		case "low", "imports_blocked":
			mark = s.warn()
		case "writes_blocked":
			mark = s.bad()
		}
		text := size(v.FreeBytes) + " free"
		if v.TotalBytes > 0 {
			text += " of " + size(v.TotalBytes)
		}
		if short {
			text += ", " + strings.ReplaceAll(v.Level, "_", " ")
		}
		if v.DaysUntilFull > 0 {
			text += fmt.Sprintf(", full in about %.0f days", max(1, v.DaysUntilFull))
		}
		fmt.Fprintf(w, "  %s %s for %s\n", mark, text, rolesText(v.Roles))
		for _, f := range v.Freeable {
			if short {
				fmt.Fprintf(w, "    %s could be freed: %s   %s\n", size(f.Bytes), clean(f.What), clean(f.How))
			}
		}
	}
}

// rolesText leaves the WAL out: it is where the database is.
func rolesText(roles []string) string {
	var names []string
	for _, r := range roles {
		if r != "wal" {
			names = append(names, clean(r))
		}
	}
	return strings.Join(names, ", ")
}

// diskText is a line for the change of a level.
func diskText(e *messages.DiskLevelChanged) string {
	v := e.GetVolume()
	where := size(v.GetFreeBytes()) + " free for " + rolesText(v.GetRoles())
	if e.GetTo() == "ok" {
		return "there is room again: " + where
	}
	return "the disk runs full (" + strings.ReplaceAll(e.GetTo(), "_", " ") + "): " + where
}
