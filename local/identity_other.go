//go:build !linux

package local

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// identity is when the process started, as ps says it. A later process with the same pid has another identity.
// ended says that the process has ended, and its parent has not waited for it yet. After that, identity is an error.
func identity(pid int) (started string, ended bool, err error) {
	cmd := exec.Command("ps", "-o", "stat=,lstart=", "-p", strconv.Itoa(pid))
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC"}
	output, err := cmd.Output()
	if err != nil {
		return "", false, fmt.Errorf("find process %d: %w", pid, err)
	}
	state, started, ok := strings.Cut(strings.TrimSpace(string(output)), " ")
	if !ok {
		return "", false, fmt.Errorf("find process %d: ps says %q", pid, output)
	}
	return strings.TrimSpace(started), strings.HasPrefix(state, "Z"), nil
}
