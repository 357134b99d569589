package main

import (
	"fmt"

	"realtime-election/internal/health"
)

type versionCommand struct{}

func (*versionCommand) Run(at console) error {
	_, err := fmt.Fprintln(at.Out, "election", health.Version())
	return err
}
