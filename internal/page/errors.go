package page

import "strconv"

// Error says which sentence of the format is broken, and where.
type Error struct {
	Rule   Rule
	Page   uint32 // 0: the structure is not on a numbered page
	Offset int    // of the structure's first wrong byte, from the start of the page or structure
	Got    int64  // what stands there, as far as one number says it
}

// Error gives place, what was found and the sentence.
func (e *Error) Error() string {
	s := "byte " + strconv.Itoa(e.Offset) + " holds " + strconv.FormatInt(e.Got, 10) + ", but: " + string(e.Rule)
	if e.Page != 0 {
		s = "page " + strconv.FormatUint(uint64(e.Page), 10) + ": " + s
	}
	return s
}

// Is makes errors.Is(err, &Error{Rule: r}) ask for the sentence alone.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Rule == e.Rule
}

func broken(rule Rule, page uint32, offset int, got int64) error {
	return &Error{Rule: rule, Page: page, Offset: offset, Got: got}
}
