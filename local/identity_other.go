//go:build !linux

package local

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// identity is when the process started, as ps says it: another process that gets the same pid has another one. A
// process that has ended, reaped or not, is an error.
func identity(pid int) (string, error) {
	cmd := exec.Command("ps", "-o", "stat=,lstart=", "-p", strconv.Itoa(pid))
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC"}
	output, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("find process %d: %w", pid, err)
	}
	state, started, ok := strings.Cut(strings.TrimSpace(string(output)), " ")
	if !ok || strings.HasPrefix(state, "Z") {
		return "", fmt.Errorf("find process %d: it has ended", pid)
	}
	return strings.TrimSpace(started), nil
}
