package spark

import (
	"context"

	"realtime-election/spark/internal/protocol"
)

// WithTag tags what is run with the context, beside the tags that the context has already: queries and commands while they run,
// and streaming queries started with it for as long as they live. InterruptTag ends what carries a tag. Questions to streaming queries,
// Heartbeat and Events carry none, so that one context can serve for all: interrupting its tag does not end them. A tag is not empty and
// has no comma, or what is run with it fails before it is sent. It is addTag in Spark's documentation, where a thread has tags.
func WithTag(ctx context.Context, tag string) context.Context { return protocol.WithTag(ctx, tag) }
