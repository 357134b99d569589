// Command sums writes the lists of SHA-256 sums beside the pom, from what mvn resolves it to today. It is run by
// `go generate ./servers` after a change of the pom; the difference is to be read before it is committed.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"realtime-election/local/maven"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "sums:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	parts := []maven.Part{maven.Kafka, maven.Spark}
	for _, platform := range maven.PostgreSQLPlatforms {
		parts = append(parts, maven.PostgreSQLFor(platform))
	}
	for _, part := range parts {
		if err := write(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

func write(ctx context.Context, part maven.Part) error {
	work, err := os.MkdirTemp("", "sums-")
	if err != nil {
		return fmt.Errorf("create a folder: %w", err)
	}
	defer os.RemoveAll(work)
	jars := filepath.Join(work, "jars")
	if err := maven.Copy(ctx, part, jars, work); err != nil {
		return err
	}
	sums, err := maven.Sums(jars)
	if err != nil {
		return err
	}
	var list strings.Builder
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		fmt.Fprintf(&list, "%s  %s\n", sums[name], name)
	}
	return os.WriteFile(part.Name+".sha256", []byte(list.String()), 0o644)
}
