package main

import (
	"realtime-election/internal/definition"
)

type definitionCommand struct{}

func (*definitionCommand) Run(at console) error {
	_, err := at.Out.Write(definition.DefaultText())
	return err
}
