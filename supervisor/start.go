package supervisor

import (
	"context"
	"errors"
	"hash/fnv"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/host"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/rotate"
	"github.com/officer-doofy/officer/messages"
)

// startWithin is how long every part may take to answer its first Ping.
const startWithin = 30 * time.Second

// Start takes on the databases of cfg and returns when every part of every tree
// answers. A database that cannot be taken on is a Problem and leaves the others
// alone; when what is wrong may pass it is tried again from time to time. Only when none could be is it an error, a *messages.Failure: "locked" (another
// Officer), "database_missing" (but backups exist), "missing", "invalid" and others.
func Start(ctx context.Context, cfg Config) (*Running, error) {
	if cfg.FS == nil {
		cfg.FS = fsx.OS()
		cfg.elapsed = host.Elapsed // a file system of a test brings a time of its own
	}
	if cfg.Looks {
		cfg.Passive, cfg.FS = true, fsx.ReadOnly(cfg.FS)
	}
	places, err := placesOf(cfg)
	if err != nil {
		return nil, err
	}
	definitions, err := registry()
	if err != nil {
		return nil, failureOf("start", err)
	}
	r := &Running{cfg: cfg, started: time.Now(), done: make(chan struct{}), routes: newRoutes(cfg.Logger)}
	r.life, r.end = context.WithCancel(context.WithoutCancel(ctx))
	r.system = newSystem(r.routes)
	var wards []*ward
	for i, at := range places {
		p, err := r.take(ctx, cfg, at, i)
		if err != nil {
			r.trouble(at.path, err)
			continue
		}
		r.posts = append(r.posts, p)
		wards = append(wards, &ward{name: p.name, props: r.tree(cfg, p, definitions)})
	}
	if f := r.hopeless(); f != nil {
		return nil, f
	}
	if r.root, err = r.system.Root.SpawnNamed(rootProps(standardPolicy(), wards), rootName); err != nil {
		return nil, failureOf("start", err)
	}
	if err := r.answering(ctx, r.posts); err != nil {
		_ = r.Stop(context.WithoutCancel(ctx))
		return nil, err
	}
	if !cfg.Passive {
		r.noteStart(r.posts)
	}
	r.turn.Lock()
	defer r.turn.Unlock()
	r.tend()
	return r, nil
}

// hopeless says why there is nothing to look after, nil when there is, or may be: a
// database that is missing is waited for when the config says so.
func (r *Running) hopeless() *messages.Failure {
	if len(r.posts) > 0 {
		return nil
	}
	for _, p := range r.problems {
		if !r.cfg.Await || p.Failure.Code != string(fault.Missing) {
			return p.Failure
		}
	}
	return nil
}

// newSystem makes the actor system: no metrics provider (it would open a port or do
// nothing), nothing of the contents of lost messages in any log.
func newSystem(to *routes) *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return to.logger() }),
		actor.WithDeadLetterRequestLogging(false),
		// The throttle counts within this time and must not keep a goroutine for long.
		actor.WithDeadLetterThrottleInterval(time.Millisecond),
	)
}

// take finds, locks and opens what a database needs before its tree can run. i is its
// place in the config.
func (r *Running) take(ctx context.Context, cfg Config, at place, i int) (*post, error) {
	if err := at.look(cfg.FS, cfg.AllowMissing); err != nil {
		return nil, err
	}
	e := r.newEngine(cfg, at.path)
	if err := e.Guard(context.Background()); err != nil {
		return nil, foreignDriver(at.path, err)
	}
	settle := at.settle
	if cfg.Looks {
		settle = at.visit
	}
	unlock, err := settle(ctx, cfg.FS, cfg.LockWait)
	if err != nil {
		return nil, err
	}
	return &post{
		place: at, tree: r.system.NewLocalPID(rootName + "/" + at.name), release: []func(){unlock}, engine: e,
		wants: cfg.Databases[i], tells: tellsOf(cfg, at.name), events: &eventLog{database: at.name}, meters: &kit.Meters{},
	}, nil
}

// foreignDriver is the refusal to be a second SQLite in the host's process: POSIX locks
// belong to the process, so closing a file here would take the host's locks away
// (https://sqlite.org/howtocorrupt.html, part 2.2).
func foreignDriver(path string, err error) error {
	f := failureOf("look after "+filepath.Base(path), err)
	if f.Code != string(fault.ForeignDriver) {
		return f
	}
	return f.WithDid("The database was not opened and nothing was changed.").WithHints(
		"in this program: use the handle that Officer gives, officer.DB(name), in place of the other driver",
		"beside this program: officer run "+path)
}

// openBook opens the log of a database, for who only looks none. A log that cannot be opened is no reason to
// leave the data without backups: then records go where those of no database go.
func (r *Running) openBook(cfg Config, p *post) *rotate.Book {
	if cfg.Looks {
		p.log = r.routes.logger()
		return nil
	}
	book, err := rotate.New(cfg.FS, rotate.Config{
		Dir: p.logDir(), Name: p.name, Level: cfg.Log.Level, Format: cfg.Log.Format,
		MaxFileBytes: cfg.Log.MaxFileBytes, Keep: cfg.Log.Keep, MaxTotalBytes: cfg.Log.MaxTotalBytes,
	})
	if err != nil {
		p.log = r.routes.logger()
		p.log.Error("the log could not be opened", slog.String("database", p.name), slog.Any("error", err))
		return nil
	}
	r.routes.add(p.name, book.Logger().Handler())
	p.log = book.Logger()
	p.release = append(p.release, func() {
		r.routes.remove(p.name)
		_ = book.Close()
	})
	return book
}

// answering waits until the root, each tree and each of its parts answers a Ping. A
// part that crashed already is under supervision and counts as there.
func (r *Running) answering(ctx context.Context, posts []*post) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	ids := []*actor.PID{r.root}
	for _, p := range posts {
		ids = append(ids, p.tree)
		for _, s := range systems() {
			ids = append(ids, kit.NewPeers(r.system, p.tree.Id).Of(s.name))
		}
	}
	for _, id := range ids {
		_, err := kit.Ask[*messages.Pong](ctx, r.system, id, &messages.Ping{}, nil)
		var f *messages.Failure
		if err != nil && !(errors.As(err, &f) && f.Code == "actor_gone" && id != r.root) {
			return err
		}
	}
	return nil
}

// Alive tells whether the root answers: that is what a liveness probe and a watchdog ask.
// It never follows the health of a database, which no restart of Officer would mend.
func (r *Running) Alive(ctx context.Context) error {
	_, err := kit.Ask[*messages.Pong](ctx, r.system, r.root, &messages.Ping{}, nil)
	return err
}

// tree opens the log and makes the props of a database's tree.
func (r *Running) tree(cfg Config, p *post, definitions condition.Registry) *actor.Props {
	peers := kit.NewPeers(r.system, p.tree.Id)
	made := parts{
		place: p.place, peers: peers, passive: cfg.Passive, settings: p.wants, tells: p.tells, files: cfg.FS,
		engine: p.engine, definitions: definitions, book: r.openBook(cfg, p), seed: cfg.Seed, log: p.log,
		lookEvery: cfg.LookEvery, elapsed: cfg.elapsed, meters: p.meters,
	}
	if made.seed == 0 {
		h := fnv.New64a()
		h.Write([]byte(p.path))
		made.seed = h.Sum64()
	}
	if !cfg.Passive {
		p.tidy(cfg.FS, p.log)
	}
	p.events.keep(cfg.FS, p.place, p.log)
	return p.meters.Watch("tree", treeProps(treeConfig{
		peers: peers, log: p.log, policy: standardPolicy(), database: p.name, file: filepath.Base(p.path), path: p.path, home: p.home,
		version: Version, pid: processID(), passive: cfg.Passive, systems: systems(), events: p.events,
		props: func(s system) *actor.Props { return p.meters.Watch(s.name, s.props(made)) },
	}))
}

func processID() int64 { return int64(os.Getpid()) }
