package retention

import "github.com/officer-doofy/officer/internal/fault"

// Policy says how many slots each tier has.
type Policy struct {
	Recent, Daily, Weekly, Monthly, Yearly int
}

// slotsMax bounds a policy: every slot is a full copy of the database.
const slotsMax = 1000

// Default is the policy of 16 slots: 1 recent, 1 daily, 1 weekly, 12 monthly, 1 yearly.
func Default() Policy {
	return Policy{Recent: 1, Daily: 1, Weekly: 1, Monthly: 12, Yearly: 1}
}

// Total is the number of slots.
func (p Policy) Total() int {
	return p.Recent + p.Daily + p.Weekly + p.Monthly + p.Yearly
}

// Validate refuses a policy without a recent slot, with negative numbers or with
// more than 1000 slots; the error's code is fault.Invalid.
func (p Policy) Validate() error {
	const op = "validate retention policy"
	for _, n := range []struct {
		name  string
		slots int
	}{{"recent", p.Recent}, {"daily", p.Daily}, {"weekly", p.Weekly}, {"monthly", p.Monthly}, {"yearly", p.Yearly}} {
		if n.slots < 0 || n.slots > slotsMax {
			return fault.New(fault.Invalid, op, "keep.%s is %d; it must be 0 to %d", n.name, n.slots, slotsMax)
		}
	}
	if p.Recent == 0 {
		return fault.New(fault.Invalid, op, "keep.recent is 0; the newest backup always stays, so it must be at least 1")
	}
	if p.Total() > slotsMax {
		return fault.New(fault.Invalid, op, "the policy has %d slots; at most %d are allowed", p.Total(), slotsMax)
	}
	return nil
}
