package control

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/kit"
)

// Config is what an API is made of; only Officer is needed.
type Config struct {
	Officer Officer
	Version string
	// Page serves the page, its files and /officer-card.js; nil = there is none. It is asked
	// without a login: it holds no data.
	Page http.Handler
	// AllowRemote lets Listen take an address that other machines reach.
	AllowRemote bool
	// Hosts are more names by which clients may call the port, with or without its number.
	Hosts []string
	// Origins are web origins ("https://app.example.org") whose pages may call and frame it.
	Origins []string
	// Log gives the log of this moment; nil = nothing is logged.
	Log func() *slog.Logger
	// Files is where tokens and endpoints lie; nil = the operating system.
	Files fsx.FS
}

// API is what one Officer shows the outside: a socket in each home, at most one TCP port
// for all of them, and what their clients share. Its methods may be called from several
// goroutines.
type API struct {
	cfg        Config
	operations *operations
	stream     *stream
	gate       *gate
	answering  chan struct{} // one for each request under way
	reading    chan struct{} // one for each body being read
	grumbles   grumbles
	ctx        context.Context // of every request
	stop       context.CancelFunc

	mu    sync.Mutex
	homes []*entry
	port  *door // nil = none
}

// entry is one home with its ways in.
type entry struct {
	home, database string
	socket         *door
	token          bool // {home}/token is good for the port
	tries          int  // to read or keep it that failed
}

// New makes an API that nobody reaches yet.
func New(cfg Config) *API {
	if cfg.Files == nil {
		cfg.Files = fsx.OS()
	}
	if cfg.Log == nil {
		cfg.Log = func() *slog.Logger { return slog.New(slog.DiscardHandler) }
	}
	ctx, stop := context.WithCancel(context.Background())
	return &API{
		ctx: ctx, stop: stop, cfg: cfg, operations: newOperations(cfg.Officer), stream: newStream(cfg.Officer), gate: newGate(),
		answering: make(chan struct{}, answeringMax), reading: make(chan struct{}, readingMax),
	}
}

// Open answers at the socket of home until Shut or Close. Requests that name no database
// mean the one called database. The caller holds the lock of home: a socket that lies there
// is then a dead process's and is removed.
func (a *API) Open(home, database string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.entryOf(home)
	if e != nil && e.socket != nil {
		return nil
	}
	listener, path, err := listen(home)
	if err != nil {
		return err
	}
	if e == nil {
		e = a.enter(home, database)
	}
	e.socket = a.newDoor(listener, path, a.local(database))
	a.admit(e)
	return nil
}

// Join lets clients of the TCP port reach a database without opening a socket for it: its
// home gets the token and says where the port is.
func (a *API) Join(home, database string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.entryOf(home) == nil {
		a.admit(a.enter(home, database))
	}
}

// enter begins with a home: what a process that was killed left of a file in the making
// is removed, for in one of them may be a token.
func (a *API) enter(home, database string) *entry {
	for _, name := range []string{endpointName, tokenName, doormatName, pipeFile} {
		if err := fsx.RemoveTemps(a.cfg.Files, filepath.Join(home, name)); err != nil {
			a.cfg.Log().Warn("what a killed process left cannot be removed", slog.String("of", name), slog.Any("error", err))
		}
	}
	e := &entry{home: home, database: database}
	a.homes = append(a.homes, e)
	return e
}

func (a *API) entryOf(home string) *entry {
	for _, e := range a.homes {
		if e.home == home {
			return e
		}
	}
	return nil
}

// Homes are those that were opened or joined.
func (a *API) Homes() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	homes := make([]string, 0, len(a.homes))
	for _, e := range a.homes {
		homes = append(homes, e.home)
	}
	return homes
}

// Shut closes the socket of a home once running calls have finished, at the latest when
// ctx is done, and takes back its token.
func (a *API) Shut(ctx context.Context, home string) error {
	a.mu.Lock()
	e := a.entryOf(home)
	if e == nil {
		a.mu.Unlock()
		return nil
	}
	kept := make([]*entry, 0, len(a.homes))
	for _, one := range a.homes {
		if one != e {
			kept = append(kept, one)
		}
	}
	a.homes = kept
	a.gate.forget(home)
	a.mu.Unlock()
	return a.leave(ctx, e)
}

// leave closes what an entry has open. Another Officer may begin in that home right after.
func (a *API) leave(ctx context.Context, e *entry) error {
	var err error
	for _, name := range []string{endpointName, doormatName, pipeFile} {
		if gone := a.cfg.Files.Remove(filepath.Join(e.home, name)); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	if e.socket != nil {
		err = errors.Join(err, e.socket.close(ctx))
	}
	return err
}

// Listen opens the TCP port. An address that other machines reach needs AllowRemote. The
// error is a *messages.Failure.
func (a *API) Listen(address string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.listenAt(address)
}

func (a *API) listenAt(address string) error {
	if a.port != nil {
		return nil
	}
	listener, err := listenTCP(address, a.cfg.AllowRemote)
	if err != nil {
		return err
	}
	names, err := newNames(listener.Addr(), a.cfg.Hosts, a.cfg.Origins)
	if err != nil {
		_ = listener.Close()
		return err
	}
	a.gate.open(names.port)
	a.port = a.newDoor(listener, names.url, a.remote(names))
	for _, e := range a.homes {
		a.admit(e)
	}
	return nil
}

// loopback is the port that is opened for the page when there is none.
const loopback = "127.0.0.1:0"

// dashboard gives a link that logs in once and the file that leads to it. It opens a port
// when there is none.
func (a *API) dashboard(database, home string) (link, file string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.listenAt(loopback); err != nil {
		return "", "", err
	}
	link = a.port.at + loginLink(a.gate.invite(), database)
	file = filepath.Join(home, doormatName)
	if err := fsx.WriteAtomic(a.cfg.Files, file, doormat(link), 0o600); err != nil {
		a.cfg.Log().Warn("the file that leads to the page cannot be written", slog.String("home", home), slog.Any("error", err))
		return link, "", nil // the link works without
	}
	time.AfterFunc(inviteFor, func() { a.sweep(home) })
	return link, file, nil
}

// sweep removes the file that leads to a link which does not work any more. A newer one is
// younger than that.
func (a *API) sweep(home string) {
	file := filepath.Join(home, doormatName)
	if info, err := a.cfg.Files.Lstat(file); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) >= inviteFor-time.Second {
		_ = a.cfg.Files.Remove(file)
	}
}

// admit gives a home its token, when there is a port to use it at, and writes down where
// its Officer is reached. A home that cannot be written to loses that, not its socket.
func (a *API) admit(e *entry) {
	if a.port != nil && !e.token {
		a.allow(e)
	}
	a.writeDown(e)
}

// allow makes the token of a home good. What failed for a moment is tried again: without a token
// nobody is let in at the port for as long as Officer runs.
func (a *API) allow(e *entry) {
	token, err := loadToken(a.cfg.Files, filepath.Join(e.home, tokenName))
	if err == nil {
		a.gate.allow(e.home, token)
		e.token = true
		return
	}
	if e.tries++; e.tries == 1 {
		a.cfg.Log().Error("the token of the API cannot be read or kept; it is tried again", slog.String("home", e.home), slog.Any("error", err))
	}
	time.AfterFunc(kit.ReadAgain(e.tries), func() { a.allowAgain(e) })
}

// allowAgain does so for a home that is still there.
func (a *API) allowAgain(e *entry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Contains(a.homes, e) || e.token {
		return
	}
	if a.allow(e); e.token {
		a.writeDown(e)
	}
}

func (a *API) writeDown(e *entry) {
	if err := writeEndpoint(a.cfg.Files, e.home, a.endpointOf(e)); err != nil {
		a.cfg.Log().Warn("where the API is reached cannot be written down", slog.String("home", e.home), slog.Any("error", err))
	}
}

func (a *API) endpointOf(e *entry) Endpoint {
	out := Endpoint{Version: a.cfg.Version, PID: os.Getpid()}
	if e.socket != nil {
		out.Socket = e.socket.at
	}
	if a.port != nil {
		out.URL = a.port.at
	}
	if e.token {
		out.TokenFile = filepath.Join(e.home, tokenName)
	}
	return out
}

// Endpoint tells where the Officer of a home is reached, of one that it does not have (yet)
// where the port is; the zero value if nowhere.
func (a *API) Endpoint(home string) Endpoint {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.entryOf(home)
	switch {
	case e != nil:
	case a.port != nil:
		e = &entry{}
	default:
		return Endpoint{}
	}
	return a.endpointOf(e)
}

// Close cancels what is under way, lets answers go out until ctx is done, then cuts them,
// and removes sockets and endpoints.
func (a *API) Close(ctx context.Context) error {
	a.operations.close()
	a.stream.close()
	a.stop()
	a.mu.Lock()
	homes, port := a.homes, a.port
	a.homes, a.port = nil, nil
	a.mu.Unlock()
	var errs []error
	if port != nil {
		errs = append(errs, port.close(ctx))
	}
	for _, e := range homes {
		errs = append(errs, a.leave(ctx, e))
	}
	return errors.Join(errs...)
}
