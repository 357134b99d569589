package local

import (
	"fmt"
	"os"
	"strings"
)

// identity is when the process started, in clock ticks since this boot, and the boot's id. A later process with the
// same pid has another identity. ended says that the process has ended, and its parent has not waited for it yet. After
// that, identity is an error.
func identity(pid int) (started string, ended bool, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false, fmt.Errorf("find process %d: %w", pid, err)
	}
	// pid (name) state …: the name may hold spaces and parentheses, so count from the last one.
	text := string(stat)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	const state, startTime = 0, 19
	if len(fields) <= startTime {
		return "", false, fmt.Errorf("find process %d: unknown form of /proc/%d/stat", pid, pid)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", false, fmt.Errorf("read the boot id: %w", err)
	}
	ended = fields[state] == "Z" || fields[state] == "X"
	return fields[startTime] + "@" + strings.TrimSpace(string(boot)), ended, nil
}
