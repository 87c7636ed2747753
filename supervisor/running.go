package supervisor

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/internal/control"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/messages"
)

// stopWithin is how long Stop waits when its context has no deadline.
const stopWithin = 5 * time.Second

// Running is Officer at work. Its methods may be called from several goroutines.
type Running struct {
	system   *actor.ActorSystem
	root     *actor.PID
	routes   *routes
	held     sqlite.Descriptors // shared by all connections of this process
	started  time.Time
	cfg      Config       // as it is in force; log, API and home are those of the start
	mu       sync.RWMutex // of the lists below: Reload changes them
	posts    []*post
	ending   []*post // whose trees did not end in time: they keep their locks until they have
	problems []Problem
	listen   []listening // who hears the events of all databases, also of later ones
	turn     sync.Mutex  // one Reload or retry at a time
	timer    *time.Timer // of the next retry; these two belong to who has the turn
	tries    int         // how often it was tried since the last Reload
	life     context.Context
	end      context.CancelFunc // of life: Stop began
	api      *control.API       // nil until Serve
	stop     sync.Once
	stopped  error
	done     chan struct{} // closed when Stop ended: subscriptions end
}

// post is one database that is looked after.
type post struct {
	place
	tree    *actor.PID
	engine  *engine
	log     *slog.Logger
	wants   Database    // its settings
	tells   []Notify    // who hears of it
	events  *eventLog   // goes on when the tree is made anew
	meters  *kit.Meters // of its actors
	release []func()    // undone in reverse when everything stopped
	stuck   bool        // its tree did not end in time
}

// Problem is a database that could not be taken on, while others could. When what is
// wrong may pass (a device that fails, a lock that somebody has) it is tried again, after
// 1, 2, 4, 8 and then every 15 minutes, unless Officer is passive.
type Problem struct {
	Path    string
	Failure *messages.Failure
}

// Looked is one database that is looked after.
type Looked struct {
	Name string
	Path string // absolute
	Home string // absolute
}

// Databases lists what is looked after, in the order of the config.
func (r *Running) Databases() []Looked {
	posts := r.all()
	list := make([]Looked, 0, len(posts))
	for _, p := range posts {
		list = append(list, Looked{Name: p.name, Path: p.path, Home: p.home})
	}
	return list
}

// Problems lists the databases that could not be taken on.
func (r *Running) Problems() []Problem {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Clone(r.problems)
}

// all gives the posts of this moment.
func (r *Running) all() []*post {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Clone(r.posts)
}

// known gives also the posts whose trees have not ended yet.
func (r *Running) known() []*post {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Concat(r.posts, r.ending)
}

// Info names this Officer.
func (r *Running) Info() *messages.Info {
	info := &messages.Info{Version: Version, Pid: processID(), StartedAt: r.started.UTC().Format(time.RFC3339)}
	for _, p := range r.all() {
		info.Databases = append(info.Databases, p.path)
	}
	return info
}

// find gives the post for a name, a path, or "" when there is only one.
func (r *Running) find(database string) (*post, *messages.Failure) {
	posts := r.all()
	if database == "" && len(posts) == 1 {
		return posts[0], nil
	}
	abs, _ := filepath.Abs(database)
	for _, p := range posts {
		if database != "" && (p.name == database || p.path == database || p.path == abs) {
			return p, nil
		}
	}
	if database == "" {
		return nil, messages.NewFailure("invalid", "find the database", "several databases are looked after; name one of them")
	}
	return nil, messages.NewFailure("unknown_database", "find the database", "%s is not looked after by this Officer", database)
}

// Ask sends a request to the part that takes it and waits for its one answer. The
// error is a *messages.Failure. Progress, when not nil, hears of the work meanwhile;
// subscribers hear it too.
func (r *Running) Ask(ctx context.Context, database string, msg proto.Message, progress func(*messages.Progress)) (proto.Message, error) {
	if answer, ofAll, err := r.ofAll(ctx, msg); ofAll {
		return answer, err
	}
	p, f := r.find(database)
	if f != nil {
		return nil, f
	}
	ask := func(msg proto.Message) (proto.Message, error) { return r.ask(ctx, p, msg, progress) }
	if order, gone := p.gone(p.engine.files, msg); gone {
		return r.bringBack(ctx, p, order, ask)
	}
	return ask(msg)
}

// settleWithin is how long a cancelled job gets to clean up and answer.
const settleWithin = 3 * time.Second

// ask sends a request to the part of one database that takes it. When ctx ends, a job
// that has a name is cancelled and gets a moment to remove what it had begun: whoever
// interrupts a backup finds no stray afterwards. Its answer then is the truth.
func (r *Running) ask(ctx context.Context, p *post, msg proto.Message, progress func(*messages.Progress)) (proto.Message, error) {
	to, f := r.taker(p, msg)
	if f != nil {
		return nil, f
	}
	if job, ok := msg.(interface{ GetJobId() string }); ok && job.GetJobId() != "" {
		waiting, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		defer context.AfterFunc(ctx, func() {
			for _, part := range []string{"dbowner", "backup"} { // where jobs wait or run
				r.system.Root.Send(kit.NewPeers(r.system, p.tree.Id).Of(part), &messages.CancelJob{Id: job.GetJobId()})
			}
			time.AfterFunc(settleWithin, cancel)
		})()
		ctx = waiting
	}
	answer, err := kit.Ask[proto.Message](ctx, r.system, to, msg, func(step *messages.Progress) {
		r.system.Root.Send(p.tree, step)
		if progress != nil {
			progress(step)
		}
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// taker is the actor that takes a request.
func (r *Running) taker(p *post, msg proto.Message) (*actor.PID, *messages.Failure) {
	name := nameOf(msg)
	if name == "GetStatus" || name == "GetEvents" {
		return p.tree, nil
	}
	for _, s := range systems() {
		for _, t := range s.takes {
			if t == name {
				return kit.NewPeers(r.system, p.tree.Id).Of(s.name), nil
			}
		}
	}
	return nil, messages.NewFailure("unhandled", "ask", "nobody here takes %s", name)
}

// Handle opens a database/sql handle of Officer's own driver on a database, so that
// one process never holds two SQLites on one file. Its connections begin with
// synchronous=FULL; docs/decisions/0029-the-app-s-handle-is-durable.md.
func (r *Running) Handle(database string) (*sql.DB, error) {
	p, f := r.find(database)
	if f != nil {
		return nil, f
	}
	db, err := sqlite.OpenDB(p.path, sqlite.Options{VFS: p.engine.vfs, Descriptors: p.engine.held, Durable: true, Trace: r.trace(p)})
	if err != nil {
		p.log.Error("a handle for the host program could not be opened", slog.Any("error", err))
		return nil, failureOf("open "+filepath.Base(p.path), err)
	}
	return db, nil
}

// Stop stops every tree, its parts in reverse order, and waits: until ctx is done, or
// five seconds. What could not stop in time keeps its lock, so that nobody else starts
// beside it. Every further call gives the first one's outcome.
func (r *Running) Stop(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, stopWithin)
		defer cancel()
	}
	r.stop.Do(func() {
		defer close(r.done)
		r.cease(ctx)
		r.closeWays(ctx)
		if r.root != nil {
			if !r.cfg.Passive {
				r.emptyWALs(ctx)
			}
			r.hearOut(ctx)
			r.stopped = kit.StopTree(ctx, r.system, r.root)
		}
		if r.stopped != nil {
			return
		}
		for _, p := range r.known() {
			p.free(0)
		}
	})
	return r.stopped
}

// free gives back what a post holds, but for the first keep things.
func (p *post) free(keep int) {
	for i := len(p.release) - 1; i >= keep; i-- {
		p.release[i]()
	}
	p.release = p.release[:min(keep, len(p.release))]
}
