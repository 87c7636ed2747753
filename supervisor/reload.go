package supervisor

import (
	"context"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

// Reload takes on a new configuration while running: databases whose settings differ
// get a new tree with the new ones, new databases begin, those that are named no more
// end; nobody else is touched. Their events go on without a gap. What only a start can
// change (log, api, home) stays and is named. A configuration that cannot be used
// changes nothing and is the error, a *messages.Failure. A database that could not be
// taken on is listed by Problems, and tried again when what is wrong may pass. One that has begun is finished, also when ctx ends.
func (r *Running) Reload(ctx context.Context, cfg Config) (*messages.ConfigReloaded, error) {
	r.turn.Lock()
	defer r.turn.Unlock()
	if ctx.Err() != nil || r.life.Err() != nil {
		return nil, messages.NewFailure("interrupted", "reload the configuration", "interrupted before it began").WithDid("Nothing was changed.")
	}
	// Who asked may go away at any time, and databases of which the old tree has ended need their new one.
	ctx, cancel := r.unasked(ctx)
	defer cancel()
	out := &messages.ConfigReloaded{NeedsRestart: r.fixed(&cfg)}
	places, err := placesOf(cfg)
	if err != nil {
		return nil, err
	}
	definitions, err := registry()
	if err != nil {
		return nil, failureOf("reload the configuration", err)
	}
	changes := plan(r.known(), places, cfg)
	r.mu.Lock()
	r.cfg, r.problems, r.tries = cfg, nil, 0
	r.mu.Unlock()
	for _, c := range changes {
		r.change(ctx, cfg, c, definitions, out)
	}
	r.arrange(places)
	r.openWays()
	r.tend()
	return out, nil
}

// arrange puts the posts in the order of the config.
func (r *Running) arrange(places []place) {
	order := func(p *post) int {
		return slices.IndexFunc(places, func(at place) bool { return at.path == p.path })
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posts = slices.SortedFunc(slices.Values(r.posts), func(a, b *post) int { return order(a) - order(b) })
}

// fixed puts into cfg what a running Officer cannot change and names what differs.
func (r *Running) fixed(cfg *Config) (names []string) {
	if cfg.Log != r.cfg.Log {
		names = append(names, "log")
	}
	if !reflect.DeepEqual(cfg.API, r.cfg.API) {
		names = append(names, "api")
	}
	if cfg.Home != r.cfg.Home {
		names = append(names, "home")
	}
	now := r.cfg
	now.Databases, now.Notify = cfg.Databases, cfg.Notify
	*cfg = now
	return names
}

// difference is one database of which something changes: had is nil when it is new,
// at is nil when it ends.
type difference struct {
	had   *post
	at    *place
	index int // in the config
}

func (d difference) path() string {
	if d.at == nil {
		return d.had.path
	}
	return d.at.path
}

// plan compares what runs with what is wanted: endings first, so that what they hold
// is free, then in the order of the config.
func plan(posts []*post, places []place, cfg Config) (list []difference) {
	for _, p := range posts {
		if !slices.ContainsFunc(places, func(at place) bool { return at.path == p.path }) {
			list = append(list, difference{had: p})
		}
	}
	for i := range places {
		at := places[i]
		k := slices.IndexFunc(posts, func(p *post) bool { return p.path == at.path })
		if k < 0 {
			list = append(list, difference{at: &at, index: i})
			continue
		}
		p := posts[k]
		same := !p.stuck && p.name == at.name && p.home == at.home && reflect.DeepEqual(p.wants, cfg.Databases[i]) &&
			reflect.DeepEqual(p.tells, tellsOf(cfg, at.name))
		if !same {
			list = append(list, difference{had: p, at: &at, index: i})
		}
	}
	return list
}

// tellsOf gives the receivers that hear of a database.
func tellsOf(cfg Config, name string) (list []Notify) {
	for _, n := range cfg.Notify {
		if len(n.Databases) == 0 || slices.Contains(n.Databases, name) {
			list = append(list, n)
		}
	}
	return list
}

// change carries out one difference and notes it.
func (r *Running) change(ctx context.Context, cfg Config, d difference, definitions condition.Registry, out *messages.ConfigReloaded) {
	if d.had != nil && !r.finish(ctx, d.had) {
		return
	}
	if d.at == nil {
		d.had.free(0)
		r.trouble(d.had.path, nil)
		out.Removed = append(out.Removed, d.had.path)
		return
	}
	p, err := r.again(ctx, cfg, d)
	if err == nil {
		err = r.begin(ctx, cfg, p, definitions)
	}
	r.trouble(d.at.path, err)
	switch {
	case err != nil:
	case d.had != nil:
		out.Changed = append(out.Changed, p.path)
	default:
		out.Added = append(out.Added, p.path)
	}
}

// finish stops the tree of a post and takes it off the list. One that does not stop in
// time (a slow fsync) keeps its lock, for nobody may start beside it, and is asked for again.
func (r *Running) finish(ctx context.Context, p *post) bool {
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	_, err := kit.Ask[*treeChanged](ctx, r.system, r.root, &endTree{name: p.name}, nil)
	r.takeOff(p, err != nil)
	if err != nil {
		r.trouble(p.path, messages.NewFailure("no_answer", "stop "+filepath.Base(p.path), "it did not stop within five seconds").
			WithDid("It keeps its lock, and is started again once it has stopped.").WithHints("officer doctor "+shell.Word(p.path)))
	}
	return err == nil
}

// takeOff takes a post off the lists; a stuck one stays on that of those that have not ended.
func (r *Running) takeOff(p *post, stuck bool) {
	same := func(one *post) bool { return one == p }
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posts = slices.DeleteFunc(slices.Clone(r.posts), same)
	r.ending = slices.DeleteFunc(slices.Clone(r.ending), same)
	if p.stuck = stuck; stuck {
		r.ending = append(r.ending, p)
	}
}

// again gives the post of a database that begins, or begins anew: then it keeps its
// lock, and a file that is missing now is no reason to end.
func (r *Running) again(ctx context.Context, cfg Config, d difference) (*post, error) {
	if d.had == nil {
		return r.take(ctx, cfg, *d.at, d.index)
	}
	if d.had.name != d.at.name || d.had.home != d.at.home {
		d.had.free(0)
		return r.take(ctx, cfg, *d.at, d.index)
	}
	d.had.free(1)
	p := *d.had
	if err := p.look(cfg.FS, true); err != nil {
		p.log.Warn("the database is not as it should be", slog.Any("error", err))
	}
	p.engine = r.newEngine(cfg, p.path)
	p.wants, p.tells = cfg.Databases[d.index], tellsOf(cfg, p.name)
	return &p, nil
}

// begin starts the tree of a post and puts it on the list.
func (r *Running) begin(ctx context.Context, cfg Config, p *post, definitions condition.Registry) error {
	r.mu.Lock()
	for _, l := range r.listen {
		if l.only == nil {
			p.events.listen(l.pid)
		}
	}
	r.mu.Unlock()
	if err := r.plant(ctx, p, r.tree(cfg, p, definitions)); err != nil {
		return err
	}
	r.mu.Lock()
	r.posts = append(slices.Clone(r.posts), p)
	late := slices.Clone(r.listen)
	r.mu.Unlock()
	for _, l := range late { // whoever came between; twice is once
		if l.only == nil {
			r.system.Root.RequestWithCustomSender(p.tree, &messages.Subscribe{}, l.pid)
		}
	}
	return r.answering(ctx, []*post{p})
}

// plant has the root start a tree. When the root does not answer in time it may still do so
// later: then it has to end before another one begins.
func (r *Running) plant(ctx context.Context, p *post, props *actor.Props) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	_, err := kit.Ask[*treeChanged](ctx, r.system, r.root, &addTree{w: &ward{name: p.name, props: props}}, nil)
	switch {
	case err == nil:
	case failureOf("", err).Code == "actor_gone":
		p.free(0)
	default:
		r.takeOff(p, true)
	}
	return err
}

// trouble notes what is wrong with a database now; nil: nothing is.
func (r *Running) trouble(path string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = slices.DeleteFunc(slices.Clone(r.problems), func(p Problem) bool { return p.Path == path })
	if err != nil {
		r.problems = append(r.problems, Problem{Path: path, Failure: failureOf("look after "+filepath.Base(path), err)})
	}
}
