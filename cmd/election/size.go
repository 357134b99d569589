package main

import (
	"fmt"
	"strconv"
	"strings"
)

// size is a number of bytes, written as Java, PostgreSQL and Docker all understand it: 512m or 1g.
type size int64

// UnmarshalText reads 512m, 512MB or 1g; 0 is nothing.
func (s *size) UnmarshalText(text []byte) error {
	unit := strings.TrimSuffix(strings.ToLower(string(text)), "b")
	shift := map[string]int{"k": 10, "m": 20, "g": 30}[unit[max(0, len(unit)-1):]]
	n, err := strconv.ParseInt(strings.TrimRight(unit, "kmg"), 10, 32)
	if err != nil || n < 0 || (shift == 0) != (n == 0) {
		return fmt.Errorf("%q is no size; write it like 512m or 2g", text)
	}
	*s = size(n) << shift
	return nil
}

// limit is what a program in a container takes at most by itself, and what the container may take in all.
type limit struct {
	part, whole         string
	partSize, wholeSize size
}

// beside is what a container needs besides the heap of its program: code, stacks, buffers.
const beside size = 256 << 20

// UnmarshalText reads KAFKA_HEAP=512m,KAFKA_MEMORY=1280m.
func (l *limit) UnmarshalText(text []byte) error {
	part, whole, _ := strings.Cut(string(text), ",")
	for _, half := range []struct {
		text string
		name *string
		size *size
	}{{part, &l.part, &l.partSize}, {whole, &l.whole, &l.wholeSize}} {
		name, value, _ := strings.Cut(half.text, "=")
		*half.name = name
		if err := half.size.UnmarshalText([]byte(value)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if l.partSize == 0 || l.partSize+beside > l.wholeSize {
		return fmt.Errorf("%s is too much for a container of %s: leave at least %d MiB for all else, by a smaller %s or a larger %s", part, whole, beside>>20, l.part, l.whole)
	}
	return nil
}
