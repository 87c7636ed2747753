package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// checkedVersion gives the version that stands in the source, the only place where it stands, if it is the
// one that was asked for and the one of the tag of the commit.
func checkedVersion(ctx context.Context, root, wanted string) (string, error) {
	source, err := os.ReadFile(filepath.Join(root, "supervisor", "config.go"))
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile(`(?m)^const Version = "([^"]+)"$`).FindSubmatch(source)
	if found == nil {
		return "", fmt.Errorf("supervisor/config.go has no constant Version")
	}
	version := string(found[1])
	if wanted != version {
		return "", fmt.Errorf("asked for version %q, supervisor/config.go says %q: make release VERSION=%s", wanted, version, version)
	}
	for _, tag := range tags(ctx, root) {
		if strings.HasPrefix(tag, "v") && tag != "v"+version {
			return "", fmt.Errorf("the commit is tagged %s, supervisor/config.go says %q", tag, version)
		}
	}
	return version, nil
}

// tags of the commit; none outside of a repository.
func tags(ctx context.Context, root string) []string {
	out, err := exec.CommandContext(ctx, "git", "-C", root, "tag", "--points-at", "HEAD").Output()
	if err != nil {
		return nil
	}
	return strings.Fields(string(out))
}

// releaseTime is the time that every file gets: $SOURCE_DATE_EPOCH, else that of the commit
// (https://reproducible-builds.org/docs/source-date-epoch).
func releaseTime(ctx context.Context, root string) (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		out, err := exec.CommandContext(ctx, "git", "-C", root, "log", "-1", "--format=%ct").Output()
		if err != nil {
			return time.Time{}, fmt.Errorf("no commit tells the time of the release; set SOURCE_DATE_EPOCH: %w", err)
		}
		text = strings.TrimSpace(string(out))
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}
