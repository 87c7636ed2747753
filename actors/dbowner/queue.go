package dbowner

import "slices"

// queue holds the jobs that wait: three lanes, first in first out within each.
type queue struct {
	lanes [lanes][]*job
}

// lanes are PRIORITY_BACKGROUND, PRIORITY_INTERACTIVE and PRIORITY_URGENT.
const lanes = 3

func (q *queue) push(j *job) {
	lane := min(max(int(j.priority), 0), lanes-1)
	q.lanes[lane] = append(q.lanes[lane], j)
}

// pop takes the oldest job of the most urgent lane, nil when none waits.
func (q *queue) pop() *job {
	for lane := lanes - 1; lane >= 0; lane-- {
		if len(q.lanes[lane]) > 0 {
			j := q.lanes[lane][0]
			q.lanes[lane] = slices.Delete(q.lanes[lane], 0, 1)
			return j
		}
	}
	return nil
}

func (q *queue) len() int {
	n := 0
	for _, lane := range q.lanes {
		n += len(lane)
	}
	return n
}

// remove takes a job out, wherever it stands, and tells whether it waited.
func (q *queue) remove(j *job) bool {
	for i, lane := range q.lanes {
		if at := slices.Index(lane, j); at >= 0 {
			q.lanes[i] = slices.Delete(lane, at, at+1)
			return true
		}
	}
	return false
}

// find gives the waiting job with an id.
func (q *queue) find(id string) *job {
	for _, lane := range q.lanes {
		for _, j := range lane {
			if j.id == id {
				return j
			}
		}
	}
	return nil
}
