package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"realtime-election/election"
)

// fromFiles sets a flag from the file that NAME_FILE names, if NAME is the flag's environment variable and is not set. So a
// container gets a secret without an argument or a variable that others could read.
func fromFiles() kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		for _, name := range flag.Envs {
			path, named := os.LookupEnv(name + "_FILE")
			if _, set := os.LookupEnv(name); set || !named {
				continue
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return nil, &election.InputError{Text: fmt.Sprintf("%s_FILE: %v", name, err)}
			}
			return strings.TrimRight(string(content), "\r\n"), nil
		}
		return nil, nil
	})
}
