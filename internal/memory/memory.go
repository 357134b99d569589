// Package memory reads the limits on the memory of programs and their containers, and the memory of the machine.
package memory

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// Size is a number of bytes. It is written as Java, PostgreSQL and Docker read it: 512m or 1g.
type Size int64

// UnmarshalText reads 512m, 512MB, 1g or 0.
func (s *Size) UnmarshalText(text []byte) error {
	unit := strings.TrimSuffix(strings.ToLower(string(text)), "b")
	shift := map[string]int{"k": 10, "m": 20, "g": 30}[unit[max(0, len(unit)-1):]]
	n, err := strconv.ParseInt(strings.TrimRight(unit, "kmg"), 10, 32)
	if err != nil || n < 0 || (shift == 0) != (n == 0) {
		return fmt.Errorf("%q is no size; write it like 512m or 2g", text)
	}
	*s = Size(n) << shift
	return nil
}

// Limit is the largest heap of a program in a container, and the memory limit of the container.
type Limit struct {
	Part, Whole         string // the names of the two settings
	PartSize, WholeSize Size
}

// overhead is the memory that a container needs besides the heap of its program: for code, stacks and buffers.
const overhead Size = 256 << 20

// UnmarshalText reads KAFKA_HEAP=512m,KAFKA_MEMORY=1280m.
func (l *Limit) UnmarshalText(text []byte) error {
	part, whole, _ := strings.Cut(string(text), ",")
	for _, half := range []struct {
		text string
		name *string
		size *Size
	}{{part, &l.Part, &l.PartSize}, {whole, &l.Whole, &l.WholeSize}} {
		name, value, _ := strings.Cut(half.text, "=")
		*half.name = name
		if err := half.size.UnmarshalText([]byte(value)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if l.PartSize == 0 || l.PartSize+overhead > l.WholeSize {
		return fmt.Errorf("%s is too much for a container of %s: leave at least %d MiB for all else, by a smaller %s or a larger %s", part, whole, overhead>>20, l.Part, l.Whole)
	}
	return nil
}

// OfMachine is the memory of this machine, or of the virtual machine in which Docker runs.
func OfMachine() (Size, error) {
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) == 3 && fields[0] == "MemTotal:" {
			kibibytes, err := strconv.ParseInt(fields[1], 10, 64)
			return Size(kibibytes) << 10, err
		}
	}
	return 0, io.ErrUnexpectedEOF
}
