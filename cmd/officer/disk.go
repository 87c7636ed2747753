package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

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
		text := report.Size(v.FreeBytes) + " free"
		if v.TotalBytes > 0 {
			text += " of " + report.Size(v.TotalBytes)
		}
		if short {
			text += ", " + strings.ReplaceAll(v.Level, "_", " ")
		}
		if v.DaysUntilFull > 0 {
			text += fmt.Sprintf(", full in about %.0f days", max(1, v.DaysUntilFull))
		}
		fmt.Fprintf(w, "  %s %s for %s\n", mark, text, report.RolesText(v.Roles))
		for _, f := range v.Freeable {
			if short {
				fmt.Fprintf(w, "    %s could be freed: %s   %s\n", report.Size(f.Bytes), clean(f.What), clean(f.How))
			}
		}
	}
}
