package spark

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"realtime-election/spark/wire"
)

type tagsKey struct{}

// WithTag tags what is run with the context, beside the tags that the context has already: queries and commands while they run,
// and streaming queries started with it for as long as they live. InterruptTag ends what carries a tag. Questions to streaming queries,
// Heartbeat and Events carry none, so that one context can serve for all: interrupting its tag does not end them. A tag is not empty and
// has no comma, or what is run with it fails before it is sent. It is addTag in Spark's documentation, where a thread has tags.
func WithTag(ctx context.Context, tag string) context.Context {
	return context.WithValue(ctx, tagsKey{}, append(slices.Clip(tags(ctx)), tag))
}

func tags(ctx context.Context) []string {
	all, _ := ctx.Value(tagsKey{}).([]string)
	return all
}

// tagsOf returns the tags to send with a plan.
func tagsOf(ctx context.Context, plan *wire.Plan) []string {
	switch plan.GetCommand().GetCommandType().(type) {
	case *wire.Command_StreamingQueryCommand, *wire.Command_StreamingQueryManagerCommand, *wire.Command_StreamingQueryListenerBusCommand:
		return nil
	}
	return tags(ctx)
}

// checkTag holds a tag to what Spark allows, which joins tags with commas.
func checkTag(tag string) error {
	if tag == "" {
		return errors.New("a tag is empty: give it at least one character")
	}
	if strings.Contains(tag, ",") {
		return fmt.Errorf("tag %q has a comma, which separates tags in Spark: use another character", tag)
	}
	return nil
}
