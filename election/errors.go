package election

// InputError is a mistake in what a person gave: trying again without changing it cannot help.
type InputError struct{ Text string }

func (e *InputError) Error() string { return e.Text }
