package main

import (
	"encoding/json"
	"io"
)

// console has the input and the outputs of a command.
type console struct {
	In       io.Reader
	Out, Err io.Writer
}

func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
