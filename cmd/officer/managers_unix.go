//go:build unix

package main

import (
	"context"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/officer-doofy/officer/internal/unit"
	"github.com/officer-doofy/officer/messages"
)

// ownerOf names whom a database belongs to, or, before there is one, its folder.
func ownerOf(path string) (owner, group string) {
	info, err := os.Stat(path)
	if err != nil {
		info, err = os.Stat(filepath.Dir(path))
	}
	if err != nil {
		return "", ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", ""
	}
	owner, group = strconv.Itoa(int(stat.Uid)), strconv.Itoa(int(stat.Gid))
	if u, err := user.LookupId(owner); err == nil {
		owner = u.Username
	}
	if g, err := user.LookupGroupId(group); err == nil {
		group = g.Name
	}
	return owner, group
}

// noService says that only Windows keeps services in a registry.
func noService() error {
	return messages.NewFailure("unsupported", "install", "only Windows has such services").WithDid("Nothing was changed.")
}

func lookAtService(name string) (existing, error) { return existing{name: name}, noService() }

func createService(unit.Unit) error { return noService() }

func deleteService(string) error { return noService() }

// serviced is for Windows, whose services speak a protocol of their own.
func serviced(func(context.Context) int) (code int, ok bool) { return 0, false }
