package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/report"
)

func (c *cli) completionVerb() *cobra.Command {
	cmd := c.verb("completion bash|zsh|fish|powershell", "Print the completion script of a shell", cobra.ExactArgs(1), nil)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		root := cmd.Root()
		switch args[0] {
		case "bash":
			return root.GenBashCompletionV2(c.out, true)
		case "zsh":
			return root.GenZshCompletion(c.out)
		case "fish":
			return root.GenFishCompletion(c.out, true)
		case "powershell":
			return root.GenPowerShellCompletionWithDesc(c.out)
		}
		return usage(fmt.Sprintf("there is no completion for %q", args[0]), "officer completion bash")
	}
	return cmd
}

// completing proposes what can stand in the place of the argument that is being typed.
func (c *cli) completing(args []kind) cobra.CompletionFunc {
	return func(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
		at := len(given)
		if n := len(args); n > 0 && args[n-1] == databases {
			at = min(at, n-1)
		}
		if at >= len(args) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		switch args[at] {
		case database, databases:
			return []string{"db", "db3", "sqlite", "sqlite3"}, cobra.ShellCompDirectiveFilterFileExt
		case configFile:
			return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
		case backupID:
			return c.proposeBackups(given[0]), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		case shellName:
			return []string{"bash", "zsh", "fish", "powershell"}, cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveDefault
	}
}

// manifestBytesMax is more than the largest list of backups that is read while somebody
// waits with a finger on the Tab key.
const manifestBytesMax = 4 << 20

// proposeBackups reads the ids of the backups of a database, newest first. No Officer is
// asked and no lock is taken: Tab must not hold anything up.
func (c *cli) proposeBackups(database string) (proposals []string) {
	path, err := filepath.Abs(database)
	if err != nil {
		return nil
	}
	file := filepath.Join(c.homeOf(path), "backups", "backups.json")
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	data, err := fsx.ReadLimited(fsx.OS(), file, manifestBytesMax)
	if err != nil {
		return nil
	}
	list, err := manifest.Parse(data)
	if err != nil {
		return nil
	}
	for i := len(list.Entries) - 1; i >= 0; i-- {
		e := list.Entries[i]
		proposals = append(proposals, cobra.CompletionWithDesc(e.ID, clean(fmt.Sprintf("%s %s, %s",
			e.Taken.Local().Format(time.DateTime), e.Tier, report.Size(e.SizeBytes)))))
	}
	return proposals
}
