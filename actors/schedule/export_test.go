package schedule

// PropsAt is Props with a clock that a test sets.
var PropsAt = propsAt
