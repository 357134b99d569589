package main

import (
	"io"

	"realtime-election/internal/shipped"
)

type licensesCommand struct{}

func (*licensesCommand) Run(at console) error {
	_, err := io.WriteString(at.Out, shipped.Licenses)
	return err
}
