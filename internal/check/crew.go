package check

// Crew runs units of work. The work itself is pure: it has no clock and starts nothing,
// so that whoever runs it decides how much of the machine it gets.
type Crew interface {
	// Workers is how many units may run at once.
	Workers() int
	// Each calls do once for every unit from 0 to units-1, with a worker from 0 to
	// workers-1, and returns when all calls have. Calls with one worker follow each other.
	Each(workers, units int, do func(worker, unit int))
}

// Alone is the crew of one that works in the caller's own goroutine.
type Alone struct{}

// Workers is 1.
func (Alone) Workers() int { return 1 }

// Each runs the units in order.
func (Alone) Each(_, units int, do func(worker, unit int)) {
	for unit := range units {
		do(0, unit)
	}
}
