package main

import (
	"context"
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/internal/report"
)

type versionResult struct {
	report.Head
	Version  string `json:"version"`
	SQLite   string `json:"sqlite"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (c *cli) versionVerb() *cobra.Command {
	return c.verb("version", "Show the versions of Officer and its SQLite", cobra.NoArgs,
		func(context.Context, []string) (*outcome, error) {
			v := &versionResult{
				Version: officer.Version, SQLite: officer.SQLiteVersion,
				Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
			}
			return &outcome{json: v, text: func(w io.Writer, _ style) {
				fmt.Fprintf(w, "officer %s (SQLite %s, %s, %s)\n", v.Version, v.SQLite, v.Go, v.Platform)
			}}, nil
		})
}
