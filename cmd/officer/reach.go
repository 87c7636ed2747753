package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/internal/control"
	"github.com/officer-doofy/officer/messages"
)

// reached is an Officer that answers for one database: a running one, or this process.
type reached struct {
	path   string // absolute
	home   string
	direct bool
	ask    func(ctx context.Context, msg proto.Message, progress func(*messages.Progress)) (proto.Message, error)
	events func(context.Context, *messages.WatchRequest) (<-chan *messages.Event, error)
	close  func()
}

// homeOf is the home of a database: --home, or the folder of its name in there when
// an Officer of several databases made one, or the one beside the database.
func (c *cli) homeOf(path string) string {
	given := c.home
	if given == "" {
		given = c.homeIn(path)
	}
	if given == "" {
		return officer.HomeOf(path)
	}
	home, err := filepath.Abs(given)
	if err != nil {
		return given
	}
	stem := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if !exists(filepath.Join(home, "officer.lock")) && exists(filepath.Join(home, stem, "officer.lock")) {
		return filepath.Join(home, stem)
	}
	return home
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// reach finds the Officer that looks after a database. When none runs, this process
// takes the lock, works directly and says so; it does nothing that was not asked for.
func (c *cli) reach(ctx context.Context, database string, allowMissing bool) (*reached, error) {
	return c.reachOr(ctx, database, officer.Config{AllowMissing: allowMissing})
}

// look is reach for a verb that only reads: working directly it leaves nothing behind, be
// it in a home, which it does not make, or beside the database.
func (c *cli) look(ctx context.Context, database string, allowMissing bool) (*reached, error) {
	return c.reachOr(ctx, database, officer.Config{AllowMissing: allowMissing, Looks: true})
}

// reachFor is reach for an order about what lies in the home. One that only shows what it
// would do looks, and so does one that has nothing to go by, for want of a home.
func (c *cli) reachFor(ctx context.Context, database string, dry bool) (*reached, error) {
	if dry || c.homeless(database) {
		return c.look(ctx, database, true)
	}
	return c.reach(ctx, database, true)
}

// homeless tells whether there never was an Officer for a database.
func (c *cli) homeless(database string) bool {
	path, err := filepath.Abs(database)
	return err == nil && !exists(c.homeOf(path))
}

// reachOr reaches the running Officer, or works directly in the manner that by tells.
func (c *cli) reachOr(ctx context.Context, database string, by officer.Config) (*reached, error) {
	path, err := filepath.Abs(database)
	if err != nil || database == "" {
		return nil, usage(fmt.Sprintf("%q is no usable path", database))
	}
	home := c.homeOf(path)
	client, err := control.Reach(ctx, home, path)
	if err == nil {
		return &reached{path: path, home: home, ask: client.Ask, events: client.Subscribe, close: client.Close}, nil
	}
	var f *messages.Failure
	if errors.As(err, &f) && f.Code == "officer_silent" {
		return nil, err // it holds the lock: working directly is out of the question
	}
	cfg, err := c.alone(path, home)
	if err != nil {
		return nil, err
	}
	cfg.AllowMissing, cfg.Looks = by.AllowMissing, by.Looks
	o, err := officer.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if !c.quiet {
		fmt.Fprintf(c.err, "No Officer is running for %s: working directly.\n", clean(filepath.Base(path)))
	}
	return &reached{
		path: path, home: home, direct: true, events: o.Subscribe,
		ask: func(ctx context.Context, msg proto.Message, progress func(*messages.Progress)) (proto.Message, error) {
			return o.Ask(ctx, "", msg, progress)
		},
		close: func() { _ = o.Close() },
	}, nil
}

// running reaches the Officer that runs for a database, and no other way.
func (c *cli) running(ctx context.Context, database string) (*reached, error) {
	path, err := filepath.Abs(database)
	if err != nil || database == "" {
		return nil, usage(fmt.Sprintf("%q is no usable path", database))
	}
	home := c.homeOf(path)
	client, err := control.Reach(ctx, home, path)
	if err != nil {
		return nil, err
	}
	return &reached{path: path, home: home, ask: client.Ask, close: client.Close}, nil
}

// alone is the configuration of a verb that works directly: the settings of this one
// database, so that what is kept and checked does not depend on who does it.
func (c *cli) alone(path, home string) (officer.Config, error) {
	all, err := c.settings([]string{path})
	if err != nil {
		return officer.Config{}, err
	}
	cfg := configured(all)
	for _, d := range cfg.Databases {
		if d.Path == path {
			d.Home = home
			return officer.Config{Databases: []officer.Database{d}, Log: cfg.Log, Passive: true}, nil
		}
	}
	return officer.Config{}, usage(fmt.Sprintf("%q is no usable path", path))
}

// homeIn is the home that the configuration gives a database, or "".
func (c *cli) homeIn(path string) string {
	if c.configFile() == "" {
		return ""
	}
	all, err := c.settings([]string{path})
	if err != nil {
		return "" // said where the settings are needed
	}
	if d := all.Find(path); d != nil && d.Home != "" {
		return d.Home
	}
	return all.Home
}

// asking sends one request, with its progress shown, and gives its answer.
func asking[R proto.Message](ctx context.Context, c *cli, r *reached, msg proto.Message) (R, error) {
	m := c.meter()
	defer m.end()
	var none R
	got, err := r.ask(ctx, msg, m.hear)
	if err != nil {
		return none, err
	}
	answer, ok := got.(R)
	if !ok {
		return none, messages.NewFailure("internal", "ask", "an unexpected answer")
	}
	return answer, nil
}

// once reaches the Officer of a database for one request.
func once[R proto.Message](ctx context.Context, c *cli, database string, allowMissing bool, msg proto.Message) (R, *reached, error) {
	r, err := c.reach(ctx, database, allowMissing)
	return closing[R](ctx, c, r, err, msg)
}

// looking is once for a verb that only reads.
func looking[R proto.Message](ctx context.Context, c *cli, database string, allowMissing bool, msg proto.Message) (R, *reached, error) {
	r, err := c.look(ctx, database, allowMissing)
	return closing[R](ctx, c, r, err, msg)
}

// ordering is once for an order about what lies in the home.
func ordering[R proto.Message](ctx context.Context, c *cli, database string, msg proto.Message) (R, *reached, error) {
	r, err := c.reachFor(ctx, database, false)
	return closing[R](ctx, c, r, err, msg)
}

func closing[R proto.Message](ctx context.Context, c *cli, r *reached, err error, msg proto.Message) (R, *reached, error) {
	var none R
	if err != nil {
		return none, nil, err
	}
	defer r.close()
	answer, err := asking[R](ctx, c, r, msg)
	return answer, r, err
}

// newJob names a job so that its progress can be told from others'.
func newJob() string {
	return "cli-" + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
}

// shown is a path as short as it can be said: relative when it is below here.
func shown(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return clean(path)
	}
	if rel, err := filepath.Rel(here, path); err == nil && !strings.HasPrefix(rel, "..") {
		return clean(rel)
	}
	return clean(path)
}

// parseTime reads what people write for a moment, in local time unless it says otherwise.
func parseTime(text string) (int64, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02", "20060102T150405Z"} {
		if t, err := time.ParseInLocation(layout, text, zoneOf(layout)); err == nil {
			return t.UnixMilli(), nil
		}
	}
	return 0, usage(fmt.Sprintf("%q is no time", text), `officer restore app.db --before "2026-11-22 17:45"`)
}

func zoneOf(layout string) *time.Location {
	if strings.HasSuffix(layout, "Z") {
		return time.UTC
	}
	return time.Local
}
