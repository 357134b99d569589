//go:build !linux

package local

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// identify finds the identity of a process: its start alone, as ps says it. ended says that the process has ended, and its
// parent has not waited for it yet. After that, identify is an error.
func identify(pid int) (found identity, ended bool, err error) {
	cmd := exec.Command("ps", "-o", "stat=,lstart=", "-p", strconv.Itoa(pid))
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC"}
	output, err := cmd.Output()
	if err != nil {
		return identity{}, false, fmt.Errorf("find process %d: %w", pid, err)
	}
	state, started, ok := strings.Cut(strings.TrimSpace(string(output)), " ")
	if !ok {
		return identity{}, false, fmt.Errorf("find process %d: ps says %q", pid, output)
	}
	return identity{Started: strings.TrimSpace(started)}, strings.HasPrefix(state, "Z"), nil
}
