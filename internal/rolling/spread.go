package rolling

import (
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// fewMax is how many runs of a day are kept one by one. Most operations have fewer, and
// their percentiles are exact then.
const fewMax = 250

// spread is how long the runs of a day took: each while they are few (2 kB), then in a
// histogram of microseconds up to a day, to two digits, in about 30 kB.
type spread struct {
	few  []int64 // microseconds, sorted
	many *hdrhistogram.Histogram
}

// add counts n runs of a duration within the range.
func (s *spread) add(us, n int64) {
	if s.many == nil && int64(len(s.few))+n > fewMax {
		s.many = hdrhistogram.New(1, microsecondMax, 2)
		for _, one := range s.few {
			_ = s.many.RecordValue(one) // within its range by construction
		}
		s.few = nil
	}
	if s.many != nil {
		_ = s.many.RecordValues(us, n)
		return
	}
	at, _ := slices.BinarySearch(s.few, us)
	s.few = slices.Insert(s.few, at, slices.Repeat([]int64{us}, int(n))...)
}

func (s *spread) count() int64 {
	if s.many != nil {
		return s.many.TotalCount()
	}
	return int64(len(s.few))
}

// at gives the nearest rank of a percentage; there is at least one run.
func (s *spread) at(percent int64) (us int64) {
	n := s.count()
	rank := (n*percent + 99) / 100
	if s.many == nil {
		return s.few[rank-1]
	}
	// The histogram rounds to a rank, the nearest rank is the next one above.
	return s.many.ValueAtPercentile(100 * float64(rank) / float64(n))
}

// cells gives what add needs to make the same again.
func (s *spread) cells() (list [][2]int64) {
	if s.many != nil {
		for _, bar := range s.many.Distribution() {
			if bar.Count > 0 {
				list = append(list, [2]int64{bar.From, bar.Count})
			}
		}
		return list
	}
	for _, us := range s.few {
		if last := len(list) - 1; last >= 0 && list[last][0] == us {
			list[last][1]++
			continue
		}
		list = append(list, [2]int64{us, 1})
	}
	return list
}
