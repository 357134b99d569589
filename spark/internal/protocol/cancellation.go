package protocol

import (
	"context"
	"errors"
)

// cancellation is the end of the caller's context with a cause of its own: it reads as the cause, and errors.Is finds the cause and
// context.Canceled or context.DeadlineExceeded.
type cancellation struct{ cause, err error }

func (c *cancellation) Error() string   { return c.cause.Error() }
func (c *cancellation) Unwrap() []error { return []error{c.cause, c.err} }

// cancellationOf returns the error of a context that has ended, with its cause if that says more.
func cancellationOf(ctx context.Context) error {
	cause, err := context.Cause(ctx), ctx.Err()
	if cause == err {
		return err
	}
	return &cancellation{cause, err}
}

// cancelled reports whether the caller ended the context with a cause: what the cause holds is not the server's fault.
func cancelled(err error) bool {
	var c *cancellation
	return errors.As(err, &c)
}
